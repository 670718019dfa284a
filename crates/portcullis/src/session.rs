//! The session as a pure transition function; authority and budget only fall, exposure only grows.

use crate::named::readers;
use crate::{Amount, Exposure, Ledger, Outcome, Phase, Posture, Reasons, SessionWord, SubjectFacts, Verdict, verdict};

/// The words of a session: what is granted, what was touched, what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct SessionState {
    posture: Posture,
    phase: Phase,
    exposure: Exposure,
    ledger: Ledger,
    now_ms: u64,
    deadline_ms: u64,
}

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A request of these facts at this cost, under an approval that showed these reasons.
    Request {
        /// What decides of the subject.
        facts: SubjectFacts,
        /// What is reserved for it.
        cost: Amount,
        /// The reasons an approval showed; none without an approval.
        shown: Reasons,
    },
    /// An effect ended: of `reserved`, `used` was spent.
    Settle {
        /// What was reserved.
        reserved: Amount,
        /// What was spent of it.
        used: Amount,
    },
    /// Authority is narrowed to what this posture, maximum and deadline also grant.
    Tighten {
        /// The posture to meet with.
        posture: Posture,
        /// The most that may be left.
        maximum: Amount,
        /// The latest end, in milliseconds of the boot-time clock.
        deadline_ms: u64,
    },
    /// The boot-time clock reads this; an earlier reading is ignored.
    Clock(u64),
    /// Content was handed over that carries these labels.
    Expose(Exposure),
    /// The host pauses the session.
    Lockdown,
    /// The host lifts a lockdown.
    Lift,
    /// The session ends.
    End,
}

/// What an event came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Answer {
    /// A request was judged.
    Judged {
        /// Every rule that fired.
        verdict: Verdict,
        /// The outcome under the approval given.
        outcome: Outcome,
    },
    /// The event was applied.
    Applied,
    /// The event does not fit the state and changed nothing.
    Ignored,
}

readers! {
    SessionState {
        /// The fixed part of its envelope.
        word posture: Posture,
        /// Active, locked down or ended.
        word phase: Phase,
        /// What it has touched.
        word exposure: Exposure,
        /// What is left and held of its budget.
        word ledger: Ledger,
        /// The latest clock reading, in milliseconds.
        word now_ms: u64,
        /// The end of its window, in milliseconds of the same clock.
        word deadline_ms: u64,
    }
}

impl SessionState {
    /// A session that starts now.
    #[inline]
    pub const fn start(posture: Posture, maximum: Amount, now_ms: u64, window_ms: u64) -> Self {
        Self {
            posture: posture.normalize(),
            phase: Phase::Active,
            exposure: Exposure::NONE,
            ledger: Ledger::open(maximum),
            now_ms,
            deadline_ms: now_ms.saturating_add(window_ms),
        }
    }

    /// The word that `verdict` sees.
    #[inline]
    pub const fn word(self) -> SessionWord {
        SessionWord { phase: self.phase, in_window: self.now_ms < self.deadline_ms, exposure: self.exposure }
    }

    /// The same session with another exposure joined in.
    #[inline]
    const fn exposed(self, labels: Exposure) -> Self {
        Self { exposure: self.exposure.join(labels), ..self }
    }
}

/// The state after the event, and what the event came to.
///
/// Total: no event panics, none widens authority, lowers exposure or raises
/// what is left plus held, and a request that is refused changes nothing.
#[inline]
pub const fn step(state: SessionState, event: Event) -> (SessionState, Answer) {
    match event {
        Event::Request { facts, cost, shown } => request(state, facts, cost, shown),
        Event::Settle { reserved, used } => match state.ledger.settle(reserved, used) {
            Some(ledger) => (SessionState { ledger, ..state }, Answer::Applied),
            None => (state, Answer::Ignored),
        },
        Event::Tighten { posture, maximum, deadline_ms } => {
            (tighten(state, posture, maximum, deadline_ms), Answer::Applied)
        }
        Event::Clock(now_ms) if now_ms >= state.now_ms => (SessionState { now_ms, ..state }, Answer::Applied),
        Event::Expose(labels) => (state.exposed(labels), Answer::Applied),
        Event::Lockdown => shift(state, Phase::Active, Phase::LockedDown),
        Event::Lift => shift(state, Phase::LockedDown, Phase::Active),
        Event::End => (SessionState { phase: Phase::Ended, ..state }, Answer::Applied),
        Event::Clock(_) => (state, Answer::Ignored),
    }
}

/// Judges a request; only a permit holds budget and raises exposure.
#[inline]
const fn request(state: SessionState, facts: SubjectFacts, cost: Amount, shown: Reasons) -> (SessionState, Answer) {
    let reserved = state.ledger.reserve(cost);
    let verdict = verdict(state.posture, state.word(), facts, reserved.is_some());
    let outcome = verdict.outcome_with(shown);
    let answer = Answer::Judged { verdict, outcome };
    match (outcome, reserved) {
        (Outcome::Permit, Some(ledger)) => (SessionState { ledger, ..state }.exposed(facts.labels()), answer),
        _ => (state, answer),
    }
}

/// Narrows posture, budget and deadline.
#[inline]
const fn tighten(state: SessionState, posture: Posture, maximum: Amount, deadline_ms: u64) -> SessionState {
    SessionState {
        posture: state.posture.meet(posture),
        ledger: state.ledger.tighten(maximum),
        deadline_ms: if deadline_ms < state.deadline_ms { deadline_ms } else { state.deadline_ms },
        ..state
    }
}

/// Moves between two phases, or ignores the event in any other.
#[inline]
const fn shift(state: SessionState, from: Phase, to: Phase) -> (SessionState, Answer) {
    if state.phase as u8 == from as u8 {
        (SessionState { phase: to, ..state }, Answer::Applied)
    } else {
        (state, Answer::Ignored)
    }
}
