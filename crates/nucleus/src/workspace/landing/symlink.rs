//! Lands a symbolic link; neither an old nor a new one is ever followed.

use std::path::Path;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::{Placed, Site, remove, swap, temp};
use crate::workspace::tree::shown;
use crate::workspace::{Before, WorkspaceError, fault};

/// Makes the link, or exchanges it with what is there.
pub(super) fn place(site: &Site, target: &Path, before: &Before) -> Result<Placed, WorkspaceError> {
    match before {
        Before::Absent => make(site, target, site.name()),
        Before::Directory { .. } => match remove::remove_dir(site)? {
            Placed::Done => make(site, target, site.name()),
            Placed::Conflict => Ok(Placed::Conflict),
        },
        _ => replace(site, target, before),
    }
}

fn make(site: &Site, target: &Path, name: &[u8]) -> Result<Placed, WorkspaceError> {
    match rustix::fs::symlinkat(target, site.dir(), name) {
        Ok(()) => {
            own(site, name)?;
            fault::step("link made");
            Ok(Placed::Done)
        }
        Err(Errno::EXIST) => Ok(Placed::Conflict),
        Err(errno) => Err(WorkspaceError::io("link", shown(site.path()))(errno)),
    }
}

fn own(site: &Site, name: &[u8]) -> Result<(), WorkspaceError> {
    let Some((uid, gid)) = site.owner()? else {
        return Ok(());
    };
    rustix::fs::chownat(
        site.dir(),
        name,
        Some(uid),
        Some(gid),
        AtFlags::SYMLINK_NOFOLLOW,
    )
    .map_err(WorkspaceError::io("link", shown(site.path())))
}

fn replace(site: &Site, target: &Path, before: &Before) -> Result<Placed, WorkspaceError> {
    let after = Before::Symlink {
        target: target.to_path_buf(),
    };
    let name = temp::name(temp::Purpose::Replace, site, &after, before);
    if make(site, target, &name)? == Placed::Conflict {
        temp::recover_one(site, &name)?;
        make(site, target, &name)?;
    }
    swap::exchange(site, &name, before)
}
