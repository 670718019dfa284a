//! What a session came to, for people and for `--json`.

use nucleus_audit::Boundary;
use portcullis::request::SessionId;
use portcullis::verdict::Phase;
use portcullis::{Amount, Label, Operation};
use serde::Serialize;

use super::Monitor;
use super::inner::Inner;

/// Decisions of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationCount {
    /// The operation.
    pub operation: &'static str,
    /// Requests that were permitted.
    pub permitted: u64,
    /// Requests that needed an approval.
    pub needs_approval: u64,
    /// Requests that were denied.
    pub denied: u64,
}

/// When a label came, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LabelSince {
    /// The label.
    pub label: &'static str,
    /// What the session had done: "read `x`".
    pub deed: String,
    /// Milliseconds after the start of the session.
    pub after_ms: u64,
}

/// What a session came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The session.
    pub session: String,
    /// `vm`, `jail` or `none`.
    pub boundary: &'static str,
    /// `active`, `locked_down` or `ended`.
    pub phase: &'static str,
    /// Operations that were asked for, in the order of their numbers.
    pub operations: Vec<OperationCount>,
    /// The labels the session has, in the order of their numbers.
    pub exposure: Vec<LabelSince>,
    /// Micro-USD that can still be spent.
    pub left_micro_usd: u64,
    /// Micro-USD spent or held, of the envelope's maximum.
    pub used_micro_usd: u64,
    /// Input tokens that can still be spent.
    pub left_input_tokens: u64,
    /// Output tokens that can still be spent.
    pub left_output_tokens: u64,
    /// Changes landed.
    pub landed: u64,
    /// Changes kept for the user.
    pub staged: u64,
    /// What landed and is run by a build, test or install on the host, at most 1,000 paths: read these first.
    pub build_inputs: Vec<String>,
    /// Approvals spent.
    pub approvals: u64,
    /// How often authority was narrowed.
    pub tightened: u64,
    /// How often authority lies above where it started; anything but 0 is a broken promise.
    pub widened: u64,
    /// Milliseconds since the start of the session.
    pub duration_ms: u64,
}

impl Summary {
    /// `authority tightened N times, widened 0 times`.
    #[must_use]
    pub fn authority_line(&self) -> String {
        format!(
            "authority tightened {} times, widened {} times",
            self.tightened, self.widened
        )
    }
}

impl Monitor {
    /// Counts a change that was kept for the user.
    pub(crate) fn note_staged(&self) {
        self.lock().staged += 1;
    }

    /// Counts a change of a tool that landed; a command's landings are counted by their tickets.
    pub(crate) fn note_landed(&self) {
        self.lock().landed += 1;
    }

    /// Remembers something that landed and that a build on the host runs.
    pub(crate) fn note_build_input(&self, path: &str) {
        /// The most paths that are remembered.
        const MAX_PATHS: usize = 1000;
        let mut inner = self.lock();
        if inner.build_inputs.len() < MAX_PATHS {
            inner.build_inputs.insert(path.to_owned());
        }
    }

    /// What the session came to so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let inner = self.lock();
        let left = self.budget.remaining();
        let maximum = inner.first_envelope.maximum();
        Summary {
            session: session_text(self.session),
            boundary: boundary_name(self.boundary),
            phase: phase_name(inner.session.phase()),
            operations: counts(&inner),
            exposure: since(&inner, self.started_ms),
            left_micro_usd: left.micro_usd,
            used_micro_usd: used(maximum, left),
            left_input_tokens: left.input_tokens,
            left_output_tokens: left.output_tokens,
            landed: inner.landed,
            staged: inner.staged,
            build_inputs: inner.build_inputs.iter().cloned().collect(),
            approvals: inner.approvals,
            tightened: inner.tightened,
            widened: u64::from(!inner.envelope.leq(&inner.first_envelope)),
            duration_ms: self.clock.boot_ms().saturating_sub(self.started_ms),
        }
    }
}

fn session_text(session: SessionId) -> String {
    session.to_string()
}

fn used(maximum: Amount, left: Amount) -> u64 {
    maximum.micro_usd.saturating_sub(left.micro_usd)
}

fn counts(inner: &Inner) -> Vec<OperationCount> {
    let asked = |(op, tally): (&Operation, &super::inner::Tally)| {
        let total = tally.permitted + tally.asked + tally.denied;
        (total > 0).then_some(OperationCount {
            operation: op.name(),
            permitted: tally.permitted,
            needs_approval: tally.asked,
            denied: tally.denied,
        })
    };
    Operation::ALL
        .iter()
        .zip(&inner.tally)
        .filter_map(asked)
        .collect()
}

fn since(inner: &Inner, started_ms: u64) -> Vec<LabelSince> {
    let seen = |label: Label| {
        inner.witnesses[label as usize]
            .as_ref()
            .map(|witness| LabelSince {
                label: label.name(),
                deed: witness.deed.clone(),
                after_ms: witness.boot_ms.saturating_sub(started_ms),
            })
    };
    Label::ALL.into_iter().filter_map(seen).collect()
}

const fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Active => "active",
        Phase::LockedDown => "locked_down",
        Phase::Ended => "ended",
    }
}

const fn boundary_name(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Vm => "vm",
        Boundary::Jail => "jail",
        Boundary::None => "none",
    }
}
