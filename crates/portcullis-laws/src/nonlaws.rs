//! Statements that look like laws and are false: the prover must refute each with an input that replays.

use portcullis::{
    Amount, Capabilities, Event, Exposure, Ledger, Operation, OperationSet, Outcome, Posture, Reasons, SessionState,
    SessionWord, SubjectFacts, step, verdict,
};

use crate::args::Parts;
use crate::law::statements;

statements! {
    /// False: ν is monotone. Widening can complete the trifecta and so oblige more.
    nonlaw_nu_is_monotone(p: Parts, q: Parts)
        when (p.capabilities.leq(q.capabilities) && p.asks.is_superset(q.asks)
            && p.strict == q.strict && p.capability_trifecta == q.capability_trifecta) {
        p.posture().leq(q.posture())
    }
    /// False: the posture before ν lies below the one after it.
    nonlaw_nu_changes_nothing(p: Parts) { p.posture().asks() == p.asks }
    /// False: a child has all that was asked for.
    nonlaw_child_has_all_it_asked_for(parent: Posture, asked: Posture) { asked.leq(parent.meet(asked)) }
    /// False: the order of vectors is total.
    nonlaw_capabilities_order_is_total(a: Capabilities, b: Capabilities) { a.leq(b) || b.leq(a) }
    /// False: excluded middle holds of vectors.
    nonlaw_capabilities_excluded_middle(a: Capabilities) {
        a.join(a.implies(Capabilities::NONE)) == Capabilities::ALL
    }
    /// False: a join is below each of its two.
    nonlaw_exposure_join_is_below(a: Exposure, b: Exposure) { a.join(b).leq(a) }
    /// False: every request on a granted operation is permitted.
    nonlaw_granted_is_permitted(p: Posture, s: SessionWord, f: SubjectFacts)
        when (p.capabilities().granted().is_superset(f.operations)) {
        matches!(verdict(p, s, f, true).outcome(), Outcome::Permit)
    }
    /// False: an approval of everything permits everything.
    nonlaw_approval_permits_all(p: Posture, s: SessionWord, f: SubjectFacts) {
        matches!(verdict(p, s, f, true).outcome_with(Reasons::DENYING.union(Reasons::ASKING)), Outcome::Permit)
    }
    /// False: exposure lowers nothing.
    nonlaw_exposure_changes_no_outcome(p: Posture, s: SessionWord, f: SubjectFacts) {
        let clean = SessionWord { exposure: Exposure::NONE, ..s };
        verdict(p, s, f, true).outcome() == verdict(p, clean, f, true).outcome()
    }
    /// False: two reservations succeed where each does alone.
    nonlaw_reservations_are_independent(l: Ledger, a: Amount, b: Amount)
        when (l.reserve(a).is_some() && l.reserve(b).is_some()) {
        l.reserve(a).and_then(|held| held.reserve(b)).is_some()
    }
    /// False: settling costs nothing.
    nonlaw_settle_is_free(l: Ledger, reserved: Amount, used: Amount) {
        match l.settle(reserved, used) {
            Some(after) => after.total() == l.total(),
            None => true,
        }
    }
    /// False, by a panic: the sum of left and cost never overflows.
    nonlaw_plain_sum_never_overflows(l: Ledger, cost: Amount) {
        l.left().micro_usd + cost.micro_usd >= cost.micro_usd
    }
    /// False, by a panic: an index from outside is in range.
    nonlaw_index_is_in_range(a: OperationSet, index: u64) when (a.is_empty()) {
        static TABLE: [u64; 3] = [1, 2, 3];
        usize::try_from(index).is_ok_and(|at| TABLE[at % 4] > 0)
    }
    /// False: a step changes nothing.
    nonlaw_step_changes_nothing(s: SessionState, e: Event) { step(s, e).0 == s }
    /// False, for one input of 2^64 alone: no number is this one.
    nonlaw_one_number_is_unequal(number: u64) { number.wrapping_mul(3) != 0x1234_5678_9abc_def1 }
    /// False, for one vector of 3^12 alone.
    nonlaw_one_vector_is_unequal(a: Capabilities) { a.bits() != 0x00f7_5c13 }
    /// False: a granted push asks.
    nonlaw_push_always_asks(p: Posture) when (p.capabilities().granted().contains(Operation::GitPush)) {
        p.asks().contains(Operation::GitPush)
    }
}
