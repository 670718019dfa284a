//! Laws of budget arithmetic: nothing overflows, and no money is made.

use portcullis::{Amount, Ledger};

use crate::law::laws;

/// The sum of two numbers without overflow.
#[inline]
const fn sum(a: u64, b: u64) -> u128 {
    a as u128 + b as u128
}

/// What a number rose by; nothing where it fell.
#[inline]
const fn rise(from: u64, to: u64) -> u64 {
    to.saturating_sub(from)
}

/// Whether no dimension of a ledger has more left and held together than before.
///
/// Said without a sum, which could overflow: what left rises by, held falls by at
/// least, and the other way round.
#[inline]
pub(crate) const fn has_no_more(after: Ledger, before: Ledger) -> bool {
    let (l0, l1, h0, h1) = (before.left(), after.left(), before.held(), after.held());
    rise(l0.micro_usd, l1.micro_usd) <= rise(h1.micro_usd, h0.micro_usd)
        && rise(h0.micro_usd, h1.micro_usd) <= rise(l1.micro_usd, l0.micro_usd)
        && rise(l0.input_tokens, l1.input_tokens) <= rise(h1.input_tokens, h0.input_tokens)
        && rise(h0.input_tokens, h1.input_tokens) <= rise(l1.input_tokens, l0.input_tokens)
        && rise(l0.output_tokens, l1.output_tokens) <= rise(h1.output_tokens, h0.output_tokens)
        && rise(h0.output_tokens, h1.output_tokens) <= rise(l1.output_tokens, l0.output_tokens)
}

laws! {
    /// An amount covers another exactly when it does on every dimension.
    law_amount_order_is_of_each_dimension(a: Amount, b: Amount) {
        a.leq(b)
            == (a.micro_usd <= b.micro_usd
                && a.input_tokens <= b.input_tokens
                && a.output_tokens <= b.output_tokens)
    }
    /// Two amounts that cover each other are the same.
    law_amount_order_is_antisymmetric(a: Amount, b: Amount) when (a.leq(b) && b.leq(a)) { a == b }
    /// The meet of amounts is the greatest that both cover.
    law_amount_meet_is_greatest(a: Amount, b: Amount, c: Amount) {
        let both = a.meet(b);
        both.leq(a) && both.leq(b) && c.leq(both) == (c.leq(a) && c.leq(b))
    }
    /// The meet of amounts commutes.
    law_amount_meet_commutes(a: Amount, b: Amount) { a.meet(b) == b.meet(a) }
    /// A sum is exact, or refused where a dimension overflows.
    law_amount_sum_is_exact(a: Amount, b: Amount) {
        let most = u64::MAX as u128;
        let (money, input, output) = (
            sum(a.micro_usd, b.micro_usd),
            sum(a.input_tokens, b.input_tokens),
            sum(a.output_tokens, b.output_tokens),
        );
        match a.checked_add(b) {
            Some(all) => all.micro_usd as u128 == money
                && all.input_tokens as u128 == input
                && all.output_tokens as u128 == output,
            None => money > most || input > most || output > most,
        }
    }
    /// A difference undoes a sum, and is refused exactly where the amount does not cover it.
    law_amount_difference_undoes_the_sum(a: Amount, b: Amount) {
        match a.checked_sub(b) {
            Some(rest) => b.leq(a) && rest.checked_add(b) == Some(a),
            None => !b.leq(a),
        }
    }
    /// A ledger opens with all of the maximum left and nothing held.
    law_ledger_opens_full(maximum: Amount) {
        let open = Ledger::open(maximum);
        open.left() == maximum && open.held() == Amount::ZERO && open.total() == Some(maximum)
    }
    /// A reservation moves exactly its cost from left to held.
    law_reserve_moves_the_cost(l: Ledger, cost: Amount) when (l.reserve(cost).is_some()) {
        match l.reserve(cost) {
            Some(after) => after.left().checked_add(cost) == Some(l.left())
                && l.held().checked_add(cost) == Some(after.held()),
            None => false,
        }
    }
    /// A reservation is refused exactly when what is left does not cover it.
    law_reserve_is_refused_when_not_covered(l: Ledger, cost: Amount) {
        l.reserve(cost).is_none() != cost.leq(l.left())
    }
    /// A reservation keeps the sum of left and held.
    law_reserve_conserves_the_total(l: Ledger, cost: Amount) when (l.reserve(cost).is_some()) {
        match l.reserve(cost) {
            Some(after) => after.total().is_some() && after.total() == l.total(),
            None => false,
        }
    }
    /// Settling gives back exactly what was reserved and not used.
    law_settle_gives_back_the_rest(l: Ledger, reserved: Amount, used: Amount)
        when (l.settle(reserved, used).is_some()) {
        match l.settle(reserved, used) {
            Some(after) => after.held().checked_add(reserved) == Some(l.held())
                && after.left().micro_usd - l.left().micro_usd == reserved.micro_usd - used.micro_usd
                && after.left().input_tokens - l.left().input_tokens == reserved.input_tokens - used.input_tokens
                && after.left().output_tokens - l.left().output_tokens == reserved.output_tokens - used.output_tokens,
            None => false,
        }
    }
    /// Settling is refused exactly when more was used than reserved, or less is held than reserved.
    law_settle_is_refused_when_it_cannot_be(l: Ledger, reserved: Amount, used: Amount) {
        l.settle(reserved, used).is_some() == (used.leq(reserved) && reserved.leq(l.held()))
    }
    /// Settling gives back no more than it lowers what is held: left and held together never grow.
    law_settle_never_makes_money(l: Ledger, reserved: Amount, used: Amount)
        when (l.settle(reserved, used).is_some()) {
        match l.settle(reserved, used) {
            Some(after) => has_no_more(after, l),
            None => false,
        }
    }
    /// Releasing a reservation that was just made restores the ledger.
    law_release_undoes_reserve(l: Ledger, cost: Amount) when (l.reserve(cost).is_some()) {
        l.reserve(cost).and_then(|held| held.release(cost)) == Some(l)
    }
    /// Two reservations of money one after the other are one of their sum: a budget can be split and nothing is gained.
    law_reserve_splits(left: u64, a: u64, b: u64) when (a.checked_add(b).is_some()) {
        let ledger = Ledger::open(Amount::of_micro_usd(left));
        let both = ledger.reserve(Amount::of_micro_usd(a.wrapping_add(b)));
        let one = ledger.reserve(Amount::of_micro_usd(a));
        one.and_then(|one| one.reserve(Amount::of_micro_usd(b))) == both
    }
    /// Narrowing a budget never raises what is left, leaves at most the maximum and keeps what is held.
    law_tighten_lowers_what_is_left(l: Ledger, maximum: Amount) {
        let after = l.tighten(maximum);
        after.left().leq(l.left()) && after.left().leq(maximum) && after.held() == l.held()
    }
    /// Narrowing a budget to no less than is left changes nothing.
    law_tighten_is_exact(l: Ledger, maximum: Amount) when (l.left().leq(maximum)) { l.tighten(maximum) == l }
    /// A ledger with nothing left refuses every cost above zero.
    law_empty_ledger_refuses(cost: Amount) when (cost != Amount::ZERO) {
        Ledger::open(Amount::ZERO).reserve(cost).is_none()
    }
}
