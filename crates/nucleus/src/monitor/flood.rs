//! Bounds what a session that is refused again and again can write: at the bound it locks itself down.
//!
//! A refusal costs no budget and raises no exposure, but each is a record on
//! the disk. An agent that only asks for what it may not have would fill it.

use nucleus_audit::{Draft, Durability};
use portcullis::request::{Request, Subject};
use portcullis::verdict::Phase;
use portcullis::{OperationSet, Outcome};

use super::describe::cut;
use super::inner::Inner;
use super::{Monitor, MonitorError};

/// How much may be refused before the session locks itself down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalLimits {
    /// Refused requests.
    pub requests: u64,
    /// Bytes of their records, as far as the agent chooses them.
    pub bytes: u64,
}

impl Default for RefusalLimits {
    /// 10,000 requests, an hour of one every third of a second, and 64 MiB.
    fn default() -> Self {
        Self {
            requests: 10_000,
            bytes: 64 << 20,
        }
    }
}

/// What was refused since the start or since the last lockdown was lifted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refusals {
    requests: u64,
    bytes: u64,
}

impl Refusals {
    pub(super) fn add(&mut self, request: &Request) {
        self.add_bytes(weight(request));
    }

    fn add_bytes(&mut self, bytes: u64) {
        self.requests = self.requests.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether this many times the limits was reached.
    pub(super) fn reach(self, limits: RefusalLimits, times: u64) -> bool {
        self.requests >= limits.requests.saturating_mul(times)
            || self.bytes >= limits.bytes.saturating_mul(times)
    }
}

impl Monitor {
    /// Whether a refusal is still recorded by itself.
    ///
    /// At twice the limits, when the session has long been locked down and runs nothing, it no longer is.
    pub(super) fn is_refusal_recorded(&self, inner: &Inner) -> bool {
        inner.session.phase() == Phase::Active || !inner.refusals.reach(self.refusal_limits, 2)
    }

    /// Records something that costs the session nothing and that its agent can repeat at will, such as a refused
    /// model call; durable when it returns. It counts as a refusal, so too many of them lock the session down.
    ///
    /// # Errors
    /// As [`Monitor::note`], and [`MonitorError::Over`] when the session is locked down.
    pub fn note_unpaid(&self, text: &str) -> Result<(), MonitorError> {
        {
            let mut inner = self.lock();
            if inner.session.phase() != Phase::Active {
                return Err(MonitorError::Over);
            }
            inner.refusals.add_bytes(note_weight(text));
        }
        self.note(text)?;
        self.stop_flood();
        Ok(())
    }

    /// Denies, on record, what has no form in which it could be judged: a path outside of the workspace, a tool that does not
    /// exist. It counts as a refusal of these operations, so too many of them lock the session down.
    pub fn deny_unjudged(&self, operations: OperationSet, asked: &str, why: &str) {
        let text = format!("denied: `{}` cannot be judged: {}", cut(asked), cut(why));
        {
            let mut inner = self.lock();
            inner.count(operations, Outcome::Deny);
            inner.refusals.add_bytes(note_weight(&text));
            if Self::is_over(&inner) || !self.is_refusal_recorded(&inner) {
                return;
            }
            let draft = Draft::note(self.context(&inner), &text);
            if self.log.append(&draft, (), Durability::Buffered).is_err() {
                self.end_now(&mut inner);
            }
        }
        self.stop_flood();
    }

    /// Locks the session down when it was refused too often. Called without the lock.
    pub(super) fn stop_flood(&self) {
        let is_flooded = {
            let inner = self.lock();
            inner.session.phase() == Phase::Active && inner.refusals.reach(self.refusal_limits, 1)
        };
        if is_flooded {
            // A log that fails here has ended the session, which is stricter.
            let _ = self.lockdown("too many requests were refused");
        }
    }
}

/// About the bytes of the record of a note.
fn note_weight(text: &str) -> u64 {
    u64::try_from(1024 + text.len()).unwrap_or(u64::MAX)
}

/// About the bytes of the record of a refusal: what every record has, and the words of the subject.
fn weight(request: &Request) -> u64 {
    /// What a record has beside its subject.
    const BASE_BYTES: usize = 1024;
    /// The longest text that a record keeps.
    const TEXT_BYTES: usize = 4096;
    let text = |text: &str| text.len().min(TEXT_BYTES) + 4;
    let texts = match request.subject() {
        Subject::Command(command) => {
            let words: usize = command.argv.words().iter().map(|word| text(word)).sum();
            let variables = command.environment.iter();
            words
                + variables
                    .map(|(name, value)| text(name) + text(value))
                    .sum::<usize>()
        }
        Subject::Commit { message, paths, .. } => {
            text(message) + paths.iter().map(|path| text(path.as_str())).sum::<usize>()
        }
        _ => 2 * TEXT_BYTES,
    };
    u64::try_from(BASE_BYTES + texts).unwrap_or(u64::MAX)
}
