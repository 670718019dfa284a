//! Laws of exposure: a commutative, idempotent monoid that only grows.

use portcullis::{Exposure, Label};

use crate::law::laws;

laws! {
    /// Every exposure survives its bits.
    law_exposure_bits_round_trip(a: Exposure) {
        matches!(Exposure::from_bits(a.bits()), Some(back) if back == a)
    }
    /// Bits are read as an exposure exactly when each names a label.
    law_exposure_bits_are_strict(bits: u64) {
        let read = u8::try_from(bits).ok().and_then(Exposure::from_bits);
        read.is_some() == (bits < 8)
    }
    /// Joining exposures commutes.
    law_exposure_join_commutes(a: Exposure, b: Exposure) { a.join(b) == b.join(a) }
    /// Joining exposures does not depend on how they are grouped.
    law_exposure_join_associates(a: Exposure, b: Exposure, c: Exposure) {
        a.join(b).join(c) == a.join(b.join(c))
    }
    /// Touching the same again changes nothing, and nothing touched is neutral.
    law_exposure_join_is_idempotent(a: Exposure) { a.join(a) == a && a.join(Exposure::NONE) == a }
    /// A join holds exactly the labels of both.
    law_exposure_join_holds_both(a: Exposure, b: Exposure, label: Label) {
        a.join(b).contains(label) == (a.contains(label) || b.contains(label))
    }
    /// A meet holds exactly the labels they share.
    law_exposure_meet_holds_the_shared(a: Exposure, b: Exposure, label: Label) {
        a.meet(b).contains(label) == (a.contains(label) && b.contains(label))
    }
    /// A join never loses a label.
    law_exposure_join_only_grows(a: Exposure, b: Exposure) { a.leq(a.join(b)) && b.leq(a.join(b)) }
    /// The order is that of the join: a ≤ b exactly when a ∪ b = b.
    law_exposure_order_is_of_the_join(a: Exposure, b: Exposure) { a.leq(b) == (a.join(b) == b) }
    /// Joining keeps the order.
    law_exposure_join_is_monotone(a: Exposure, b: Exposure, c: Exposure) when (a.leq(b)) {
        a.join(c).leq(b.join(c))
    }
    /// The trifecta is exactly private data, untrusted content and a way out together.
    law_exposure_trifecta_is_all_three(a: Exposure) {
        a.is_trifecta()
            == (a.contains(Label::PrivateData)
                && a.contains(Label::UntrustedContent)
                && a.contains(Label::ExfilVector))
    }
    /// Once the trifecta is reached no further label leaves it.
    law_exposure_trifecta_stays(a: Exposure, b: Exposure) when (a.is_trifecta()) { a.join(b).is_trifecta() }
    /// The sources of an exposure are its labels less the way out.
    law_exposure_sources_lack_the_way_out(a: Exposure, label: Label) {
        a.sources().contains(label) == (a.contains(label) && !matches!(label, Label::ExfilVector))
    }
    /// The exposure of one label holds that one and no other.
    law_exposure_of_one_has_one(label: Label, other: Label) {
        Exposure::of(label).contains(other) == (label == other)
    }
    /// An exposure under a condition is itself where the condition holds, and nothing where not.
    law_exposure_when_is_all_or_nothing(a: Exposure, condition: bool) {
        a.when(condition) == if condition { a } else { Exposure::NONE }
    }
}
