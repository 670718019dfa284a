//! Where a value stands, and values that print masked.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::secret;

/// A file that was looked at: its path, and the name a reader is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// The path it was opened by.
    pub path: PathBuf,
    /// Relative to its root with forward slashes; beneath the home it starts with `~/`.
    pub shown: String,
}

/// A stretch of one file. Lines and columns count from 1; columns count characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: Arc<FileName>,
    /// Line of the first character.
    pub line: u32,
    /// Column of the first character.
    pub column: u32,
    /// Line of the first character after it.
    pub end_line: u32,
    /// Column of the first character after it.
    pub end_column: u32,
    /// Byte offsets in the file.
    pub span: ByteSpan,
    /// JSON pointer in the document (`/mcpServers/x/args/0`); empty where the file has no structure.
    pub pointer: String,
}

/// A half-open range of bytes that orders and hashes, which `std::ops::Range` does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSpan {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl From<Range<usize>> for ByteSpan {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

impl From<ByteSpan> for Range<usize> {
    fn from(range: ByteSpan) -> Self {
        range.start..range.end
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", secret::mask_pointer(&self.pointer))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.shown, self.line, self.column)
    }
}

/// A text of a configuration file. Every way of printing it masks what looks like a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Literal {
    value: String,
    key: String,
    place: Place,
}

impl Literal {
    /// A text that stands at a place; `key` is the name it is assigned to, empty for a list's item.
    pub(crate) fn new(key: &str, value: &str, place: Place) -> Self {
        Self {
            value: value.to_owned(),
            key: key.to_owned(),
            place,
        }
    }

    /// The text as the file has it. **May hold a secret: compare it, never print it.**
    #[must_use]
    pub fn raw_unmasked(&self) -> &str {
        &self.value
    }

    /// The text with every secret in it masked.
    #[must_use]
    pub fn shown(&self) -> String {
        secret::mask(&self.key, &self.value)
    }

    /// The same with the key it is assigned to, where it does not say that itself: `never` alone tells nobody what is meant.
    #[must_use]
    pub fn shown_with_key(&self) -> String {
        let shown = self.shown();
        match self.key.as_str() {
            "" => shown,
            key if shown.contains(key) => shown,
            key => format!("{}={shown}", secret::mask_name(key)),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The name it is assigned to (an environment variable, a header); empty for a list's item.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}", self.shown(), self.place)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Literal {
    /// Gives the text another place: where it stands in the file it is embedded in.
    pub(crate) fn move_to(&mut self, place: Place) {
        self.place = place;
    }
}
