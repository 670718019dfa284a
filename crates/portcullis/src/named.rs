//! Writes what many types have in common: sets of named enums in one word, and readers of fields.
//!
//! Each function is written once here, so that all types agree on what a bit means. What a name and a number mean
//! is written once for both crates, in `portcullis_text`.

use std::fmt;

pub(crate) use portcullis_text::{named_enum, text_error};

/// Makes a set of the values of a [`named_enum`]; bit `n` is the value with number `n`.
macro_rules! word_set {
    ($(#[$meta:meta])* $name:ident($bits:ty) of $member:ident, $union:ident, $intersection:ident, none $none:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name($bits);

        impl $name {
            /// The empty set.
            pub const $none: Self = Self(0);
            /// The bits that name a value.
            const KNOWN: $bits = (1 << $member::ALL.len()) - 1;

            /// The set of one.
            #[inline]
            #[must_use]
            pub const fn of(one: $member) -> Self {
                Self(1 << one as $bits)
            }

            /// The set with these bits, or `None` when a bit names nothing.
            #[inline]
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Option<Self> {
                if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
            }

            /// The bits; bit `n` is the value with number `n`.
            #[inline]
            #[must_use]
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// What is in either set.
            #[inline]
            #[must_use]
            pub const fn $union(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// What is in both sets.
            #[inline]
            #[must_use]
            pub const fn $intersection(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// This set when the condition holds, else nothing.
            #[inline]
            #[must_use]
            pub const fn when(self, condition: bool) -> Self {
                if condition { self } else { Self::$none }
            }

            /// Whether it is in the set.
            #[inline]
            #[must_use]
            pub const fn contains(self, one: $member) -> bool {
                self.0 & Self::of(one).0 != 0
            }

            /// Whether the set is empty.
            #[inline]
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// What is in the set, in the order of the numbers.
            #[inline]
            pub fn iter(self) -> impl Iterator<Item = $member> {
                $member::ALL.into_iter().filter(move |one| self.contains(*one))
            }
        }

        impl FromIterator<$member> for $name {
            fn from_iter<I: IntoIterator<Item = $member>>(all: I) -> Self {
                all.into_iter().fold(Self::$none, |set, one| set.$union(Self::of(one)))
            }
        }
    };
}

/// Makes readers of private fields: `word` takes a machine word by value, `value` copies the field of a borrowed
/// value, `borrow` lends it. `in` names the field that holds them.
macro_rules! readers {
    ($type:ident $(in $inner:ident)? { $($(#[$doc:meta])* $how:ident $field:ident: $kind:ty,)+ }) => {
        readers! { @each [$type] [$($inner)?] $([$(#[$doc])* $how $field: $kind])+ }
    };
    (@each [$type:ident] $inner:tt $($reader:tt)+) => {
        impl $type {
            $(readers! { @one $inner $reader })+
        }
    };
    (@one [$($inner:ident)?] [$(#[$doc:meta])* word $field:ident: $kind:ty]) => {
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub const fn $field(self) -> $kind {
            self$(.$inner)?.$field
        }
    };
    (@one [$($inner:ident)?] [$(#[$doc:meta])* value $field:ident: $kind:ty]) => {
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub const fn $field(&self) -> $kind {
            self$(.$inner)?.$field
        }
    };
    (@one [$($inner:ident)?] [$(#[$doc:meta])* borrow $field:ident: $kind:ty]) => {
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub const fn $field(&self) -> &$kind {
            &self$(.$inner)?.$field
        }
    };
}

/// Writes the names with a text between them, or `empty` when there is none.
pub(crate) fn write_names(f: &mut fmt::Formatter<'_>, names: &[&str], between: &str, empty: &str) -> fmt::Result {
    f.write_str(if names.is_empty() { empty } else { "" })?;
    f.write_str(&names.join(between))
}

pub(crate) use {readers, word_set};
