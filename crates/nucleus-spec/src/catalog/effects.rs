//! What one call of a tool can do: operations, labels, sinks, and who stands at the other end.

use portcullis::{Exposure, OperationSet, Sinks, ToolClass};

/// Who writes what a tool brings in, or reads what leaves through it; later is wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The publisher of the server and nobody else.
    Vendor,
    /// Members of the user's own workspace.
    Tenant,
    /// Anybody.
    Anyone,
}

impl Party {
    /// Every party, narrowest first.
    pub const ALL: [Self; 3] = [Self::Vendor, Self::Tenant, Self::Anyone];

    /// The word of the catalog.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Tenant => "tenant",
            Self::Anyone => "anyone",
        }
    }

    /// The party of that word, or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|party| party.name() == name)
    }
}

/// What a call can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// The operations it is.
    pub operations: OperationSet,
    /// The labels its result brings in.
    pub brings: Exposure,
    /// Where its arguments go.
    pub sinks: Sinks,
    /// Who can write what it brings in.
    pub written_by: Party,
    /// Who can read what leaves.
    pub read_by: Party,
}

impl Effects {
    /// A tool nobody knows: every operation, both labels, both sinks, anybody at both ends.
    pub const UNKNOWN: Self = Self {
        operations: OperationSet::ALL,
        brings: ToolClass::UNKNOWN.sources,
        sinks: ToolClass::UNKNOWN.sinks,
        written_by: Party::Anyone,
        read_by: Party::Anyone,
    };

    /// The part that a decision sees.
    #[must_use]
    pub const fn class(self) -> ToolClass {
        ToolClass {
            sources: self.brings,
            sinks: self.sinks,
        }
    }

    /// What either can do.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            operations: self.operations.union(other.operations),
            brings: self.brings.join(other.brings),
            sinks: Sinks {
                exfil: self.sinks.exfil || other.sinks.exfil,
                effect: self.sinks.effect || other.sinks.effect,
            },
            written_by: self.written_by.max(other.written_by),
            read_by: self.read_by.max(other.read_by),
        }
    }
}
