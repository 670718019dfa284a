//! Laws of postures and of ν, which adds obligations once a capability vector can reach the trifecta.

use portcullis::{Capabilities, Exposure, Label, Level, Operation, OperationSet, Posture};

use crate::args::Parts;
use crate::law::laws;

/// Whether any of these operations is granted.
#[inline]
fn grants_any(caps: Capabilities, ops: &[Operation]) -> bool {
    ops.iter().any(|op| caps.level(*op) != Level::Never)
}

/// The labels a vector can reach, written apart from the code that decides.
#[inline]
fn reachable(caps: Capabilities) -> [bool; 3] {
    use Operation::{CreatePr, GitPush, GlobSearch, GrepSearch, ReadFiles, RunBash, WebFetch, WebSearch};
    [
        grants_any(caps, &[ReadFiles, GlobSearch, GrepSearch, RunBash]),
        grants_any(caps, &[WebSearch, WebFetch]),
        grants_any(caps, &[WebSearch, WebFetch, GitPush, CreatePr]),
    ]
}

laws! {
    /// A posture keeps the levels and settings it was made with, and obliges at least what was asked.
    law_posture_keeps_its_parts(p: Parts) {
        let made = p.posture();
        made.capabilities() == p.capabilities
            && made.is_strict() == p.strict
            && made.is_capability_trifecta() == p.capability_trifecta
            && made.asks().is_superset(p.asks)
    }
    /// A session can reach private data by any read or a command, untrusted content and a way out by the network, and a way out by a push or a pull request.
    law_reach_is_exact(a: Posture) {
        let [private, untrusted, exfil] = reachable(a.capabilities());
        a.reach().contains(Label::PrivateData) == private
            && a.reach().contains(Label::UntrustedContent) == untrusted
            && a.reach().contains(Label::ExfilVector) == exfil
    }
    /// Granting more never makes fewer labels reachable.
    law_reach_is_monotone(a: Posture, b: Posture) when (a.capabilities().leq(b.capabilities())) {
        a.reach().leq(b.reach())
    }
    /// ν is idempotent: applying it twice is applying it once.
    law_nu_is_idempotent(a: Posture) { a.normalize() == a.normalize().normalize() }
    /// Every posture that can be made is already normal.
    law_nu_is_applied_by_every_constructor(p: Parts, b: Posture) {
        p.posture().normalize() == p.posture() && p.posture().meet(b).normalize() == p.posture().meet(b)
    }
    /// ν is deflationary: it never grants more than it was given.
    law_nu_is_deflationary(p: Parts) {
        p.posture().capabilities().leq(p.capabilities) && p.posture().asks().is_superset(p.asks)
    }
    /// ν adds an approval for every exfil operation once all three legs can be reached, where the policy asks for it.
    law_nu_guards_the_trifecta(p: Parts, op: Operation)
        when (p.capability_trifecta && reachable(p.capabilities) == [true; 3] && OperationSet::EXFIL.contains(op)) {
        p.posture().asks().contains(op)
    }
    /// ν is exact: without the setting, or with a leg out of reach, it changes nothing.
    law_nu_is_exact(p: Parts) when (!p.capability_trifecta || reachable(p.capabilities) != [true; 3]) {
        p.posture().asks() == p.asks
    }
    /// ν obliges exfil operations only.
    law_nu_adds_exfil_alone(p: Parts, op: Operation) when (!OperationSet::EXFIL.contains(op)) {
        p.posture().asks().contains(op) == p.asks.contains(op)
    }
    /// ν is not monotone, and this is the witness: a push alone asks nothing, and beside everything else it asks.
    law_nu_is_not_monotone(level: Level) when (!matches!(level, Level::Never)) {
        let push = Capabilities::NONE.with(Operation::GitPush, level);
        let narrow = Posture::new(push, OperationSet::EMPTY, false, true);
        let wide = Posture::new(Capabilities::ALL, OperationSet::EMPTY, false, true);
        push.leq(Capabilities::ALL) && !narrow.asks().contains(Operation::GitPush)
            && wide.asks().contains(Operation::GitPush) && !narrow.leq(wide)
    }
    /// ν is monotone where it matters: between postures that both reach the trifecta or both do not.
    law_nu_is_monotone_on_equal_reach(p: Parts, q: Parts)
        when (p.capabilities.leq(q.capabilities)
            && p.asks.is_superset(q.asks)
            && (p.strict || !q.strict)
            && (p.capability_trifecta || !q.capability_trifecta)
            && (reachable(p.capabilities) == [true; 3]) == (reachable(q.capabilities) == [true; 3])) {
        p.posture().leq(q.posture())
    }
    /// A posture lies below another exactly when no level is higher, no obligation is dropped and no setting is laxer.
    law_posture_order_is_of_its_parts(a: Posture, b: Posture) {
        a.leq(b)
            == (a.capabilities().leq(b.capabilities())
                && a.asks().is_superset(b.asks())
                && a.is_strict() >= b.is_strict()
                && a.is_capability_trifecta() >= b.is_capability_trifecta())
    }
    /// Every posture lies below itself.
    law_posture_order_is_reflexive(a: Posture) { a.leq(a) }
    /// Two postures that lie below each other are the same.
    law_posture_order_is_antisymmetric(a: Posture, b: Posture) when (a.leq(b) && b.leq(a)) { a == b }
    /// The order of postures is transitive.
    law_posture_order_is_transitive(a: Posture, b: Posture, c: Posture) when (a.leq(b) && b.leq(c)) { a.leq(c) }
    /// The posture that grants nothing lies below every posture.
    law_posture_nothing_is_least(a: Posture) {
        Posture::NOTHING.leq(a) && Posture::NOTHING.reach() == Exposure::NONE
    }
    /// A meet lies below both.
    law_posture_meet_is_below_both(a: Posture, b: Posture) { a.meet(b).leq(a) && a.meet(b).leq(b) }
    /// A meet does not depend on which comes first.
    law_posture_meet_commutes(a: Posture, b: Posture) { a.meet(b) == b.meet(a) }
    /// A posture met with itself is itself.
    law_posture_meet_is_idempotent(a: Posture) { a.meet(a) == a }
    /// A meet obliges what either obliges, and beyond that at most what ν adds.
    law_posture_meet_adds_only_obligations_of_nu(a: Posture, b: Posture, op: Operation) {
        let both = a.meet(b);
        let stated = a.asks().contains(op) || b.asks().contains(op);
        let of_nu = both.is_capability_trifecta()
            && reachable(both.capabilities()) == [true; 3]
            && OperationSet::EXFIL.contains(op);
        both.capabilities() == a.capabilities().meet(b.capabilities())
            && both.is_strict() == (a.is_strict() || b.is_strict())
            && both.is_capability_trifecta() == (a.is_capability_trifecta() || b.is_capability_trifecta())
            && both.asks().contains(op) == (stated || of_nu)
    }
    /// A meet is the greatest posture below both: it takes away nothing that both grant.
    law_posture_meet_is_greatest(a: Posture, b: Posture, c: Posture) when (c.leq(a) && c.leq(b)) {
        c.leq(a.meet(b))
    }
    /// A meet does not depend on how three are grouped, though ν is applied at each step.
    law_posture_meet_associates(a: Posture, b: Posture, c: Posture) {
        a.meet(b).meet(c) == a.meet(b.meet(c))
    }
}
