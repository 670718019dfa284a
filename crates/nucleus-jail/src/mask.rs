//! Mask layers: whiteouts that hide names of the workspace from one overlay.
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use crate::Error;

/// The type of an entry met by the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory: hiding it hides all below.
    Dir,
    /// Anything else.
    Other,
}

/// What a mask hides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mask {
    /// Relative paths of the whiteouts.
    pub hidden: Vec<PathBuf>,
    /// Entries visited.
    pub visited: u64,
}

/// Walks the workspace (`d_type` only, links not followed) and writes a whiteout into the empty directory `into` for each
/// entry whose relative path (bytes, no leading `/`) `is_blocked` holds.
pub fn build_mask(
    _workspace: BorrowedFd<'_>,
    _into: BorrowedFd<'_>,
    _is_blocked: impl FnMut(&[u8], EntryKind) -> bool,
) -> Result<Mask, Error> {
    Ok(Mask::default())
}

/// Writes a whiteout for each relative path, without a walk; the parents that exist in the workspace are copied with mode,
/// owner and time. A path whose parent does not exist is left out.
pub fn build_mask_of(
    _workspace: BorrowedFd<'_>,
    _into: BorrowedFd<'_>,
    _paths: impl IntoIterator<Item = PathBuf>,
) -> Result<Mask, Error> {
    Ok(Mask::default())
}
