//! What runs on behalf of a session, told of its phase: what was told last is the phase of now, whoever changes it.
//!
//! `models/loom` checks every interleaving.

use std::fmt::Debug;
use std::sync::{Arc, PoisonError, Weak};

use crate::sync::Mutex;
use portcullis::verdict::Phase;

/// Something that runs on behalf of the session: a jail, a tunnel.
///
/// Each call may come more than once.
pub trait LifeHook: Send + Sync + Debug {
    /// Stops moving until [`LifeHook::lift`]; must not call the monitor.
    fn lock_down(&self);
    /// Moves again.
    fn lift(&self);
    /// Ends for good; must not call the monitor.
    fn end(&self);
}

/// The hooks of one session.
#[derive(Debug)]
pub(crate) struct Hooks(Mutex<Vec<Weak<dyn LifeHook>>>);

impl Hooks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Registers a hook that moves, and stops it at once where the session does not.
    ///
    /// Registered first and looked after second: a lockdown between the two tells it by itself.
    pub(crate) fn watch(&self, hook: &Arc<dyn LifeHook>, phase: impl Fn() -> Phase) {
        {
            let mut hooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hooks.retain(|known| known.strong_count() > 0);
            hooks.push(Arc::downgrade(hook));
        }
        settle(&**hook, Phase::Active, &phase);
    }

    /// Tells every hook the phase; called after each change of it.
    pub(crate) fn tell(&self, phase: impl Fn() -> Phase) {
        let hooks: Vec<_> = {
            let hooks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            hooks.iter().filter_map(Weak::upgrade).collect()
        };
        for hook in hooks {
            let now = phase();
            call(&*hook, now);
            settle(&*hook, now, &phase);
        }
    }
}

/// Tells a hook again until it was told the phase of now.
///
/// INVARIANT: a lift that comes late is taken back by the one who told it, so that nothing moves in a lockdown.
fn settle(hook: &dyn LifeHook, mut told: Phase, phase: &impl Fn() -> Phase) {
    loop {
        let now = phase();
        if now == told {
            return;
        }
        call(hook, now);
        told = now;
    }
}

fn call(hook: &dyn LifeHook, phase: Phase) {
    match phase {
        Phase::Active => hook.lift(),
        Phase::LockedDown => hook.lock_down(),
        Phase::Ended => hook.end(),
    }
}
