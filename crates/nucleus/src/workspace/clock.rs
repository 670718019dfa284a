//! Reads the clock that stamps inodes, and notices when it is set.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// How far the wall clock may drift from the boot clock over one command before its stamps are not believed.
const MAX_DRIFT_NS: i128 = 500_000_000;

/// A moment by two clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wall_ns: i128,
    boot_ns: i128,
}

fn nanos(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

/// The wall clock as file systems read it: it moves once per timer tick.
pub(crate) fn coarse_ns() -> i128 {
    nanos(clock_gettime(ClockId::RealtimeCoarse))
}

impl Moment {
    /// Now. Whatever changed before has an earlier stamp.
    pub(crate) fn now() -> Self {
        Self {
            wall_ns: nanos(clock_gettime(ClockId::Realtime)),
            boot_ns: nanos(clock_gettime(ClockId::Boottime)),
        }
    }

    /// Returns when whatever changes from here on has a later stamp.
    pub(crate) fn settle(self) {
        // A tick is at most 10 ms. A clock set back ends the wait: then stamps are not believed anyway.
        for _ in 0..100 {
            if coarse_ns() > self.wall_ns {
                return;
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    }

    /// Whether something stamped with this time may have changed since. FAIL-CLOSED: yes, if the clock was set meanwhile.
    pub(crate) fn may_precede(&self, stamp_ns: i128) -> bool {
        let wall = coarse_ns() - self.wall_ns;
        let boot = nanos(clock_gettime(ClockId::Boottime)) - self.boot_ns;
        stamp_ns >= self.wall_ns || (wall - boot).abs() > MAX_DRIFT_NS
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;
    use crate::workspace::tree::changed_ns;

    #[test]
    fn stamps_since_the_moment_are_told_from_those_before() {
        let dir = tempfile::tempdir().unwrap();
        let stamp = |name: &str| {
            std::fs::write(dir.path().join(name), "x").unwrap();
            changed_ns(&rustix::fs::stat(dir.path().join(name)).unwrap())
        };
        for _ in 0..50 {
            let before = stamp("f");
            let moment = Moment::now();
            assert!(!moment.may_precede(before));
            moment.settle();
            assert!(moment.may_precede(stamp("f")));
        }
    }

    #[test]
    fn a_clock_that_was_set_makes_every_stamp_doubtful() {
        let now = Moment::now();
        let set = Moment {
            boot_ns: now.boot_ns - 10_000_000_000,
            ..now
        };
        assert!(set.may_precede(0) && !now.may_precede(0));
    }
}
