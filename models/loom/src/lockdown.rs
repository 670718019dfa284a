//! The end and the lockdown of a session under every interleaving, and planted races that must be found.

use std::sync::Arc as Shared;

use loom::sync::Arc;
use loom::thread;
use portcullis::verdict::Phase;

use crate::hooks::{Hooks, LifeHook};
use crate::latch::Latched;
use crate::sync::{AtomicBool, Mutex, Ordering};

/// A session's state, as far as the latch is concerned.
#[derive(Debug, Default)]
struct State {
    is_over: bool,
    admitted: u32,
}

fn end(state: &mut State) {
    state.is_over = true;
}

/// Judges under the lock, as the monitor does.
fn admit(latched: &Latched<State>) {
    let mut state = latched.lock(end);
    if !state.is_over {
        state.admitted += 1;
    }
}

/// A planted fault: it looks under one lock and acts under another.
fn admit_in_two_steps(latched: &Latched<State>) {
    let is_over = latched.lock(end).is_over;
    if !is_over {
        latched.lock(end).admitted += 1;
    }
}

/// Once the latch was set, nothing is admitted.
fn nothing_after_the_end(admit: fn(&Latched<State>)) {
    loom::model(move || {
        let latched = Arc::new(Latched::new(State::default()));
        let other = latched.clone();
        let thread = thread::spawn(move || admit(&other));
        latched.set(end);
        let before = latched.lock(end).admitted;
        thread.join().unwrap();
        let state = latched.lock(end);
        assert!(state.is_over);
        assert_eq!(state.admitted, before, "admitted after the end");
    });
}

#[test]
fn nothing_is_admitted_once_the_latch_is_set() {
    nothing_after_the_end(admit);
}

#[test]
#[should_panic(expected = "admitted after the end")]
fn the_checker_finds_a_judgement_in_two_steps() {
    nothing_after_the_end(admit_in_two_steps);
}

/// A process that moves or does not.
#[derive(Debug)]
struct Process {
    moves: AtomicBool,
    lives: AtomicBool,
}

impl Process {
    fn started() -> Shared<Self> {
        Shared::new(Self { moves: AtomicBool::new(true), lives: AtomicBool::new(true) })
    }
}

impl LifeHook for Process {
    fn lock_down(&self) {
        self.moves.store(false, Ordering::SeqCst);
    }

    fn lift(&self) {
        self.moves.store(true, Ordering::SeqCst);
    }

    fn end(&self) {
        self.lives.store(false, Ordering::SeqCst);
    }
}

/// A session of which only the phase and the hooks are left.
struct Session {
    phase: Mutex<Phase>,
    hooks: Hooks,
}

impl Session {
    fn new(phase: Phase) -> Arc<Self> {
        Arc::new(Self { phase: Mutex::new(phase), hooks: Hooks::new() })
    }

    fn phase(&self) -> Phase {
        *self.phase.lock().unwrap()
    }

    fn become_phase(&self, phase: Phase) {
        *self.phase.lock().unwrap() = phase;
        self.hooks.tell(|| self.phase());
    }
}

#[test]
fn what_starts_beside_a_lockdown_is_stopped() {
    loom::model(|| {
        let session = Session::new(Phase::Active);
        let process = Process::started();
        let other = session.clone();
        let thread = thread::spawn(move || other.become_phase(Phase::LockedDown));
        let hook: Shared<dyn LifeHook> = process.clone();
        session.hooks.watch(&hook, || session.phase());
        thread.join().unwrap();
        assert!(!process.moves.load(Ordering::SeqCst), "moves in a lockdown");
    });
}

#[test]
fn what_starts_beside_the_end_is_ended() {
    loom::model(|| {
        let session = Session::new(Phase::Active);
        let process = Process::started();
        let other = session.clone();
        let thread = thread::spawn(move || other.become_phase(Phase::Ended));
        let hook: Shared<dyn LifeHook> = process.clone();
        session.hooks.watch(&hook, || session.phase());
        thread.join().unwrap();
        assert!(!process.lives.load(Ordering::SeqCst), "lives after the end");
    });
}

#[test]
#[should_panic(expected = "moves in a lockdown")]
fn the_checker_finds_a_watch_that_looks_before_it_registers() {
    loom::model(|| {
        let session = Session::new(Phase::Active);
        let process = Process::started();
        let other = session.clone();
        let thread = thread::spawn(move || other.become_phase(Phase::LockedDown));
        let seen = session.phase();
        let hook: Shared<dyn LifeHook> = process.clone();
        session.hooks.watch(&hook, || seen);
        thread.join().unwrap();
        assert!(!process.moves.load(Ordering::SeqCst), "moves in a lockdown");
    });
}

/// A lift races with a second lockdown; what is told last must be the phase that stays.
fn lift_beside_a_lockdown(lift: fn(&Session, &Process)) {
    loom::model(move || {
        let session = Session::new(Phase::LockedDown);
        let process = Process::started();
        let hook: Shared<dyn LifeHook> = process.clone();
        session.hooks.watch(&hook, || session.phase());
        let other = session.clone();
        let thread = thread::spawn(move || {
            other.become_phase(Phase::LockedDown);
        });
        lift(&session, &process);
        thread.join().unwrap();
        let moves = process.moves.load(Ordering::SeqCst);
        assert_eq!(moves, session.phase() == Phase::Active, "told another phase than the one that stays");
    });
}

#[test]
fn a_late_lift_never_frees_what_is_locked_down() {
    lift_beside_a_lockdown(|session, _| session.become_phase(Phase::Active));
}

#[test]
#[should_panic(expected = "told another phase")]
fn the_checker_finds_a_lift_that_comes_too_late() {
    lift_beside_a_lockdown(|session, process| {
        *session.phase.lock().unwrap() = Phase::Active;
        process.lift();
    });
}
