//! Names one entry of the workspace in the bytes found on disk.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use portcullis::path::{PathError, RelPath};

/// A path relative to the workspace as found on disk, with its canonical spelling where it has one.
///
/// Only a path with a canonical spelling can be the subject of a request; any other is shown and never changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryPath {
    bytes: Box<[u8]>,
    spelling: Option<RelPath>,
}

impl EntryPath {
    /// The path with these bytes: relative, without `.`, `..` or empty segments.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let spelling = RelPath::parse_bytes(bytes)
            .ok()
            .filter(|path| path.as_str().as_bytes() == bytes);
        Self {
            bytes: bytes.into(),
            spelling,
        }
    }

    /// The path of a file system walk.
    #[must_use]
    pub fn from_path(path: &Path) -> Self {
        Self::from_bytes(path.as_os_str().as_bytes())
    }

    /// The bytes on disk.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path for system calls.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.bytes))
    }

    /// The canonical spelling, or `None` when the name has none.
    #[must_use]
    pub fn rel(&self) -> Option<&RelPath> {
        self.spelling.as_ref()
    }

    /// The canonical spelling, or why there is none.
    ///
    /// # Errors
    /// [`PathError`] with the rule that the name breaks.
    pub fn parse(&self) -> Result<RelPath, PathError> {
        RelPath::parse_bytes(&self.bytes)
    }
}

impl From<&RelPath> for EntryPath {
    fn from(path: &RelPath) -> Self {
        Self {
            bytes: path.as_str().as_bytes().into(),
            spelling: Some(path.clone()),
        }
    }
}

impl std::fmt::Display for EntryPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.spelling {
            Some(path) => path.fmt(f),
            None => self.bytes.escape_ascii().fmt(f),
        }
    }
}
