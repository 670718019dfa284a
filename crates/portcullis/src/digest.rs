//! SHA-256 digests over canonical bytes: every field tagged by position and framed by its length.

use sha2::{Digest as _, Sha256};

/// Makes a 32-byte digest type that prints as hex.
macro_rules! digest_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// The digest with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The digest of 64 lower-case hex digits, or `None`.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                hex_bytes(text).map(Self)
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

digest_type! {
    /// The digest of everything that decides the effect of a request.
    RequestDigest
}
digest_type! {
    /// The digest of an envelope in canonical bytes.
    EnvelopeDigest
}
digest_type! {
    /// The digest of some content.
    ContentDigest
}

impl ContentDigest {
    /// The SHA-256 of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// Reads 64 lower-case hex digits.
fn hex_bytes(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

/// The value of one lower-case hex digit.
const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Feeds fields to SHA-256, each framed by its length, so that no two field lists share bytes.
#[derive(Clone, Debug)]
pub struct FieldHasher(Sha256);

impl FieldHasher {
    /// A hasher of the named domain.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self(Sha256::new()).field(domain.as_bytes())
    }

    /// Adds one field.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds one text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.field(text.as_bytes())
    }

    /// Adds one number.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.field(&number.to_le_bytes())
    }

    /// Adds a list of texts, framed by its count.
    #[must_use]
    pub fn texts<'a>(self, texts: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let counted = self.number(texts.len() as u64);
        texts.fold(counted, Self::text)
    }

    /// The digest of all fields.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
