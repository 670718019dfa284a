//! A value under a lock, and a latch that is set without the lock and never cleared: whoever holds the lock after
//! the latch was set sees the value ended.
//!
//! `models/loom` checks every interleaving.

use std::sync::PoisonError;

use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering};

/// A value that a latch ends.
#[derive(Debug)]
pub(crate) struct Latched<T> {
    value: Mutex<T>,
    is_set: AtomicBool,
}

impl<T> Latched<T> {
    /// The value, the latch not set.
    pub(crate) fn new(value: T) -> Self {
        Self {
            value: Mutex::new(value),
            is_set: AtomicBool::new(false),
        }
    }

    /// The value under the lock, ended first where the latch is set.
    ///
    /// FAIL-CLOSED: a lock poisoned by a panic sets the latch, since the value may be half changed.
    pub(crate) fn lock(&self, end: impl FnOnce(&mut T)) -> MutexGuard<'_, T> {
        let mut value = self
            .value
            .lock()
            .unwrap_or_else(|poisoned: PoisonError<_>| {
                self.is_set.store(true, Ordering::SeqCst);
                poisoned.into_inner()
            });
        if self.is_set.load(Ordering::SeqCst) {
            end(&mut value);
        }
        value
    }

    /// Ends the value for good; when it returns nobody finds it otherwise.
    pub(crate) fn set(&self, end: impl FnOnce(&mut T)) {
        self.is_set.store(true, Ordering::SeqCst);
        drop(self.lock(end));
    }
}
