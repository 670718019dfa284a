//! Holds what a session has touched; exposure only grows.

use crate::named::{named_enum, word_set, write_names};

named_enum! {
    /// One of the three legs of the trifecta.
    Label {
        /// Data that is not meant for everybody.
        PrivateData = "private_data",
        /// Content that somebody else may have written.
        UntrustedContent = "untrusted_content",
        /// A way out was used.
        ExfilVector = "exfil_vector",
    }
}

word_set! {
    /// A set of labels under union.
    Exposure(u8) of Label, join, meet, none NONE
}

impl Exposure {
    /// Private data only.
    pub const PRIVATE: Self = Self(0b001);
    /// Untrusted content only.
    pub const UNTRUSTED: Self = Self(0b010);
    /// A way out only.
    pub const EXFIL: Self = Self(0b100);
    /// All three: the trifecta.
    pub const TRIFECTA: Self = Self(0b111);

    /// Whether every label here is in the other set.
    #[inline]
    pub const fn leq(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether all three labels are in the set.
    #[inline]
    pub const fn is_trifecta(self) -> bool {
        self.0 == Self::TRIFECTA.0
    }

    /// The labels that say where content came from: all but the way out.
    #[inline]
    pub const fn sources(self) -> Self {
        Self(self.0 & 0b011)
    }
}

impl core::fmt::Display for Exposure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write_names(f, &self.iter().map(Label::name).collect::<Vec<_>>(), " + ", "none")
    }
}
