//! One name in one open directory: where a landing happens.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::AtFlags;

use crate::workspace::tree::{Tree, shown};
use crate::workspace::{Before, WorkspaceError};

/// A name in a directory that was resolved beneath the workspace.
#[derive(Debug)]
pub(crate) struct Site {
    dir: OwnedFd,
    name: Box<[u8]>,
    path: Box<[u8]>,
}

impl Site {
    /// Resolves the directory of a path.
    pub(crate) fn of(root: &Tree, path: &[u8]) -> Result<Self, WorkspaceError> {
        let (dir, name) = root.parent(path)?;
        Ok(Self {
            dir,
            name: name.into(),
            path: path.into(),
        })
    }

    /// The directory.
    pub(crate) fn dir(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }

    /// The name in it.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The path from the workspace.
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    /// What the name holds.
    pub(crate) fn now(&self) -> Result<Before, WorkspaceError> {
        self.holds(&self.name)
    }

    /// What another name of the directory holds.
    pub(crate) fn holds(&self, name: &[u8]) -> Result<Before, WorkspaceError> {
        Before::of(&self.dir, name).map_err(WorkspaceError::io("read", shown(&self.path)))
    }

    /// The inode at a name of the directory.
    pub(crate) fn inode(&self, name: &[u8]) -> rustix::io::Result<u64> {
        rustix::fs::statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat.st_ino)
    }

    /// Removes a name that is not a directory.
    pub(crate) fn unlink(&self, name: &[u8]) -> Result<(), WorkspaceError> {
        rustix::fs::unlinkat(&self.dir, name, AtFlags::empty())
            .map_err(WorkspaceError::io("remove", shown(&self.path)))
    }

    /// Who should own what lands here, when we are root and could give it to anybody: the owner of what is replaced, else of
    /// the directory.
    pub(crate) fn owner(
        &self,
    ) -> Result<Option<(rustix::fs::Uid, rustix::fs::Gid)>, WorkspaceError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let stat = rustix::fs::statat(&self.dir, &*self.name, AtFlags::SYMLINK_NOFOLLOW)
            .or_else(|_| rustix::fs::fstat(&self.dir))
            .map_err(WorkspaceError::io("stat", shown(&self.path)))?;
        Ok(Some((
            rustix::fs::Uid::from_raw(stat.st_uid),
            rustix::fs::Gid::from_raw(stat.st_gid),
        )))
    }
}
