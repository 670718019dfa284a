//! Puts one change into the real tree, or finds that the user changed the path meanwhile and leaves it alone.
//!
//! Content is written to an unnamed file of the same directory, flushed, and only then given its name. A path that holds
//! something is exchanged with the new file in one step, what came out is compared with what the change was based on, and put
//! back if it is anything else; for the moment of the comparison a reader may see the new file. **A program of the host that
//! keeps the old file open and writes to it after the comparison writes into a file without a name.**

mod directory;
mod mode;
mod remove;
mod site;
mod swap;
mod symlink;
mod temp;
mod write;

pub(crate) use site::Site;
pub(crate) use temp::{is_reserved, recover};
pub(crate) use write::Prepared;

use super::{Before, Change, ChangeKind, WorkspaceError};

/// What became of one landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placed {
    /// The tree holds the change.
    Done,
    /// The tree holds what the user put there.
    Conflict,
}

/// A landing between its two halves.
#[derive(Debug)]
pub(crate) enum Half {
    /// Nothing is left to do.
    Finished(Placed),
    /// The content is in an unnamed file that must be flushed, then placed.
    Prepared(Prepared),
}

/// Lands everything but file content, and prepares that.
pub(crate) fn begin(site: Site, change: &Change) -> Result<Half, WorkspaceError> {
    let now = site.now()?;
    if now == wanted(change) {
        return Ok(Half::Finished(Placed::Done));
    }
    let placed = match &change.kind {
        ChangeKind::Write { .. } | ChangeKind::Symlink { .. } | ChangeKind::Mode { .. }
            if now != change.before =>
        {
            Placed::Conflict
        }
        ChangeKind::Write { content, mode } => {
            return write::prepare(site, content, *mode, &change.before).map(Half::Prepared);
        }
        ChangeKind::Symlink { target } => symlink::place(&site, target, &change.before)?,
        ChangeKind::Mode { mode } => mode::place(&site, *mode, &change.before)?,
        ChangeKind::Directory { mode } => directory::place(&site, *mode, &now, &change.before)?,
        ChangeKind::Delete => remove::place(&site, &now, &change.before)?,
    };
    Ok(Half::Finished(placed))
}

/// What the tree holds once the change is in it.
fn wanted(change: &Change) -> Before {
    match (&change.kind, &change.before) {
        (ChangeKind::Write { content, mode }, _) => Before::File {
            digest: content.digest(),
            mode: *mode,
        },
        (ChangeKind::Symlink { target }, _) => Before::Symlink {
            target: target.clone(),
        },
        (ChangeKind::Directory { mode }, _) => Before::Directory { mode: *mode },
        (ChangeKind::Mode { mode }, Before::File { digest, .. }) => Before::File {
            digest: *digest,
            mode: *mode,
        },
        (ChangeKind::Mode { mode }, Before::Directory { .. }) => Before::Directory { mode: *mode },
        (ChangeKind::Mode { .. }, before) => before.clone(),
        (ChangeKind::Delete, _) => Before::Absent,
    }
}

/// The temporary name with which a change of a file is landed.
#[cfg(test)]
pub(crate) fn replace_name(root: &super::tree::Tree, change: &Change) -> String {
    let site = Site::of(root, change.path.as_bytes()).unwrap();
    let name = temp::name(
        temp::Purpose::Replace,
        &site,
        &wanted(change),
        &change.before,
    );
    String::from_utf8(name).unwrap()
}
