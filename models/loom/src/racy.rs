//! A budget with a planted race, on which the checks must fail.

use crate::sync::{AtomicU64, Ordering};

/// Looks and takes in two steps.
#[derive(Debug)]
pub struct RacyBudget(AtomicU64);

impl RacyBudget {
    /// A budget with all of the maximum left.
    #[must_use]
    pub fn new(maximum: u64) -> Self {
        Self(AtomicU64::new(maximum))
    }

    /// Whether the cost was taken.
    pub fn reserve(&self, cost: u64) -> bool {
        let left = self.0.load(Ordering::Acquire);
        if left < cost {
            return false;
        }
        self.0.store(left - cost, Ordering::Release);
        true
    }
}
