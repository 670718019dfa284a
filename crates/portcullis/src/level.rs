//! Holds how far each operation is granted, as a vector of three levels in one machine word.

use crate::named::named_enum;
use crate::{Operation, OperationSet};

named_enum! {
    /// How far an operation is granted: `never < low_risk < always`.
    #[derive(Default)]
    Level {
        /// Denied, with or without an approval.
        #[default]
        Never = "never",
        /// Permitted for listed subjects; any other needs an approval.
        LowRisk = "low_risk",
        /// Permitted for every subject that is not blocked.
        Always = "always",
    }
}

impl Level {
    /// The lower of the two.
    #[inline]
    pub const fn meet(self, other: Self) -> Self {
        Self::from_code(self.code() & other.code())
    }

    /// The higher of the two.
    #[inline]
    pub const fn join(self, other: Self) -> Self {
        Self::from_code(self.code() | other.code())
    }

    /// Whether this level grants no more than the other.
    #[inline]
    pub const fn leq(self, other: Self) -> bool {
        self.code() & !other.code() == 0
    }

    /// Thermometer code: `never` 00, `low_risk` 01, `always` 11, so that meet is `and`.
    #[inline]
    const fn code(self) -> u32 {
        match self {
            Self::Never => 0b00,
            Self::LowRisk => 0b01,
            Self::Always => 0b11,
        }
    }

    /// FAIL-CLOSED: the one code that means nothing (10) reads `never`.
    #[inline]
    const fn from_code(code: u32) -> Self {
        match code & 0b11 {
            0b01 => Self::LowRisk,
            0b11 => Self::Always,
            _ => Self::Never,
        }
    }
}

/// The level of each of the twelve operations; two bits each, in a thermometer code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Capabilities(u32);

/// The low bit of each of the twelve pairs.
const LOW_BITS: u32 = 0x0055_5555;
/// Both bits of each of the twelve pairs.
const ALL_BITS: u32 = 0x00ff_ffff;

impl Capabilities {
    /// Every operation at `never`.
    pub const NONE: Self = Self(0);
    /// Every operation at `always`.
    pub const ALL: Self = Self(ALL_BITS);

    /// The level of one operation.
    #[inline]
    pub const fn level(self, op: Operation) -> Level {
        Level::from_code(self.0 >> (op as u32 * 2))
    }

    /// The same levels with one replaced.
    #[inline]
    pub const fn with(self, op: Operation, level: Level) -> Self {
        let shift = op as u32 * 2;
        Self(self.0 & !(0b11 << shift) | level.code() << shift)
    }

    /// The lower level of each operation.
    #[inline]
    pub const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The higher level of each operation.
    #[inline]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no operation is granted further than by the other.
    #[inline]
    pub const fn leq(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The greatest `x` with `self ∧ x ≤ other` (Heyting implication).
    #[inline]
    pub const fn implies(self, other: Self) -> Self {
        let excess = self.0 & !other.0;
        let spill = (excess | excess >> 1) & LOW_BITS;
        Self((!(spill | spill << 1) | other.0) & ALL_BITS)
    }

    /// The operations granted above `never`.
    #[inline]
    pub const fn granted(self) -> OperationSet {
        self.at_bit(0)
    }

    /// The operations at `always`.
    #[inline]
    pub const fn unconditional(self) -> OperationSet {
        self.at_bit(1)
    }

    /// The bits; `None` from [`Capabilities::from_bits`] for any other than these.
    #[inline]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The vector with these bits, or `None` when a pair is not a level.
    #[inline]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        let orphans = (bits >> 1) & !bits & LOW_BITS;
        if bits & !ALL_BITS == 0 && orphans == 0 { Some(Self(bits)) } else { None }
    }

    /// Gathers bit 0 or 1 of each pair into a set.
    #[inline]
    const fn at_bit(self, bit: u32) -> OperationSet {
        let mut bits = (self.0 >> bit) & LOW_BITS;
        bits = (bits | bits >> 1) & 0x0033_3333;
        bits = (bits | bits >> 2) & 0x000f_0f0f;
        bits = (bits | bits >> 4) & 0x00ff_00ff;
        bits = (bits | bits >> 8) & 0x0000_ffff;
        match OperationSet::from_bits((bits & 0x0fff) as u16) {
            Some(set) => set,
            None => OperationSet::EMPTY,
        }
    }
}

impl core::fmt::Debug for Capabilities {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_map().entries(Operation::ALL.iter().map(|op| (op.name(), self.level(*op).name()))).finish()
    }
}

impl FromIterator<(Operation, Level)> for Capabilities {
    fn from_iter<I: IntoIterator<Item = (Operation, Level)>>(levels: I) -> Self {
        levels.into_iter().fold(Self::NONE, |caps, (op, level)| caps.with(op, level))
    }
}
