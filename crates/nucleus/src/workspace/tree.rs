//! Resolves every path beneath one directory handle, through no link, no mount and no `..`.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::WorkspaceError;

/// An open directory and the tree below it.
#[derive(Debug)]
pub(crate) struct Tree {
    dir: OwnedFd,
    path: PathBuf,
}

fn resolve() -> ResolveFlags {
    ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV
}

/// A path as text for messages.
pub(crate) fn shown(path: &[u8]) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    match std::str::from_utf8(path) {
        Ok(text) => text.escape_debug().to_string(),
        Err(_) => path.escape_ascii().to_string(),
    }
}

/// Splits a path into its directory and its last name.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

/// A directory followed by a name.
pub(crate) fn joined(dir: &[u8], name: &[u8]) -> Vec<u8> {
    if dir.is_empty() {
        return name.to_vec();
    }
    [dir, b"/", name].concat()
}

/// The error for a path that could not be resolved.
pub(crate) fn resolution(path: &[u8], errno: Errno) -> WorkspaceError {
    match errno {
        Errno::NOENT | Errno::NOTDIR => WorkspaceError::NotFound(shown(path)),
        Errno::LOOP => WorkspaceError::ThroughLink(shown(path)),
        _ => WorkspaceError::io("resolve", shown(path))(errno),
    }
}

impl Tree {
    /// Opens a directory of the host by its path.
    pub(crate) fn open(path: &Path) -> Result<Self, WorkspaceError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(path, flags, Mode::empty())
            .map_err(WorkspaceError::io("open", path.display()))?;
        Ok(Self {
            dir,
            path: path.to_path_buf(),
        })
    }

    /// Its path on the host.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens anything below; the empty path is the directory itself.
    fn open_at(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = if path.is_empty() { b"." } else { path };
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        loop {
            match rustix::fs::openat2(&self.dir, path, flags, Mode::empty(), resolve()) {
                // A rename somewhere raced with the resolution.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    /// Opens a directory below.
    pub(crate) fn open_dir(&self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        self.open_at(path, OFlags::DIRECTORY | OFlags::RDONLY)
    }

    /// Opens the directory that holds the path, and names the entry in it.
    pub(crate) fn parent<'a>(&self, path: &'a [u8]) -> Result<(OwnedFd, &'a [u8]), WorkspaceError> {
        let (dir, name) = split(path);
        let dir = self
            .open_dir(dir)
            .map_err(|errno| resolution(path, errno))?;
        Ok((dir, name))
    }

    /// What is at the path, links not followed; `None` when nothing is.
    pub(crate) fn stat(&self, path: &[u8]) -> Result<Option<Stat>, WorkspaceError> {
        let found = if path.is_empty() {
            rustix::fs::fstat(&self.dir)
        } else {
            let (dir, name) = split(path);
            self.open_dir(dir)
                .and_then(|dir| rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW))
        };
        match found {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(resolution(path, errno)),
        }
    }

    /// Why nothing can be found at a path: a link on the way, or nothing there.
    pub(crate) fn absence(&self, path: &[u8]) -> WorkspaceError {
        let above = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| &path[..at]);
        for dir in above {
            match self.stat(dir) {
                Ok(Some(stat)) if file_type(&stat) == FileType::Symlink => {
                    return WorkspaceError::ThroughLink(shown(path));
                }
                Ok(Some(_)) => {}
                _ => break,
            }
        }
        WorkspaceError::NotFound(shown(path))
    }

    /// Opens a regular file for reading, without blocking.
    pub(crate) fn open_file(&self, path: &[u8]) -> Result<(File, Stat), WorkspaceError> {
        // Looked at before it is opened: opening a FIFO or a device can already have an effect.
        let found = self.stat(path)?.ok_or_else(|| self.absence(path))?;
        require_file(path, &found)?;
        let fd = self
            .open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)
            .map_err(|errno| resolution(path, errno))?;
        let stat = rustix::fs::fstat(&fd).map_err(WorkspaceError::io("stat", shown(path)))?;
        require_file(path, &stat)?;
        Ok((File::from(fd), stat))
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

/// The type in a mode.
pub(crate) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The permission bits in a mode, none of 07000.
pub(crate) fn permissions(stat: &Stat) -> u32 {
    stat.st_mode & 0o777
}

/// What a type is called in messages.
pub(crate) fn type_name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of unknown type",
    }
}

fn require_file(path: &[u8], stat: &Stat) -> Result<(), WorkspaceError> {
    match file_type(stat) {
        FileType::RegularFile => Ok(()),
        other => Err(WorkspaceError::WrongType {
            path: shown(path),
            found: type_name(other),
            wanted: "a file",
        }),
    }
}

/// The moment of the last change of an inode, in nanoseconds since 1970.
pub(crate) fn changed_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec)
}

/// The moment of the last change of the content, in nanoseconds since 1970.
pub(crate) fn modified_ns(stat: &Stat) -> i128 {
    i128::from(stat.st_mtime) * 1_000_000_000 + i128::from(stat.st_mtime_nsec)
}
