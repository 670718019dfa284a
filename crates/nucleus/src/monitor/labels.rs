//! One word of labels that threads share: a label that was raised is read from then on.
//!
//! `models/loom` checks every interleaving.

use crate::sync::{AtomicU8, Ordering};
use portcullis::Exposure;

/// Labels that only accumulate.
#[derive(Debug)]
pub(crate) struct LabelWord(AtomicU8);

impl LabelWord {
    /// No label.
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(Exposure::NONE.bits()))
    }

    /// What was raised so far; none when the bits name no label.
    pub(crate) fn read(&self) -> Option<Exposure> {
        Exposure::from_bits(self.0.load(Ordering::SeqCst))
    }

    /// Joins labels in one step, so that no other thread's are lost.
    pub(crate) fn raise(&self, labels: Exposure) {
        self.0.fetch_or(labels.bits(), Ordering::SeqCst);
    }
}
