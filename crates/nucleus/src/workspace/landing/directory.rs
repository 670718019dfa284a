//! Lands a directory; one that is already there is kept.

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::{Placed, Site};
use crate::workspace::tree::shown;
use crate::workspace::{Before, WorkspaceError, fault};

/// Makes the directory. An existing one gets the mode only where its mode is what the change was based on.
pub(super) fn place(
    site: &Site,
    mode: u32,
    now: &Before,
    before: &Before,
) -> Result<Placed, WorkspaceError> {
    match now {
        Before::Directory { .. } if now == before => super::mode::place(site, mode, before),
        Before::Directory { .. } => Ok(Placed::Done),
        Before::Absent => make(site, mode),
        _ => Ok(Placed::Conflict),
    }
}

fn make(site: &Site, mode: u32) -> Result<Placed, WorkspaceError> {
    match rustix::fs::mkdirat(site.dir(), site.name(), Mode::from_raw_mode(0o700)) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(Placed::Conflict),
        Err(errno) => return Err(io(site, errno)),
    }
    fault::step("directory made");
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(site.dir(), site.name(), flags, Mode::empty())
        .map_err(|errno| io(site, errno))?;
    if rustix::process::geteuid().is_root() {
        let parent = rustix::fs::fstat(site.dir()).map_err(|errno| io(site, errno))?;
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(parent.st_uid),
            rustix::fs::Gid::from_raw(parent.st_gid),
        );
        rustix::fs::fchown(&dir, Some(uid), Some(gid)).map_err(|errno| io(site, errno))?;
    }
    // The set-group-id bit is inherited from the user's own directory and stays.
    let inherited = rustix::fs::fstat(&dir)
        .map_err(|errno| io(site, errno))?
        .st_mode
        & 0o2000;
    rustix::fs::fchmod(&dir, Mode::from_raw_mode((mode & 0o777) | inherited))
        .map_err(|errno| io(site, errno))?;
    Ok(Placed::Done)
}

fn io(site: &Site, errno: Errno) -> WorkspaceError {
    WorkspaceError::io("make directory", shown(site.path()))(errno)
}
