//! Keeps secrets out of records: every text passes here before it is written.
//!
//! Left out are: bytes registered at runtime, in the spellings they travel in;
//! values whose name says that they are secret; credentials in URLs; strings in
//! the form of known keys; strings too random to be words. A text that was
//! changed says so, and the record names the member.
//!
//! **Rules cannot know every secret**: a password that reads like a word, in a
//! place that no rule names, is not recognised unless it was registered.

mod body;
mod known;
mod names;
mod scan;
mod shapes;

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use known::Known;
use portcullis::digest::ContentDigest;

pub(crate) use body::redact;

/// Stands where something was left out.
pub const MARK: &str = "[redacted]";

/// The longest text of a record in bytes; the terminal line of a log viewer has room for less.
pub(crate) const MAX_TEXT_BYTES: usize = 4096;

/// Fewer bytes than this are no secret: they would be found everywhere.
pub const MIN_SECRET_BYTES: usize = 4;

/// A secret too short to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret of fewer than {MIN_SECRET_BYTES} bytes cannot be looked for")]
pub struct SecretTooShort;

/// Leaves secrets out of texts; secrets may be registered while a log runs.
#[derive(Debug, Default)]
pub struct Redactor {
    known: RwLock<Arc<Known>>,
}

impl Redactor {
    /// Knows the rules and no secret of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves these bytes out from now on: plain, and in hex, base64 and percent-encoding.
    ///
    /// A secret of several lines is also looked for line by line.
    ///
    /// # Errors
    /// [`SecretTooShort`] below [`MIN_SECRET_BYTES`] bytes.
    pub fn register_secret(&self, secret: &[u8]) -> Result<(), SecretTooShort> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SecretTooShort);
        }
        // A poisoned lock still guards a whole list: it is replaced, never changed in place.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Arc::new(known.with(secret));
        Ok(())
    }

    /// The text without secrets, and whether anything was left out.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() > MAX_TEXT_BYTES {
            return Cow::Owned(left_out(text));
        }
        let unknown = self.known().remove_from(text);
        match scan::scan(&unknown, false) {
            Some(cleaned) => Cow::Owned(cleaned),
            None => unknown,
        }
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What stands for a text that is too long.
fn left_out(text: &str) -> String {
    format!(
        "[left out: {} bytes, sha256 {}]",
        text.len(),
        ContentDigest::of(text.as_bytes())
    )
}
