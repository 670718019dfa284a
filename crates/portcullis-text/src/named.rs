//! Writes what many types have in common towards text: named enums, and errors that quote what they refuse.
//!
//! Each function is written once here, so that all types, also those of the law, agree on what a name and a number
//! mean.

/// Makes an enum of at most 256 values in which each has a name; numbers follow the order of declaration.
#[macro_export]
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
            #[inline]
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

/// Makes an error that quotes the text it refuses, escaped and cut to 64 characters, and says why in a phrase.
#[macro_export]
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
            #[inline]
            pub fn new(text: &str, why: &'static str) -> Self {
                Self { text: $crate::named::excerpt(text), why }
            }

            /// Why, without the text.
            #[must_use]
            #[inline]
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

/// The first 64 characters of a text, escaped.
#[inline]
pub fn excerpt(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}
