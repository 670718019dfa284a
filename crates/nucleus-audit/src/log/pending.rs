//! The proof that a record stands: only [`Pending::wait`] makes it.

use std::sync::Arc;

use portcullis::decide::Permit;

use super::{Durability, Shared};
use crate::draft::Draft;
use crate::error::LogError;

/// A value that a record vouches for.
pub trait Payload {
    /// Whether the record to be written speaks of this very value.
    fn is_described_by(&self, draft: &Draft<'_>) -> bool;
}

impl Payload for () {
    fn is_described_by(&self, _draft: &Draft<'_>) -> bool {
        true
    }
}

/// A permit is vouched for only by the record of the decision that made it.
impl Payload for Permit {
    fn is_described_by(&self, draft: &Draft<'_>) -> bool {
        draft.permitted() == Some(self.digest())
    }
}

/// A value whose record has its place but may not be safe yet.
#[derive(Debug)]
#[must_use = "the value is given out by `wait`"]
pub struct Pending<T> {
    payload: T,
    sequence: u64,
    durability: Durability,
    shared: Arc<Shared>,
}

impl<T> Pending<T> {
    pub(super) fn new(
        payload: T,
        sequence: u64,
        durability: Durability,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            payload,
            sequence,
            durability,
            shared,
        }
    }

    /// The place of the record.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How safe its record is to be before the value is given out.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// Returns the value once its record is as safe as was asked for.
    ///
    /// # Errors
    /// [`LogError`]; the value is dropped with it, so what it permits does not happen.
    pub fn wait(self) -> Result<Recorded<T>, LogError> {
        match self.durability {
            Durability::Buffered => self.shared.write_to(self.sequence + 1)?,
            Durability::Durable => self.shared.sync_to(self.sequence + 1)?,
        }
        Ok(Recorded {
            payload: self.payload,
            sequence: self.sequence,
        })
    }
}

/// A value whose record stands in the log.
///
/// Only [`Pending::wait`] makes it, and it is not `Clone`: an effect that takes
/// a `Recorded<Permit>` by value cannot happen without a record, nor twice.
#[derive(Debug)]
#[must_use = "a recorded permit that is dropped permits nothing"]
pub struct Recorded<T> {
    payload: T,
    sequence: u64,
}

impl<T> Recorded<T> {
    /// The value.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.payload
    }

    /// The value without its proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.payload
    }

    /// The place of its record.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}
