//! Lets tests end the process at a chosen step; does nothing in any other build.

/// Marks a moment after which a crash must lose nothing.
#[cfg(not(test))]
#[inline]
pub(crate) fn step(_name: &str) {}

/// Steps left before the process kills itself; `u32::MAX` for never.
#[cfg(test)]
pub(crate) static STEPS_LEFT: std::sync::atomic::AtomicU32 =
    std::sync::atomic::AtomicU32::new(u32::MAX);

/// Marks a moment after which a crash must lose nothing.
#[cfg(test)]
pub(crate) fn step(_name: &str) {
    use std::sync::atomic::Ordering;
    if STEPS_LEFT.load(Ordering::SeqCst) == u32::MAX {
        return;
    }
    if STEPS_LEFT.fetch_sub(1, Ordering::SeqCst) == 0 {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}
