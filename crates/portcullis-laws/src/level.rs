//! Laws of one level: a chain of three, with its meet, join and Heyting implication.

use portcullis::Level;

use crate::law::laws;

/// The rank of a level, written apart from the code it is held in.
#[inline]
const fn rank(level: Level) -> u8 {
    match level {
        Level::Never => 0,
        Level::LowRisk => 1,
        Level::Always => 2,
    }
}

laws! {
    /// One level grants no more than another exactly when it ranks no higher: never, low_risk, always.
    law_level_order_is_rank(a: Level, b: Level) { a.leq(b) == (rank(a) <= rank(b)) }
    /// The meet of two levels is the lower one.
    law_level_meet_is_the_lower(a: Level, b: Level) {
        rank(a.meet(b)) == if rank(a) < rank(b) { rank(a) } else { rank(b) }
    }
    /// The join of two levels is the higher one.
    law_level_join_is_the_higher(a: Level, b: Level) {
        rank(a.join(b)) == if rank(a) > rank(b) { rank(a) } else { rank(b) }
    }
    /// The implication of levels is adjoint to their meet: a ∧ x ≤ b exactly when x ≤ a → b.
    law_level_implication_is_adjoint(a: Level, b: Level, x: Level) {
        a.meet(x).leq(b) == x.leq(a.implies(b))
    }
    /// A level that nobody stated is never.
    law_level_default_is_never(a: Level) { Level::default().leq(a) }
}
