//! Holds what a session has touched; exposure only grows.

/// One of the three legs of the trifecta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Label {
    /// Data that is not meant for everybody.
    PrivateData = 0,
    /// Content that somebody else may have written.
    UntrustedContent = 1,
    /// A way out was used.
    ExfilVector = 2,
}

impl Label {
    /// All three, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::PrivateData, Self::UntrustedContent, Self::ExfilVector];

    /// The name used in records and messages.
    #[inline]
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PrivateData => "private_data",
            Self::UntrustedContent => "untrusted_content",
            Self::ExfilVector => "exfil_vector",
        }
    }

    /// The label of that name, or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }
}

impl core::fmt::Display for Label {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of labels under union.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Exposure(u8);

impl Exposure {
    /// Nothing touched.
    pub const NONE: Self = Self(0);
    /// Private data only.
    pub const PRIVATE: Self = Self(0b001);
    /// Untrusted content only.
    pub const UNTRUSTED: Self = Self(0b010);
    /// A way out only.
    pub const EXFIL: Self = Self(0b100);
    /// All three: the trifecta.
    pub const TRIFECTA: Self = Self(0b111);

    /// The set of one label.
    #[inline]
    #[must_use]
    pub const fn of(label: Label) -> Self {
        Self(1 << label as u8)
    }

    /// The set with these bits, or `None` when a bit names no label.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::TRIFECTA.0 == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits; bit `n` is the label with number `n`.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// What is in either set.
    #[inline]
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[inline]
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether every label here is in the other set.
    #[inline]
    #[must_use]
    pub const fn leq(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the label is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, label: Label) -> bool {
        self.0 & Self::of(label).0 != 0
    }

    /// Whether all three labels are in the set.
    #[inline]
    #[must_use]
    pub const fn is_trifecta(self) -> bool {
        self.0 == Self::TRIFECTA.0
    }

    /// The labels that say where content came from: all but the way out.
    #[inline]
    #[must_use]
    pub const fn sources(self) -> Self {
        Self(self.0 & 0b011)
    }

    /// This set when the condition holds, else nothing.
    #[inline]
    #[must_use]
    pub const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }

    /// The labels in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Label> {
        Label::ALL.into_iter().filter(move |label| self.contains(*label))
    }
}

impl core::fmt::Display for Exposure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        for (index, label) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" + ")?;
            }
            f.write_str(label.name())?;
        }
        Ok(())
    }
}
