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
    /// Now, later than `after_ns` by the clock of file systems; waits for the next tick if it must.
    pub(crate) fn after(after_ns: i128) -> Self {
        // A tick is at most 10 ms. A clock set back ends the wait: then stamps are not believed anyway.
        for _ in 0..20 {
            if coarse_ns() > after_ns {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        Self {
            wall_ns: coarse_ns(),
            boot_ns: nanos(clock_gettime(ClockId::Boottime)),
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
    use super::{Moment, coarse_ns};

    #[test]
    fn stamps_since_the_moment_are_told_from_those_before() {
        let before = coarse_ns();
        let moment = Moment::after(before);
        assert!(!moment.may_precede(before));
        assert!(moment.may_precede(coarse_ns()));
    }

    #[test]
    fn a_clock_that_was_set_makes_every_stamp_doubtful() {
        let now = Moment::after(0);
        let set = Moment {
            boot_ns: now.boot_ns - 10_000_000_000,
            ..now
        };
        assert!(set.may_precede(0) && !now.may_precede(0));
    }
}
