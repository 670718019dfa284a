//! Says what is missing: Heyting implications, and the least vector that covers what was observed.
//!
//! `a.implies(b)` is the most that may be added to `a` without exceeding `b`, so it
//! is short of everything exactly where `a` exceeds `b`. Scopes have no
//! implication: their order is sound and not complete.

use crate::level::{Capabilities, Level};
use crate::operation::OperationSet;

impl Level {
    /// The greatest `x` with `self ∧ x ≤ other`: everything, or `other` where `self` exceeds it.
    #[inline]
    #[must_use]
    pub const fn implies(self, other: Self) -> Self {
        if self.leq(other) { Self::Always } else { other }
    }
}

impl OperationSet {
    /// The obligations that `self` lacks to oblige all that `other` obliges.
    ///
    /// More obligations are less authority, so this is the implication of that order.
    #[inline]
    #[must_use]
    pub const fn obligations_imply(self, other: Self) -> Self {
        other.difference(self)
    }
}

/// What a trace of requests used: each operation on listed subjects, on others, or not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Observed {
    /// The operations used on listed subjects.
    pub listed: OperationSet,
    /// The operations used on any other subject.
    pub unlisted: OperationSet,
}

impl Observed {
    /// What either trace used.
    #[inline]
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self { listed: self.listed.union(other.listed), unlisted: self.unlisted.union(other.unlisted) }
    }

    /// Whether the other trace used all of this.
    #[inline]
    #[must_use]
    pub const fn leq(self, other: Self) -> bool {
        other.listed.is_superset(self.listed) && other.unlisted.is_superset(self.unlisted)
    }
}

impl Capabilities {
    /// The most that can be used under these levels without an approval.
    #[inline]
    #[must_use]
    pub const fn usable(self) -> Observed {
        Observed { listed: self.granted(), unlisted: self.unconditional() }
    }

    /// The least levels under which all that was observed runs without an approval.
    #[inline]
    #[must_use]
    pub const fn least_for(observed: Observed) -> Self {
        let always = spread(observed.unlisted.bits() as u32);
        let granted = spread(observed.listed.union(observed.unlisted).bits() as u32);
        match Self::from_bits(granted | always << 1) {
            Some(capabilities) => capabilities,
            // FAIL-CLOSED: a set that is none grants nothing.
            None => Self::NONE,
        }
    }
}

/// Moves bit `n` of twelve to bit `2n`.
#[inline]
const fn spread(bits: u32) -> u32 {
    let bits = (bits | bits << 8) & 0x000f_00ff;
    let bits = (bits | bits << 4) & 0x000f_0f0f;
    let bits = (bits | bits << 2) & 0x0033_3333;
    (bits | bits << 1) & 0x0055_5555
}
