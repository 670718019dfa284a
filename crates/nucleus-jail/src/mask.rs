//! Mask layers: whiteouts that hide names of the workspace from one overlay.
//!
//! A mask holds for the names there are when it is built. **A blocked name that appears, or a parent that is renamed on the host
//! afterwards, is not hidden**: a live overlay cannot be patched, so the caller watches and stops what runs.

use std::ffi::{CStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::error::Error;
use crate::sys::fs::{DirStream, EntryType, c_string};

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
///
/// A directory that cannot be read here is left out: the jail has no more rights. Any other failure is an error: a mask is whole or not used.
pub fn build_mask(
    workspace: BorrowedFd<'_>,
    into: BorrowedFd<'_>,
    mut is_blocked: impl FnMut(&[u8], EntryKind) -> bool,
) -> Result<Mask, Error> {
    let mut build = || -> io::Result<Mask> {
        let mut builder = Builder::open(workspace, into)?;
        builder.walk(&mut is_blocked)?;
        builder.finish()
    };
    build().map_err(Error::host("building the mask layer"))
}

/// Writes a whiteout for each relative path, without a walk; the parents that exist in the workspace are copied with mode,
/// owner and time. A path whose parent does not exist is left out; a name that does not exist is hidden should it appear.
pub fn build_mask_of(
    workspace: BorrowedFd<'_>,
    into: BorrowedFd<'_>,
    paths: impl IntoIterator<Item = PathBuf>,
) -> Result<Mask, Error> {
    let mut paths: Vec<PathBuf> = paths.into_iter().collect();
    paths.sort();
    let build = || -> io::Result<Mask> {
        let mut builder = Builder::open(workspace, into)?;
        for path in &paths {
            builder.hide_path(path)?;
        }
        builder.finish()
    };
    build().map_err(Error::host("building the mask layer"))
}

/// A directory on the way from the root, and its twin in the mask once something below is hidden.
struct Level {
    name: Vec<u8>,
    workspace: OwnedFd,
    mask: Option<OwnedFd>,
}

struct Builder {
    levels: Vec<Level>,
    path: Vec<u8>,
    mask: Mask,
    is_root: bool,
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Builder {
    fn open(workspace: BorrowedFd<'_>, into: BorrowedFd<'_>) -> io::Result<Self> {
        let root = Level {
            name: Vec::new(),
            workspace: rustix::fs::openat(workspace, c".", DIRECTORY, Mode::empty())?,
            mask: Some(rustix::fs::openat(into, c".", DIRECTORY, Mode::empty())?),
        };
        Ok(Self {
            levels: vec![root],
            path: Vec::new(),
            mask: Mask::default(),
            is_root: rustix::process::geteuid().is_root(),
        })
    }

    /// Visits everything below the innermost level.
    fn walk(&mut self, is_blocked: &mut impl FnMut(&[u8], EntryKind) -> bool) -> io::Result<()> {
        let Some(level) = self.levels.last() else {
            return Ok(());
        };
        let mut stream = DirStream::open(level.workspace.as_fd())?;
        let mut below = Vec::new();
        while let Some((name, kind)) = stream.next()? {
            let kind = known_kind(level.workspace.as_fd(), name, kind)?;
            self.mask.visited += 1;
            let length = self.path.len();
            push_name(&mut self.path, name.to_bytes());
            let blocked = is_blocked(&self.path, kind);
            self.path.truncate(length);
            match (blocked, kind) {
                (true, _) => below.push((name.to_owned(), true)),
                (false, EntryKind::Dir) => below.push((name.to_owned(), false)),
                (false, EntryKind::Other) => {}
            }
        }
        drop(stream);
        for (name, blocked) in below {
            if blocked {
                self.hide(&name)?;
            } else if self.enter(&name)? {
                self.walk(is_blocked)?;
                self.leave()?;
            }
        }
        Ok(())
    }

    /// Hides one path given from the root. Levels shared with the path before stay open.
    fn hide_path(&mut self, path: &std::path::Path) -> io::Result<()> {
        if self
            .mask
            .hidden
            .last()
            .is_some_and(|hidden| path.starts_with(hidden))
        {
            return Ok(());
        }
        let mut names = path.components().map(|part| match part {
            std::path::Component::Normal(name) => c_string(name.as_bytes()),
            _ => Err(io::Error::from_raw_os_error(libc::EINVAL)),
        });
        let names = names.by_ref().collect::<io::Result<Vec<_>>>()?;
        let Some((last, parents)) = names.split_last() else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        let shared = self
            .levels
            .iter()
            .skip(1)
            .zip(parents)
            .take_while(|(level, name)| level.name == name.to_bytes())
            .count();
        while self.levels.len() > shared + 1 {
            self.leave()?;
        }
        for name in parents.iter().skip(shared) {
            if !self.enter(name)? {
                return Ok(());
            }
        }
        self.hide(last)
    }

    /// Goes one directory down; false where there is none that can be read.
    fn enter(&mut self, name: &CStr) -> io::Result<bool> {
        let Some(level) = self.levels.last() else {
            return Ok(false);
        };
        let workspace = match rustix::fs::openat(&level.workspace, name, DIRECTORY, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => return Ok(false),
            other => other?,
        };
        push_name(&mut self.path, name.to_bytes());
        self.levels.push(Level {
            name: name.to_bytes().to_vec(),
            workspace,
            mask: None,
        });
        Ok(true)
    }

    /// Goes one directory up; the twin gets the directory's mode, owner and times, which are what the jail will see.
    fn leave(&mut self) -> io::Result<()> {
        let Some(level) = self.levels.pop() else {
            return Ok(());
        };
        let cut = self.path.len().saturating_sub(level.name.len() + 1);
        self.path.truncate(cut);
        match &level.mask {
            Some(mask) => copy_attributes(level.workspace.as_fd(), mask.as_fd(), self.is_root),
            None => Ok(()),
        }
    }

    fn hide(&mut self, name: &CStr) -> io::Result<()> {
        self.make_twins()?;
        let Some(Level {
            mask: Some(mask), ..
        }) = self.levels.last()
        else {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        };
        match rustix::fs::mknodat(mask, name, FileType::CharacterDevice, Mode::empty(), 0) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(()), // named twice
            Err(error) => return Err(error.into()),
        }
        let mut path = self.path.clone();
        push_name(&mut path, name.to_bytes());
        self.mask
            .hidden
            .push(PathBuf::from(OsString::from_vec(path)));
        Ok(())
    }

    /// Makes the twin of every level down to the innermost.
    fn make_twins(&mut self) -> io::Result<()> {
        let mut above: Option<OwnedFd> = None;
        for level in &mut self.levels {
            if let (Some(parent), None) = (&above, &level.mask) {
                let name = c_string(&level.name)?;
                rustix::fs::mkdirat(parent, &name, Mode::from_raw_mode(0o700))?;
                level.mask = Some(rustix::fs::openat(parent, &name, DIRECTORY, Mode::empty())?);
            }
            above = match &level.mask {
                Some(mask) => Some(mask.try_clone()?),
                None => None,
            };
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<Mask> {
        while !self.levels.is_empty() {
            self.leave()?;
        }
        Ok(self.mask)
    }
}

fn push_name(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend(name);
}

fn known_kind(dir: BorrowedFd<'_>, name: &CStr, kind: EntryType) -> io::Result<EntryKind> {
    Ok(match kind {
        EntryType::Dir => EntryKind::Dir,
        EntryType::Other => EntryKind::Other,
        EntryType::Unknown => match rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                EntryKind::Dir
            }
            Ok(_) | Err(Errno::NOENT) => EntryKind::Other,
            Err(error) => return Err(error.into()),
        },
    })
}

fn copy_attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>, is_root: bool) -> io::Result<()> {
    let stat = rustix::fs::fstat(from)?;
    if is_root {
        let (uid, gid) = (
            rustix::fs::Uid::from_raw(stat.st_uid),
            rustix::fs::Gid::from_raw(stat.st_gid),
        );
        rustix::fs::fchown(to, Some(uid), Some(gid))?;
    }
    rustix::fs::fchmod(to, Mode::from_raw_mode(stat.st_mode & 0o777))?;
    let times = Timestamps {
        last_access: Timespec {
            tv_sec: stat.st_atime as _,
            tv_nsec: stat.st_atime_nsec as _,
        },
        last_modification: Timespec {
            tv_sec: stat.st_mtime as _,
            tv_nsec: stat.st_mtime_nsec as _,
        },
    };
    rustix::fs::futimens(to, &times)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};

    fn dirs() -> (tempfile::TempDir, fs::File, fs::File) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["ws", "mask"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let open = |name: &str| fs::File::open(dir.path().join(name)).unwrap();
        let (ws, mask) = (open("ws"), open("mask"));
        (dir, ws, mask)
    }

    fn is_whiteout(path: std::path::PathBuf) -> bool {
        fs::symlink_metadata(path)
            .is_ok_and(|meta| meta.file_type().is_char_device() && meta.rdev() == 0)
    }

    #[test]
    fn blocked_names_are_whited_out_and_parents_keep_their_attributes() {
        let (dir, ws, mask) = dirs();
        let root = dir.path().join("ws");
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::create_dir_all(root.join("c/secrets")).unwrap();
        for file in ["a/b/.env", "a/keep", "c/secrets/key", ".env"] {
            fs::write(root.join(file), "x").unwrap();
        }
        fs::set_permissions(root.join("a/b"), fs::Permissions::from_mode(0o750)).unwrap();
        let made = build_mask(ws.as_fd(), mask.as_fd(), |path, _| {
            path.ends_with(b".env") || path == b"c/secrets"
        })
        .unwrap();
        let mut hidden = made.hidden.clone();
        hidden.sort();
        assert_eq!(hidden, [".env", "a/b/.env", "c/secrets"].map(PathBuf::from));
        assert_eq!(made.visited, 7);
        let twin = dir.path().join("mask");
        assert!(
            ["a/b/.env", ".env", "c/secrets"]
                .iter()
                .all(|path| is_whiteout(twin.join(path)))
        );
        let (real, copy) = (
            fs::metadata(root.join("a/b")).unwrap(),
            fs::metadata(twin.join("a/b")).unwrap(),
        );
        assert_eq!(
            (real.mode(), real.mtime_nsec()),
            (copy.mode(), copy.mtime_nsec())
        );
        assert!(!twin.join("a/keep").exists());
    }

    #[test]
    fn listed_paths_are_hidden_also_before_they_exist_but_no_parent_is_invented() {
        let (dir, ws, mask) = dirs();
        fs::create_dir(dir.path().join("ws/a")).unwrap();
        let paths = ["a/.env", "a", "b/.env", ".env"].map(PathBuf::from);
        let made = build_mask_of(ws.as_fd(), mask.as_fd(), paths).unwrap();
        assert_eq!(made.hidden, [".env", "a"].map(PathBuf::from));
        let twin = dir.path().join("mask");
        assert!(
            is_whiteout(twin.join(".env"))
                && is_whiteout(twin.join("a"))
                && !twin.join("b").exists()
        );
        assert!(build_mask_of(ws.as_fd(), mask.as_fd(), ["../x".into()]).is_err());
    }

    #[test]
    fn a_link_in_the_workspace_is_not_followed() {
        let (dir, ws, mask) = dirs();
        fs::create_dir(dir.path().join("out")).unwrap();
        std::os::unix::fs::symlink("../out", dir.path().join("ws/link")).unwrap();
        let made = build_mask_of(ws.as_fd(), mask.as_fd(), ["link/x".into()]).unwrap();
        assert!(made.hidden.is_empty());
        let walked = build_mask(ws.as_fd(), mask.as_fd(), |path, _| path.ends_with(b"x")).unwrap();
        assert_eq!((walked.visited, walked.hidden.len()), (1, 0));
    }
}
