//! Lands other permission bits on the very inode that was compared.

use std::os::fd::AsRawFd;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Placed, Site};
use crate::workspace::tree::{file_type, shown};
use crate::workspace::{Before, WorkspaceError, fault};

/// Changes the bits if the name still holds `before`. Of 07000 a directory keeps its own bits and a file loses them.
pub(super) fn place(site: &Site, mode: u32, before: &Before) -> Result<Placed, WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("chmod", shown(site.path()))(errno);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let pinned = match rustix::fs::openat(site.dir(), site.name(), flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return Ok(Placed::Conflict),
        Err(errno) => return Err(io(errno)),
    };
    let stat = rustix::fs::fstat(&pinned).map_err(io)?;
    let kept = match file_type(&stat) {
        FileType::Directory => stat.st_mode & 0o7000,
        FileType::RegularFile => 0,
        _ => return Ok(Placed::Conflict),
    };
    if site.now()? != *before || site.inode(site.name()).map_err(io)? != stat.st_ino {
        return Ok(Placed::Conflict);
    }
    // A descriptor opened for its path only cannot be given to fchmod; its entry in /proc names the same inode.
    let inode = format!("/proc/self/fd/{}", pinned.as_raw_fd());
    rustix::fs::chmod(inode, Mode::from_raw_mode((mode & 0o777) | kept)).map_err(io)?;
    fault::step("mode changed");
    Ok(Placed::Done)
}
