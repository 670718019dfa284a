//! Lands a file: unnamed, flushed, then named or exchanged.

use std::fs::File;
use std::os::fd::AsRawFd;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{Placed, Site, swap, temp};
use crate::workspace::tree::shown;
use crate::workspace::{Before, HeldContent, WorkspaceError, fault};

/// Content in an unnamed file beside its destination.
#[derive(Debug)]
pub(crate) struct Prepared {
    site: Site,
    file: File,
    before: Before,
    after: Before,
}

/// Writes the content into an unnamed file of the same directory.
pub(super) fn prepare(
    site: Site,
    content: &HeldContent,
    mode: u32,
    before: &Before,
) -> Result<Prepared, WorkspaceError> {
    let io = |errno: Errno| WorkspaceError::io("write", shown(site.path()))(errno);
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let fd = rustix::fs::openat(site.dir(), ".", flags, Mode::from_raw_mode(0o600)).map_err(io)?;
    let mut file = File::from(fd);
    content.copy_into(&mut file, site.path())?;
    if let Some((uid, gid)) = site.owner()? {
        rustix::fs::fchown(&file, Some(uid), Some(gid)).map_err(io)?;
    }
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o777)).map_err(io)?;
    fault::step("written");
    Ok(Prepared {
        after: Before::File {
            digest: content.digest(),
            mode,
        },
        before: before.clone(),
        site,
        file,
    })
}

impl Prepared {
    /// Makes the content durable.
    pub(crate) fn flush(&self) -> Result<(), WorkspaceError> {
        rustix::fs::fsync(&self.file).map_err(WorkspaceError::io("flush", shown(self.site.path())))
    }

    /// Where it lands.
    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Gives the flushed content its name, unless the user changed what is there.
    pub(crate) fn place(&self) -> Result<Placed, WorkspaceError> {
        match self.before {
            Before::Absent => self.place_new(),
            Before::Directory { .. } => {
                if super::remove::remove_dir(&self.site)? == Placed::Conflict {
                    return Ok(Placed::Conflict);
                }
                self.place_new()
            }
            _ => self.place_over(),
        }
    }

    fn place_new(&self) -> Result<Placed, WorkspaceError> {
        match self.link(self.site.name()) {
            Ok(()) => {
                fault::step("named");
                Ok(Placed::Done)
            }
            Err(Errno::EXIST) => Ok(Placed::Conflict),
            Err(errno) => Err(self.io(errno)),
        }
    }

    fn place_over(&self) -> Result<Placed, WorkspaceError> {
        let name = temp::name(
            temp::Purpose::Replace,
            &self.site,
            &self.after,
            &self.before,
        );
        match self.link(&name) {
            Err(Errno::EXIST) => {
                temp::recover_one(&self.site, &name)?;
                self.link(&name).map_err(|errno| self.io(errno))?;
            }
            other => other.map_err(|errno| self.io(errno))?,
        }
        fault::step("linked");
        swap::exchange(&self.site, &name, &self.before)
    }

    /// Names the unnamed file; never over something.
    fn link(&self, name: &[u8]) -> rustix::io::Result<()> {
        let unnamed = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        rustix::fs::linkat(
            rustix::fs::CWD,
            unnamed,
            self.site.dir(),
            name,
            AtFlags::SYMLINK_FOLLOW,
        )
    }

    fn io(&self, errno: Errno) -> WorkspaceError {
        WorkspaceError::io("write", shown(self.site.path()))(errno)
    }
}
