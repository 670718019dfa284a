//! Accounts for money and tokens: reserve before an effect, settle or release after it.

use crate::named::readers;

/// An amount on every dimension; money is integer micro-USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Amount {
    /// Micro-USD: 1,000,000 is one dollar.
    pub micro_usd: u64,
    /// Tokens sent to a model.
    pub input_tokens: u64,
    /// Tokens a model returned.
    pub output_tokens: u64,
}

impl Amount {
    /// Nothing on every dimension.
    pub const ZERO: Self = Self { micro_usd: 0, input_tokens: 0, output_tokens: 0 };

    /// An amount of money alone.
    #[inline]
    pub const fn of_micro_usd(micro_usd: u64) -> Self {
        Self { micro_usd, ..Self::ZERO }
    }

    /// Whether no dimension exceeds the other's.
    #[inline]
    pub const fn leq(self, other: Self) -> bool {
        self.micro_usd <= other.micro_usd
            && self.input_tokens <= other.input_tokens
            && self.output_tokens <= other.output_tokens
    }

    /// The lower of the two on each dimension.
    #[inline]
    pub const fn meet(self, other: Self) -> Self {
        Self {
            micro_usd: min(self.micro_usd, other.micro_usd),
            input_tokens: min(self.input_tokens, other.input_tokens),
            output_tokens: min(self.output_tokens, other.output_tokens),
        }
    }

    /// The sum, or `None` when a dimension overflows.
    #[inline]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        Self::of_all(
            self.micro_usd.checked_add(other.micro_usd),
            self.input_tokens.checked_add(other.input_tokens),
            self.output_tokens.checked_add(other.output_tokens),
        )
    }

    /// The difference, or `None` when a dimension would fall below zero.
    #[inline]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        Self::of_all(
            self.micro_usd.checked_sub(other.micro_usd),
            self.input_tokens.checked_sub(other.input_tokens),
            self.output_tokens.checked_sub(other.output_tokens),
        )
    }

    /// The amount of these dimensions, when there are all of them.
    #[inline]
    const fn of_all(micro_usd: Option<u64>, input_tokens: Option<u64>, output_tokens: Option<u64>) -> Option<Self> {
        match (micro_usd, input_tokens, output_tokens) {
            (Some(micro_usd), Some(input_tokens), Some(output_tokens)) => {
                Some(Self { micro_usd, input_tokens, output_tokens })
            }
            _ => None,
        }
    }
}

/// The lower of two numbers, in a `const` context.
#[inline]
const fn min(a: u64, b: u64) -> u64 {
    if a < b { a } else { b }
}

/// What is left to spend and what is held for requests under way.
///
/// INVARIANT: `left + held + spent` is the maximum it was opened with; `left`
/// plus `held` never grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    left: Amount,
    held: Amount,
}

readers! {
    Ledger {
        /// What can still be reserved.
        word left: Amount,
        /// What is reserved and not yet settled.
        word held: Amount,
    }
}

impl Ledger {
    /// A ledger with all of the maximum left.
    #[inline]
    pub const fn open(maximum: Amount) -> Self {
        Self { left: maximum, held: Amount::ZERO }
    }

    /// The ledger after holding `cost`, or `None` when a dimension does not
    /// cover it or no money at all is left.
    #[inline]
    pub const fn reserve(self, cost: Amount) -> Option<Self> {
        match (self.left.checked_sub(cost), self.held.checked_add(cost)) {
            (Some(left), Some(held)) => Some(Self { left, held }),
            _ => None,
        }
    }

    /// The ledger after `used` of the `reserved` was spent and the rest given back.
    ///
    /// `None` when more was used than reserved or when that much is not held:
    /// the caller keeps the reservation and treats the session as over budget.
    #[inline]
    pub const fn settle(self, reserved: Amount, used: Amount) -> Option<Self> {
        match (self.held.checked_sub(reserved), reserved.checked_sub(used)) {
            (Some(held), Some(rest)) => match self.left.checked_add(rest) {
                Some(left) => Some(Self { left, held }),
                None => None,
            },
            _ => None,
        }
    }

    /// The ledger after the whole reservation was given back.
    #[inline]
    pub const fn release(self, reserved: Amount) -> Option<Self> {
        self.settle(reserved, Amount::ZERO)
    }

    /// The ledger with no more than `maximum` left; what is held stays held.
    #[inline]
    pub const fn tighten(self, maximum: Amount) -> Self {
        Self { left: self.left.meet(maximum), held: self.held }
    }

    /// The sum of left and held, or `None` on overflow.
    #[inline]
    pub const fn total(self) -> Option<Amount> {
        self.left.checked_add(self.held)
    }
}
