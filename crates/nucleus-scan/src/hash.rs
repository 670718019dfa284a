//! Short digests, for names of findings and of secrets.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The first `digits` hex digits of the SHA-256 over the parts, each followed by a zero byte.
pub(crate) fn short_hex(parts: &[&str], digits: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(digits);
    hex
}
