//! Laws of capability vectors: a distributive lattice of twelve levels with its Heyting implication.

use portcullis::{Capabilities, Level, Operation};

use crate::law::laws;

/// Whether the bits of a vector stand for twelve levels.
#[inline]
fn is_valid(caps: Capabilities) -> bool {
    matches!(Capabilities::from_bits(caps.bits()), Some(back) if back == caps)
}

laws! {
    /// Every vector survives its own bits.
    law_capabilities_bits_round_trip(a: Capabilities) { is_valid(a) }
    /// Bits are read as a vector exactly when each of the twelve pairs is a level and no other bit is set.
    law_capabilities_bits_are_strict(bits: u64) {
        let pairs_are_levels = bits & 0x00aa_aaaa & !(bits << 1) == 0;
        let read = u32::try_from(bits).ok().and_then(Capabilities::from_bits);
        read.is_some() == (bits < 1 << 24 && pairs_are_levels)
    }
    /// Meet, join, implication and replacement of a level make valid vectors only.
    law_capabilities_stay_valid(a: Capabilities, b: Capabilities, op: Operation, level: Level) {
        is_valid(a.meet(b)) && is_valid(a.join(b)) && is_valid(a.implies(b)) && is_valid(a.with(op, level))
    }
    /// The meet of two vectors is taken operation by operation.
    law_capabilities_meet_is_pointwise(a: Capabilities, b: Capabilities, op: Operation) {
        a.meet(b).level(op) == a.level(op).meet(b.level(op))
    }
    /// The join of two vectors is taken operation by operation.
    law_capabilities_join_is_pointwise(a: Capabilities, b: Capabilities, op: Operation) {
        a.join(b).level(op) == a.level(op).join(b.level(op))
    }
    /// The implication of two vectors is taken operation by operation.
    law_capabilities_implication_is_pointwise(a: Capabilities, b: Capabilities, op: Operation) {
        a.implies(b).level(op) == a.level(op).implies(b.level(op))
    }
    /// A vector below another grants no operation further than it.
    law_capabilities_order_bounds_each_level(a: Capabilities, b: Capabilities, op: Operation) when (a.leq(b)) {
        a.level(op).leq(b.level(op))
    }
    /// Raising one level of a vector above another's breaks the order.
    law_capabilities_order_sees_each_level(a: Capabilities, op: Operation, level: Level) {
        a.with(op, level).leq(a) == level.leq(a.level(op))
    }
    /// The meet of vectors commutes.
    law_capabilities_meet_commutes(a: Capabilities, b: Capabilities) { a.meet(b) == b.meet(a) }
    /// The join of vectors commutes.
    law_capabilities_join_commutes(a: Capabilities, b: Capabilities) { a.join(b) == b.join(a) }
    /// The meet of vectors does not depend on the order in which three are met.
    law_capabilities_meet_associates(a: Capabilities, b: Capabilities, c: Capabilities) {
        a.meet(b.meet(c)) == a.meet(b).meet(c)
    }
    /// The join of vectors does not depend on the order in which three are joined.
    law_capabilities_join_associates(a: Capabilities, b: Capabilities, c: Capabilities) {
        a.join(b.join(c)) == a.join(b).join(c)
    }
    /// Meet and join absorb each other.
    law_capabilities_absorb(a: Capabilities, b: Capabilities) {
        a.meet(a.join(b)) == a && a.join(a.meet(b)) == a
    }
    /// Meet distributes over join.
    law_capabilities_distribute(a: Capabilities, b: Capabilities, c: Capabilities) {
        a.meet(b.join(c)) == a.meet(b).join(a.meet(c))
    }
    /// The order is that of the meet: a ≤ b exactly when a ∧ b = a.
    law_capabilities_order_is_of_the_meet(a: Capabilities, b: Capabilities) {
        a.leq(b) == (a.meet(b) == a) && a.leq(b) == (a.join(b) == b)
    }
    /// Two vectors that lie below each other are the same.
    law_capabilities_order_is_antisymmetric(a: Capabilities, b: Capabilities) when (a.leq(b) && b.leq(a)) {
        a == b
    }
    /// The order of vectors is transitive.
    law_capabilities_order_is_transitive(a: Capabilities, b: Capabilities, c: Capabilities) when (a.leq(b) && b.leq(c)) {
        a.leq(c)
    }
    /// The meet is the greatest vector below both.
    law_capabilities_meet_is_greatest(a: Capabilities, b: Capabilities, c: Capabilities) {
        let both = a.meet(b);
        both.leq(a) && both.leq(b) && c.leq(both) == (c.leq(a) && c.leq(b))
    }
    /// The join is the least vector above both.
    law_capabilities_join_is_least(a: Capabilities, b: Capabilities, c: Capabilities) {
        let either = a.join(b);
        a.leq(either) && b.leq(either) && either.leq(c) == (a.leq(c) && b.leq(c))
    }
    /// Nothing granted lies below every vector and everything granted above it.
    law_capabilities_are_bounded(a: Capabilities) {
        Capabilities::NONE.leq(a) && a.leq(Capabilities::ALL)
    }
    /// The implication is adjoint to the meet: a ∧ x ≤ b exactly when x ≤ a → b.
    law_capabilities_implication_is_adjoint(a: Capabilities, b: Capabilities, x: Capabilities) {
        a.meet(x).leq(b) == x.leq(a.implies(b))
    }
    /// What an envelope keeps under an implication never exceeds the conclusion: a ∧ (a → b) = a ∧ b.
    law_capabilities_modus_ponens(a: Capabilities, b: Capabilities) {
        a.meet(a.implies(b)) == a.meet(b)
    }
    /// The implication grants everything exactly when the order holds, so what it lacks is what is missing.
    law_capabilities_implication_says_the_order(a: Capabilities, b: Capabilities) {
        a.leq(b) == (a.implies(b) == Capabilities::ALL)
    }
    /// A replaced level reads back, and no other level changes.
    law_capabilities_with_changes_one_level(a: Capabilities, op: Operation, level: Level, other: Operation) {
        let changed = a.with(op, level);
        changed.level(op) == level && (op == other || changed.level(other) == a.level(other))
    }
    /// The granted operations are exactly those above never.
    law_capabilities_granted_is_above_never(a: Capabilities, op: Operation) {
        a.granted().contains(op) == (a.level(op) != Level::Never)
    }
    /// The unconditional operations are exactly those at always, and all of them are granted.
    law_capabilities_unconditional_is_always(a: Capabilities, op: Operation) {
        a.unconditional().contains(op) == (a.level(op) == Level::Always)
            && a.granted().is_superset(a.unconditional())
    }
    /// Two vectors that grant and free the same operations are the same.
    law_capabilities_are_their_sets(a: Capabilities, b: Capabilities)
        when (a.granted() == b.granted() && a.unconditional() == b.unconditional()) { a == b }
}
