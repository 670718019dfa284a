//! Writes what many types have in common: named enums, sets of them in one word, readers of fields, error texts.
//!
//! Each function is written once here, so that all types agree on what a name, a bit and a number mean.

use std::fmt;

/// Makes an enum of at most 256 values in which each has a name; numbers follow the order of declaration.
macro_rules! named_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Each of them, in the order of their numbers.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$variant),+];

            /// The name used in policies, records and messages.
            #[inline]
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The one of that name, or `None`: an unknown name is never guessed.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == name)
            }

            /// The one of that number, or `None`.
            #[inline]
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $(n if n == Self::$variant as u8 => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

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

/// Makes an error that quotes the text it refuses, escaped and cut to 64 characters, and says why in a phrase.
macro_rules! text_error {
    ($(#[$doc:meta])* $name:ident($kind:literal)) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            text: String,
            why: &'static str,
        }

        impl $name {
            /// Refuses `text` because of `why`, a phrase that reads after the text.
            #[must_use]
            pub fn new(text: &str, why: &'static str) -> Self {
                Self { text: $crate::named::excerpt(text), why }
            }

            /// Why, without the text.
            #[must_use]
            pub const fn why(&self) -> &'static str {
                self.why
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($kind, "`{}` {}"), self.text, self.why)
            }
        }

        impl std::error::Error for $name {}
    };
}

/// Writes the names with a text between them, or `empty` when there is none.
pub(crate) fn write_names(f: &mut fmt::Formatter<'_>, names: &[&str], between: &str, empty: &str) -> fmt::Result {
    f.write_str(if names.is_empty() { empty } else { "" })?;
    f.write_str(&names.join(between))
}

/// The first 64 characters of a text, escaped.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

pub(crate) use {named_enum, readers, text_error, word_set};
