//! Finds registered secrets in the spellings they travel in.

use std::borrow::Cow;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{MARK, MIN_SECRET_BYTES};

/// A line of a longer secret is looked for by itself from this length on.
const MIN_LINE_BYTES: usize = 16;

/// The spellings of every registered secret, longest first.
#[derive(Clone, Default)]
pub(super) struct Known {
    spellings: Vec<Zeroizing<Vec<u8>>>,
}

impl core::fmt::Debug for Known {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Known({} spellings)", self.spellings.len())
    }
}

impl Known {
    /// These and one more secret.
    pub(super) fn with(&self, secret: &[u8]) -> Self {
        let mut spellings = self.spellings.clone();
        spellings.extend(spell(secret));
        for line in secret.split(|byte| matches!(byte, b'\n' | b'\r')) {
            if line.len() >= MIN_LINE_BYTES && line.len() < secret.len() {
                spellings.extend(spell(line));
            }
        }
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Self { spellings }
    }

    /// The text with every spelling replaced.
    pub(super) fn remove_from<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut left = Cow::Borrowed(text);
        for spelling in &self.spellings {
            if let Some(cleaned) = replace(&left, spelling) {
                left = Cow::Owned(cleaned);
            }
        }
        left
    }
}

/// The text with one spelling replaced, or `None` when it is not there.
fn replace(text: &str, spelling: &[u8]) -> Option<String> {
    if text.len() < spelling.len() {
        return None;
    }
    memchr::memmem::find(text.as_bytes(), spelling)?;
    let mut left = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text.as_bytes(), spelling) {
        left.extend_from_slice(&text.as_bytes()[from..at]);
        left.extend_from_slice(MARK.as_bytes());
        from = at + spelling.len();
    }
    left.extend_from_slice(&text.as_bytes()[from..]);
    Some(String::from_utf8_lossy(&left).into_owned())
}

/// The spellings of one secret.
fn spell(secret: &[u8]) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let hex = |digits: &[u8; 16]| -> Vec<u8> {
        secret
            .iter()
            .flat_map(|byte| {
                [
                    digits[usize::from(byte >> 4)],
                    digits[usize::from(byte & 0xf)],
                ]
            })
            .collect()
    };
    let mut spellings = vec![
        secret.to_vec(),
        hex(b"0123456789abcdef"),
        hex(b"0123456789ABCDEF"),
        percent(secret, b"0123456789ABCDEF"),
        percent(secret, b"0123456789abcdef"),
    ];
    for shift in 0..3 {
        spellings.push(base64_core(&STANDARD_NO_PAD, secret, shift));
        spellings.push(base64_core(&URL_SAFE_NO_PAD, secret, shift));
    }
    spellings
        .into_iter()
        .filter(|bytes| bytes.len() >= MIN_SECRET_BYTES)
        .map(Zeroizing::new)
}

/// The characters of base64 that depend on the secret alone when `shift` bytes stand before it.
fn base64_core(engine: &impl base64::Engine, secret: &[u8], shift: usize) -> Vec<u8> {
    let mut padded = Zeroizing::new(vec![0; shift]);
    padded.extend_from_slice(secret);
    let whole = (padded.len() / 3) * 3;
    let encoded = engine.encode(&padded[..whole]);
    encoded
        .into_bytes()
        .get(if shift == 0 { 0 } else { 4 }..)
        .unwrap_or_default()
        .to_vec()
}

/// Percent-encoding of all but the unreserved characters of RFC 3986.
fn percent(secret: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(secret.len());
    for byte in secret {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(&[
                b'%',
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 0xf)],
            ]);
        }
    }
    encoded
}
