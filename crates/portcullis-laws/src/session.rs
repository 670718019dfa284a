//! Laws of one step of a session: the lemmas from which the trace theorems follow by induction.

use portcullis::{
    Amount, Answer, Event, Exposure, Label, Ledger, Operation, Outcome, Phase, Posture, Reason, Reasons, SessionState,
    SubjectFacts, step, verdict,
};

use crate::budget::has_no_more;
use crate::law::laws;

/// The state and the outcome after a request.
#[inline]
const fn ask(s: SessionState, facts: SubjectFacts, cost: Amount, shown: Reasons) -> (SessionState, Outcome) {
    match step(s, Event::Request { facts, cost, shown }) {
        (next, Answer::Judged { outcome, .. }) => (next, outcome),
        // A request is always judged; if not, every law of it fails.
        (next, Answer::Applied | Answer::Ignored) => (next, Outcome::Permit),
    }
}

/// Whether a request was permitted.
#[inline]
const fn runs(s: SessionState, facts: SubjectFacts, cost: Amount, shown: Reasons) -> bool {
    matches!(ask(s, facts, cost, shown).1, Outcome::Permit)
}

laws! {
    /// Authority only falls: no event widens the posture of a session.
    law_step_never_widens_authority(s: SessionState, e: Event) { step(s, e).0.posture().leq(s.posture()) }
    /// Exposure only grows: no event takes a label away.
    law_step_never_lowers_exposure(s: SessionState, e: Event) { s.exposure().leq(step(s, e).0.exposure()) }
    /// Budget only falls: no event raises what is left and held together.
    law_step_never_raises_the_budget(s: SessionState, e: Event) {
        has_no_more(step(s, e).0.ledger(), s.ledger())
    }
    /// Time only passes: no event sets the clock back or the deadline later.
    law_step_never_gains_time(s: SessionState, e: Event) {
        let next = step(s, e).0;
        next.now_ms() >= s.now_ms() && next.deadline_ms() <= s.deadline_ms()
    }
    /// A level of never stays never, whatever happens.
    law_never_is_forever(s: SessionState, e: Event, op: Operation)
        when (!s.posture().capabilities().granted().contains(op)) {
        !step(s, e).0.posture().capabilities().granted().contains(op)
    }
    /// An obligation stays, whatever happens.
    law_obligation_is_forever(s: SessionState, e: Event, op: Operation) when (s.posture().asks().contains(op)) {
        step(s, e).0.posture().asks().contains(op)
    }
    /// An ended session stays ended.
    law_ended_is_forever(s: SessionState, e: Event) when (matches!(s.phase(), Phase::Ended)) {
        matches!(step(s, e).0.phase(), Phase::Ended)
    }
    /// Only lockdown, lift and end change the phase, each to the phase it names.
    law_phase_moves_as_named(s: SessionState, e: Event) {
        let next = step(s, e).0.phase();
        match e {
            Event::End => matches!(next, Phase::Ended),
            Event::Lockdown => matches!(
                (s.phase(), next),
                (Phase::Active | Phase::LockedDown, Phase::LockedDown) | (Phase::Ended, Phase::Ended)
            ),
            Event::Lift => matches!(
                (s.phase(), next),
                (Phase::Active | Phase::LockedDown, Phase::Active) | (Phase::Ended, Phase::Ended)
            ),
            _ => next == s.phase(),
        }
    }
    /// Lifting a lockdown restores the session exactly as it was: a pause changes nothing.
    law_lockdown_is_a_pause(s: SessionState) when (matches!(s.phase(), Phase::Active)) {
        step(step(s, Event::Lockdown).0, Event::Lift).0 == s
    }
    /// A request that is refused changes nothing of the session.
    law_refused_request_changes_nothing(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (!runs(s, f, cost, shown)) {
        ask(s, f, cost, shown).0 == s
    }
    /// A permitted request raises the exposure by exactly its labels, and touches neither authority nor time.
    law_permitted_request_exposes_its_labels(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (runs(s, f, cost, shown)) {
        let next = ask(s, f, cost, shown).0;
        next.exposure() == s.exposure().join(f.labels())
            && next.posture() == s.posture()
            && next.phase() == s.phase()
            && next.now_ms() == s.now_ms()
            && next.deadline_ms() == s.deadline_ms()
    }
    /// A permitted request holds exactly its cost.
    law_permitted_request_holds_its_cost(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (runs(s, f, cost, shown)) {
        Some(ask(s, f, cost, shown).0.ledger()) == s.ledger().reserve(cost)
    }
    /// A step judges a request by the verdict on the session as it stands, and by nothing else.
    law_step_agrees_with_the_verdict(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons) {
        let reserved = cost.leq(s.ledger().left());
        let expected = verdict(s.posture(), s.word(), f, reserved);
        match step(s, Event::Request { facts: f, cost, shown }).1 {
            Answer::Judged { verdict, outcome } => {
                verdict == expected && outcome == expected.outcome_with(shown)
            }
            Answer::Applied | Answer::Ignored => false,
        }
    }
    /// What decides of a session is its phase, its exposure and whether the clock is before the deadline.
    law_word_is_of_the_state(s: SessionState) {
        s.word().phase == s.phase()
            && s.word().exposure == s.exposure()
            && s.word().in_window == (s.now_ms() < s.deadline_ms())
    }
    /// An ended or locked-down session runs nothing, with or without an approval.
    law_stopped_session_runs_nothing(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (!matches!(s.phase(), Phase::Active)) {
        !runs(s, f, cost, shown)
    }
    /// From the deadline on nothing runs, with or without an approval.
    law_late_session_runs_nothing(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (s.now_ms() >= s.deadline_ms()) {
        !runs(s, f, cost, shown)
    }
    /// What the budget does not cover does not run, with or without an approval.
    law_uncovered_cost_does_not_run(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (!cost.leq(s.ledger().left())) {
        !runs(s, f, cost, shown)
    }
    /// An operation at never does not run, with or without an approval.
    law_never_does_not_run(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons, op: Operation)
        when (f.operations.contains(op) && !s.posture().capabilities().granted().contains(op)) {
        !runs(s, f, cost, shown)
    }
    /// A blocked subject does not run, with or without an approval.
    law_blocked_subject_does_not_run(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (f.blocked.intersects(f.operations)) {
        !runs(s, f, cost, shown)
    }
    /// Once the trifecta is complete, data leaves only under an approval that showed exactly that reason.
    law_trifecta_gates_exfil(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (f.sinks.exfil && s.exposure().join(f.labels()).is_trifecta() && !shown.contains(Reason::FlowExfil)) {
        !runs(s, f, cost, shown)
    }
    /// Once untrusted content was seen, an effect that is not the user's own runs only under an approval that showed that reason.
    law_untrusted_gates_effects(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (f.sinks.effect
            && !f.sourced
            && s.exposure().join(f.labels()).contains(Label::UntrustedContent)
            && !shown.contains(Reason::FlowEffect)) {
        !runs(s, f, cost, shown)
    }
    /// What the host would run by itself is written only under an approval that showed that reason.
    law_activation_needs_an_approval(s: SessionState, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (f.activation && !shown.contains(Reason::ActivationPath)) {
        !runs(s, f, cost, shown)
    }
    /// An event that does not fit changes nothing.
    law_ignored_event_changes_nothing(s: SessionState, e: Event) when (matches!(step(s, e).1, Answer::Ignored)) {
        step(s, e).0 == s
    }
    /// Labels that are handed over arrive, and nothing else changes.
    law_expose_is_exact(s: SessionState, labels: Exposure) {
        let (next, answer) = step(s, Event::Expose(labels));
        next.exposure() == s.exposure().join(labels)
            && next.posture() == s.posture()
            && next.ledger() == s.ledger()
            && matches!(answer, Answer::Applied)
    }
    /// A clock reading is taken exactly when it is not earlier.
    law_clock_is_monotone(s: SessionState, now_ms: u64) {
        let (next, answer) = step(s, Event::Clock(now_ms));
        next.now_ms() == if now_ms >= s.now_ms() { now_ms } else { s.now_ms() }
            && (now_ms < s.now_ms()) == matches!(answer, Answer::Ignored)
    }
    /// Settling in a session is settling its ledger, and is ignored where that is refused.
    law_settle_is_of_the_ledger(s: SessionState, reserved: Amount, used: Amount) {
        let (next, answer) = step(s, Event::Settle { reserved, used });
        match s.ledger().settle(reserved, used) {
            Some(ledger) => next.ledger() == ledger && matches!(answer, Answer::Applied),
            None => next == s && matches!(answer, Answer::Ignored),
        }
    }
    /// Narrowing leaves exactly what both grant: posture, budget and deadline.
    law_tighten_is_a_meet(s: SessionState, posture: Posture, maximum: Amount, deadline_ms: u64) {
        let next = step(s, Event::Tighten { posture, maximum, deadline_ms }).0;
        next.posture() == s.posture().meet(posture)
            && next.ledger() == s.ledger().tighten(maximum)
            && next.deadline_ms() == if deadline_ms < s.deadline_ms() { deadline_ms } else { s.deadline_ms() }
            && next.exposure() == s.exposure()
            && next.phase() == s.phase()
    }
    /// What a narrowed session runs, the session ran before it was narrowed.
    law_tightened_session_runs_no_more(s: SessionState, posture: Posture, f: SubjectFacts, shown: Reasons)
        when (runs(
            step(s, Event::Tighten { posture, maximum: Amount::ZERO, deadline_ms: u64::MAX }).0,
            f, Amount::ZERO, shown,
        )) {
        runs(s, f, Amount::ZERO, shown)
    }
    /// A session that touched more runs no more.
    law_exposed_session_runs_no_more(s: SessionState, labels: Exposure, f: SubjectFacts, cost: Amount, shown: Reasons)
        when (runs(step(s, Event::Expose(labels)).0, f, cost, shown)) {
        runs(s, f, cost, shown)
    }
    /// A session starts active, unexposed, with its whole budget and a normal posture, and its window ends or saturates.
    law_session_starts_clean(p: Posture, maximum: Amount, now_ms: u64, window_ms: u64) {
        let start = SessionState::start(p, maximum, now_ms, window_ms);
        start.posture() == p
            && matches!(start.phase(), Phase::Active)
            && start.exposure() == Exposure::NONE
            && start.ledger() == Ledger::open(maximum)
            && start.now_ms() == now_ms
            && start.deadline_ms() >= now_ms
            && start.deadline_ms() - now_ms <= window_ms
            && (start.deadline_ms() - now_ms == window_ms || start.deadline_ms() == u64::MAX)
    }
}
