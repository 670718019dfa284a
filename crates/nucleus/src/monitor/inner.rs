//! What the session's lock protects.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use portcullis::envelope::Envelope;
use portcullis::session::{Event, SessionState, step};
use portcullis::verdict::SessionWord;
use portcullis::{Exposure, Label, Operation, OperationSet, Outcome};

use super::flood::Refusals;
use crate::guard::{MonotonicGuard, WindowFault};

/// When a label came, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Witness {
    pub(super) deed: String,
    pub(super) boot_ms: u64,
}

/// Decisions by operation and outcome.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) permitted: u64,
    pub(super) asked: u64,
    pub(super) denied: u64,
}

/// The state of a session.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) session: SessionState,
    pub(super) envelope: Arc<Envelope>,
    pub(super) first_envelope: Arc<Envelope>,
    pub(super) guard: MonotonicGuard,
    pub(super) witnesses: [Option<Witness>; 3],
    pub(super) spent: HashSet<[u8; 16]>,
    pub(super) tally: [Tally; 12],
    pub(super) refusals: Refusals,
    pub(super) tightened: u64,
    pub(super) approvals: u64,
    pub(super) landed: u64,
    pub(super) staged: u64,
    /// Paths that landed and that a build, test or install on the host runs; bounded.
    pub(super) build_inputs: BTreeSet<String>,
}

impl Inner {
    pub(super) fn start(
        envelope: Envelope,
        guard: MonotonicGuard,
        now_ms: u64,
        shared: Exposure,
    ) -> Self {
        let window_ms = guard.deadline_ms().saturating_sub(now_ms);
        let fresh = SessionState::start(envelope.posture(), envelope.maximum(), now_ms, window_ms);
        let envelope = Arc::new(envelope);
        let mut inner = Self {
            session: fresh,
            first_envelope: envelope.clone(),
            envelope,
            guard,
            witnesses: [None, None, None],
            spent: HashSet::new(),
            tally: [Tally::default(); 12],
            refusals: Refusals::default(),
            tightened: 0,
            approvals: 0,
            landed: 0,
            staged: 0,
            build_inputs: BTreeSet::new(),
        };
        inner.expose(shared, "shared this workspace with another session", now_ms);
        inner
    }

    /// The word of the session at this reading of the clock, and what is wrong with the reading.
    pub(super) fn word_at(&mut self, now_ms: u64) -> (SessionWord, Option<WindowFault>) {
        let fault = self.guard.check(now_ms).err();
        self.session = step(self.session, Event::Clock(now_ms)).0;
        let word = self.session.word();
        (
            SessionWord {
                in_window: word.in_window && fault.is_none(),
                ..word
            },
            fault,
        )
    }

    /// Joins labels and keeps by what each new one came.
    pub(super) fn expose(&mut self, labels: Exposure, deed: &str, boot_ms: u64) {
        let before = self.session.exposure();
        for label in labels.iter().filter(|label| !before.contains(*label)) {
            self.witnesses[label as usize] = Some(Witness {
                deed: deed.to_owned(),
                boot_ms,
            });
        }
        self.session = step(self.session, Event::Expose(labels)).0;
    }

    /// What the session did to get its source labels, for a refusal.
    pub(super) fn evidence(&self) -> Vec<String> {
        [
            (Label::PrivateData, "private data"),
            (Label::UntrustedContent, "untrusted content"),
        ]
        .into_iter()
        .filter_map(|(label, name)| {
            let witness = self.witnesses[label as usize].as_ref()?;
            Some(format!("{} ({name})", witness.deed))
        })
        .collect()
    }

    /// Counts a decision once for each operation of the request.
    pub(super) fn count(&mut self, operations: OperationSet, outcome: Outcome) {
        for (index, _) in Operation::ALL
            .iter()
            .enumerate()
            .filter(|(_, op)| operations.contains(**op))
        {
            let tally = &mut self.tally[index];
            match outcome {
                Outcome::Permit => tally.permitted += 1,
                Outcome::NeedsApproval => tally.asked += 1,
                Outcome::Deny => tally.denied += 1,
            }
        }
    }
}
