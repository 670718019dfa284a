//! Bounds how many commands of one session run at a time; further ones wait for their turn.
//!
//! A call above the bound waits rather than fails: an agent that starts many
//! commands at once wants all of them, and one that is refused tries again,
//! which costs more than waiting does.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Commands of one session that run at a time, git's own included: what a machine of eight cores can use.
///
/// Where the kernel gives no control groups, a session has at most 8 times the bounds of one jail: by default 4,096 processes and
/// 32 GiB of memory; elsewhere at most [`SessionLimits`](nucleus_jail::SessionLimits).
pub const MAX_RUNNING: usize = 8;
/// Commands of one session that wait: more than any agent calls at once.
pub const MAX_WAITING: usize = 64;

/// How often a waiting call looks whether it still should.
const TICK: Duration = Duration::from_millis(50);

/// The turns of one session's commands.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    counts: Mutex<Counts>,
    freed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    running: usize,
    waiting: usize,
}

/// The right to run one command; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<Slots>);

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSlot {
    /// The caller no longer wants one.
    GivenUp,
    /// As many wait as may.
    TooMany,
}

impl Slots {
    /// A turn, waited for as long as `goes_on` says so.
    pub(crate) fn take(self: &Arc<Self>, goes_on: &dyn Fn() -> bool) -> Result<Slot, NoSlot> {
        let mut counts = self.lock();
        if counts.running >= MAX_RUNNING {
            // FAIL-CLOSED: a queue without end would hold a thread of the host for each call.
            if counts.waiting >= MAX_WAITING {
                return Err(NoSlot::TooMany);
            }
            counts.waiting += 1;
            while counts.running >= MAX_RUNNING && goes_on() {
                counts = self
                    .freed
                    .wait_timeout(counts, TICK)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
            }
            counts.waiting -= 1;
        }
        if counts.running >= MAX_RUNNING {
            return Err(NoSlot::GivenUp);
        }
        counts.running += 1;
        Ok(Slot(Arc::clone(self)))
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    #[test]
    fn no_more_than_the_bound_run_and_each_gets_its_turn() {
        let slots = Arc::new(Slots::default());
        let (now, most, done) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    let slot = slots.take(&|| true).unwrap();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= MAX_RUNNING);
        assert_eq!(done.load(Ordering::SeqCst), 40);
    }

    #[test]
    fn a_waiting_call_can_be_given_up_and_leaves_no_trace() {
        let slots = Arc::new(Slots::default());
        let mut held: Vec<Slot> = (0..MAX_RUNNING)
            .map(|_| slots.take(&|| true).unwrap())
            .collect();
        assert_eq!(slots.take(&|| false).unwrap_err(), NoSlot::GivenUp);
        let goes_on = AtomicBool::new(true);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| slots.take(&|| goes_on.load(Ordering::SeqCst)).map(drop));
            goes_on.store(false, Ordering::SeqCst);
            assert_eq!(waiting.join().unwrap(), Err(NoSlot::GivenUp));
        });
        assert_eq!(slots.lock().waiting, 0);
        held.pop();
        drop(slots.take(&|| false).unwrap());
    }

    #[test]
    fn the_queue_has_an_end() {
        let slots = Arc::new(Slots::default());
        let held: Vec<Slot> = (0..MAX_RUNNING)
            .map(|_| slots.take(&|| true).unwrap())
            .collect();
        slots.lock().waiting = MAX_WAITING;
        assert_eq!(slots.take(&|| true).unwrap_err(), NoSlot::TooMany);
        slots.lock().waiting = 0;
        drop(held);
        slots.take(&|| true).map(drop).unwrap();
    }
}
