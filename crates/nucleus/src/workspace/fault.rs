//! Lets tests end the process at a chosen step, or act between two steps; does nothing in any other build.

/// Marks a moment after which a crash must lose nothing.
#[cfg(not(test))]
#[inline]
pub(crate) fn step(_name: &str) {}

/// Steps left before the process kills itself; `u32::MAX` for never.
#[cfg(test)]
pub(crate) static STEPS_LEFT: std::sync::atomic::AtomicU32 =
    std::sync::atomic::AtomicU32::new(u32::MAX);

/// What happens at each step of this thread.
#[cfg(test)]
type Act = Box<dyn FnMut(&str)>;

#[cfg(test)]
thread_local! {
    static ACT: std::cell::RefCell<Option<Act>> = const { std::cell::RefCell::new(None) };
}

/// Does the work; at each of its steps, `act` is called first.
#[cfg(test)]
pub(crate) fn at_each_step<T>(act: impl FnMut(&str) + 'static, work: impl FnOnce() -> T) -> T {
    ACT.with_borrow_mut(|slot| *slot = Some(Box::new(act)));
    let done = work();
    ACT.with_borrow_mut(|slot| *slot = None);
    done
}

/// Marks a moment after which a crash must lose nothing.
#[cfg(test)]
pub(crate) fn step(name: &str) {
    use std::sync::atomic::Ordering;
    ACT.with_borrow_mut(|slot| {
        if let Some(act) = slot {
            act(name);
        }
    });
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
