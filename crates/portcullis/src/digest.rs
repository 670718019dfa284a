//! SHA-256 digests over canonical bytes: every field tagged by position and framed by its length.

use sha2::{Digest as _, Sha256};

/// Makes a type of `$length` bytes that prints and reads as lower-case hex.
macro_rules! hex_type {
    ($(#[$doc:meta])* $name:ident($length:literal)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The one with these bytes.
            #[inline]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[inline]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// The one spelled by exactly as many lower-case hex digits as it has, or `None`.
            #[inline]
            pub fn from_hex(text: &str) -> Option<Self> {
                $crate::digest::hex_bytes(text).map(Self)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}
pub(crate) use hex_type;

hex_type! {
    /// The digest of everything that decides the effect of a request.
    RequestDigest(32)
}
hex_type! {
    /// The digest of an envelope in canonical bytes.
    EnvelopeDigest(32)
}
hex_type! {
    /// The digest of some content.
    ContentDigest(32)
}

impl ContentDigest {
    /// The SHA-256 of these bytes.
    #[inline]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Reads twice `N` lower-case hex digits.
pub(crate) fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
    let mut bytes = [0; N];
    let pairs = text.as_bytes().chunks(2);
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(bytes)
}

/// Feeds fields to SHA-256, each framed by its length, so that no two field lists share bytes.
#[derive(Clone, Debug)]
#[must_use]
pub struct FieldHasher(Sha256);

impl FieldHasher {
    /// A hasher of the named domain.
    #[inline]
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).field(domain.as_bytes())
    }

    /// Adds one field.
    #[inline]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds one text.
    #[inline]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.field(text.as_ref().as_bytes())
    }

    /// Adds one number.
    #[inline]
    pub fn number(self, number: impl Into<u64>) -> Self {
        self.field(&number.into().to_le_bytes())
    }

    /// Adds a digest, or an empty field where there is none.
    pub(crate) fn digest(self, digest: Option<ContentDigest>) -> Self {
        self.field(digest.as_ref().map_or(&[], |digest| digest.as_bytes()))
    }

    /// Adds a list of texts, framed by its count.
    #[inline]
    pub fn texts<T: AsRef<str>>(self, texts: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> Self {
        let texts = texts.into_iter();
        let counted = self.number(texts.len() as u64);
        texts.fold(counted, Self::text)
    }

    /// The digest of all fields.
    #[inline]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
