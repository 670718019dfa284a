//! Holds the fixed part of an envelope, the part that `verdict` sees, in words.

use crate::named::readers;
use crate::{Capabilities, Exposure, Operation, OperationSet};

/// The levels, the obligations and the flow settings of an envelope.
///
/// Ordered by authority: higher levels, fewer obligations and a laxer flow are wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Posture {
    capabilities: Capabilities,
    asks: OperationSet,
    strict: bool,
    capability_trifecta: bool,
}

readers! {
    Posture {
        /// The level of each operation.
        word capabilities: Capabilities,
        /// The operations that oblige an approval.
        word asks: OperationSet,
    }
}

impl Posture {
    /// Nothing granted.
    pub const NOTHING: Self =
        Self { capabilities: Capabilities::NONE, asks: OperationSet::ALL, strict: true, capability_trifecta: true };

    /// A posture with ν applied.
    #[inline]
    pub const fn new(capabilities: Capabilities, asks: OperationSet, strict: bool, capability_trifecta: bool) -> Self {
        Self { capabilities, asks, strict, capability_trifecta }.normalize()
    }

    /// Whether every exfil sink asks once a source was read (`[flow] mode = "strict"`).
    #[inline]
    pub const fn is_strict(self) -> bool {
        self.strict
    }

    /// Whether ν adds static obligations (`[flow] trifecta = "capability"`).
    #[inline]
    pub const fn is_capability_trifecta(self) -> bool {
        self.capability_trifecta
    }

    /// The labels that a session under this posture could ever reach.
    ///
    /// `run_bash` is private, and untrusted and exfil where any host is reachable.
    #[inline]
    pub const fn reach(self) -> Exposure {
        let granted = self.capabilities.granted();
        let runs = granted.contains(Operation::RunBash);
        let network = granted.contains(Operation::WebFetch);
        let private = runs || granted.intersects(OperationSet::READS);
        let untrusted = network || granted.contains(Operation::WebSearch);
        let exfil = granted.intersects(OperationSet::EXFIL);
        Exposure::PRIVATE.when(private).join(Exposure::UNTRUSTED.when(untrusted)).join(Exposure::EXFIL.when(exfil))
    }

    /// ν: with `trifecta = "capability"`, obliges an approval for every exfil
    /// operation once all three legs are reachable.
    ///
    /// Idempotent and deflationary. **Not monotone**: widening a posture can
    /// complete the trifecta and so add obligations.
    #[inline]
    pub const fn normalize(self) -> Self {
        if self.capability_trifecta && self.reach().is_trifecta() {
            Self { asks: self.asks.union(OperationSet::EXFIL), ..self }
        } else {
            self
        }
    }

    /// The greatest posture below both, before ν.
    #[inline]
    const fn lower_bound(self, other: Self) -> Self {
        Self {
            capabilities: self.capabilities.meet(other.capabilities),
            asks: self.asks.union(other.asks),
            strict: self.strict || other.strict,
            capability_trifecta: self.capability_trifecta || other.capability_trifecta,
        }
    }

    /// What both grant, with ν applied.
    #[inline]
    pub const fn meet(self, other: Self) -> Self {
        self.lower_bound(other).normalize()
    }

    /// Whether this posture grants no more than the other.
    #[inline]
    pub const fn leq(self, other: Self) -> bool {
        self.capabilities.leq(other.capabilities)
            && self.asks.is_superset(other.asks)
            && (self.strict || !other.strict)
            && (self.capability_trifecta || !other.capability_trifecta)
    }
}
