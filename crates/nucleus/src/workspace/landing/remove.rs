//! Lands a deletion: takes the name away, compares, and only then deletes.

use rustix::fs::{AtFlags, RenameFlags};
use rustix::io::Errno;

use super::{Placed, Site, temp};
use crate::workspace::tree::shown;
use crate::workspace::{Before, WorkspaceError, fault};

/// Deletes what the change was based on, and nothing else. A directory must be empty.
pub(super) fn place(site: &Site, now: &Before, before: &Before) -> Result<Placed, WorkspaceError> {
    match (now, before) {
        (Before::Directory { .. }, Before::Directory { .. }) => remove_dir(site),
        _ if now != before => Ok(Placed::Conflict),
        (Before::File { .. } | Before::Symlink { .. }, _) => remove_file(site, before),
        _ => Ok(Placed::Conflict),
    }
}

/// Deletes an empty directory.
pub(super) fn remove_dir(site: &Site) -> Result<Placed, WorkspaceError> {
    match rustix::fs::unlinkat(site.dir(), site.name(), AtFlags::REMOVEDIR) {
        Ok(()) => {
            fault::step("directory removed");
            Ok(Placed::Done)
        }
        Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(Placed::Conflict),
        Err(errno) => Err(WorkspaceError::io("remove", shown(site.path()))(errno)),
    }
}

fn remove_file(site: &Site, before: &Before) -> Result<Placed, WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("remove", shown(site.path()))(errno);
    let away = temp::name(temp::Purpose::Delete, site, &Before::Absent, before);
    let take = || {
        rustix::fs::renameat_with(
            site.dir(),
            site.name(),
            site.dir(),
            &away,
            RenameFlags::NOREPLACE,
        )
    };
    match take() {
        Err(Errno::EXIST) => {
            temp::recover_one(site, &away)?;
            take().map_err(io)?;
        }
        Err(Errno::NOENT) => return Ok(Placed::Done),
        other => other.map_err(io)?,
    }
    fault::step("taken away");
    if site.holds(&away)? == *before {
        site.unlink(&away)?;
        fault::step("removed");
        return Ok(Placed::Done);
    }
    match rustix::fs::renameat_with(
        site.dir(),
        &away,
        site.dir(),
        site.name(),
        RenameFlags::NOREPLACE,
    ) {
        Ok(()) => {}
        // The user has saved the file anew: what we took away is what they replaced.
        Err(Errno::EXIST) => site.unlink(&away)?,
        Err(errno) => return Err(io(errno)),
    }
    Ok(Placed::Conflict)
}
