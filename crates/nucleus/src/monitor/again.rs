//! Judges a request again for what is already under way, without a trace.

use portcullis::decide::{Decision, decide};
use portcullis::request::Request;
use portcullis::verdict::SessionWord;

use super::Monitor;

impl Monitor {
    /// Whether the request would be permitted as things are now, with no approval and its cost already paid.
    ///
    /// Nothing is reserved, raised or recorded. FAIL-CLOSED: no, when the exposure cannot be read.
    pub(crate) fn would_permit(&self, request: &Request) -> bool {
        let mut inner = self.lock();
        let Ok(shared) = self.exposure.read() else {
            return false;
        };
        let (word, _) = inner.word_at(self.clock.boot_ms());
        let word = SessionWord {
            exposure: word.exposure.join(shared),
            ..word
        };
        let decision = decide(&inner.envelope, word, request, true, None);
        matches!(decision, Decision::Permit(_))
    }
}
