//! Holds how far each operation is granted, as a vector of three levels in one machine word.

use crate::operation::{Operation, OperationSet};

/// How far an operation is granted: `never < low_risk < always`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Denied, with or without an approval.
    #[default]
    Never,
    /// Permitted for listed subjects; any other needs an approval.
    LowRisk,
    /// Permitted for every subject that is not blocked.
    Always,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 3] = [Self::Never, Self::LowRisk, Self::Always];

    /// The name used in policies.
    #[inline]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::LowRisk => "low_risk",
            Self::Always => "always",
        }
    }

    /// The level of that name, or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The lower of the two.
    #[inline]
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self::from_code(self.code() & other.code())
    }

    /// The higher of the two.
    #[inline]
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self::from_code(self.code() | other.code())
    }

    /// Whether this level grants no more than the other.
    #[inline]
    #[must_use]
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

impl core::fmt::Display for Level {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
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
    #[must_use]
    pub const fn level(self, op: Operation) -> Level {
        Level::from_code(self.0 >> (op as u32 * 2))
    }

    /// The same levels with one replaced.
    #[inline]
    #[must_use]
    pub const fn with(self, op: Operation, level: Level) -> Self {
        let shift = op as u32 * 2;
        Self(self.0 & !(0b11 << shift) | level.code() << shift)
    }

    /// The lower level of each operation.
    #[inline]
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The higher level of each operation.
    #[inline]
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether no operation is granted further than by the other.
    #[inline]
    #[must_use]
    pub const fn leq(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// The greatest `x` with `self ∧ x ≤ other` (Heyting implication).
    #[inline]
    #[must_use]
    pub const fn implies(self, other: Self) -> Self {
        let excess = self.0 & !other.0;
        let spill = (excess | excess >> 1) & LOW_BITS;
        Self((!(spill | spill << 1) | other.0) & ALL_BITS)
    }

    /// The operations granted above `never`.
    #[inline]
    #[must_use]
    pub const fn granted(self) -> OperationSet {
        self.at_bit(0)
    }

    /// The operations at `always`.
    #[inline]
    #[must_use]
    pub const fn unconditional(self) -> OperationSet {
        self.at_bit(1)
    }

    /// The bits; `None` from [`Capabilities::from_bits`] for any other than these.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The vector with these bits, or `None` when a pair is not a level.
    #[inline]
    #[must_use]
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
