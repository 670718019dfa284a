//! Reads what a tree holds at one path, with the digest of a file's bytes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use portcullis::ContentDigest;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::tree::{Tree, file_type, permissions, shown, split};
use super::{Before, WorkspaceError};

impl Before {
    /// What is at the path of a tree.
    pub(crate) fn at(tree: &Tree, path: &[u8]) -> Result<Self, WorkspaceError> {
        let (dir, name) = split(path);
        match tree.open_dir(dir) {
            Ok(dir) => Self::of(&dir, name).map_err(WorkspaceError::io("read", shown(path))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(Self::Absent),
            Err(errno) => Err(super::tree::resolution(path, errno)),
        }
    }

    /// What is at a name of an open directory. A file that cannot be read, or is no file any more, is [`Before::Other`].
    pub(crate) fn of(dir: impl AsFd, name: &[u8]) -> std::io::Result<Self> {
        let stat = match rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Self::Absent),
            Err(errno) => return Err(errno.into()),
        };
        let mode = permissions(&stat);
        Ok(match file_type(&stat) {
            FileType::Directory => Self::Directory { mode },
            FileType::Symlink => Self::Symlink {
                target: link_target(&dir, name)?,
            },
            FileType::RegularFile => match digest_at(&dir, name)? {
                Some(digest) => Self::File { digest, mode },
                None => Self::Other,
            },
            _ => Self::Other,
        })
    }
}

/// What a link says.
pub(crate) fn link_target(dir: impl AsFd, name: &[u8]) -> std::io::Result<PathBuf> {
    let target = rustix::fs::readlinkat(dir, name, Vec::new())?;
    Ok(PathBuf::from(OsStr::from_bytes(target.to_bytes())))
}

/// The digest of the file at a name, or `None` when it cannot be read.
fn digest_at(dir: impl AsFd, name: &[u8]) -> std::io::Result<Option<ContentDigest>> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let fd: OwnedFd = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::NXIO | Errno::NOENT) => {
            return Ok(None);
        }
        Err(errno) => return Err(errno.into()),
    };
    if file_type(&rustix::fs::fstat(&fd)?) != FileType::RegularFile {
        return Ok(None);
    }
    digest_of(&mut File::from(fd)).map(|(digest, _)| Some(digest))
}

/// The digest of all that is left to read, and its length.
pub(crate) fn digest_of(reader: &mut impl Read) -> std::io::Result<(ContentDigest, u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    let mut total = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..read]);
        total += read as u64;
    }
    Ok((ContentDigest::from_bytes(hasher.finalize().into()), total))
}
