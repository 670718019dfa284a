//! The changed set of a dead jail's upper layer: what the command did to the workspace, computed from descriptors only.
//!
//! The upper layer is untrusted content: links are never followed, nothing but regular files is opened, and only after its type is known.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;
use crate::sys::fs::DirStream;

/// What is at a path after the command. Content is read by the caller beneath the upper directory, without following links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A regular file; `mode` has no bits of 07000.
    File {
        /// Length.
        bytes: u64,
        /// Permission bits.
        mode: u32,
    },
    /// A directory; `mode` has no bits of 07000.
    Dir {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What it says.
        target: PathBuf,
    },
}

/// One difference from the merged lower layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing was there (or it was deleted first: a `Delete` of the same path comes before).
    Create(Node),
    /// Same type, other content (file) or target (link); its mode may differ too.
    Modify(Node),
    /// Same content, other permission bits. A file that has other names outside the jail lands as a file of its own, so that they keep theirs.
    Mode(Node),
    /// Gone. A deleted directory comes after all it held that was visible.
    Delete,
}

/// A path relative to the workspace and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Relative, no `.` or `..`, any bytes.
    pub path: PathBuf,
    /// What happened.
    pub change: Change,
}

/// A thing that can never land. What it replaced is among the deletions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Relative path.
    pub path: PathBuf,
    /// Such as "FIFO", "socket", "device".
    pub kind: &'static str,
}

/// Deletions first (deepest first), then everything else with parents before what they hold, then modes of directories (deepest first).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangedSet {
    /// In landing order.
    pub changes: Vec<Changed>,
    /// Not landed, to be named.
    pub refused: Vec<Refused>,
}

/// Upper bounds of the enumeration; more is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries visited in all layers.
    pub entries: u64,
    /// Directory depth. Each level holds a descriptor for each layer.
    pub depth: u32,
}

impl Default for Bounds {
    /// Two million entries, depth 128.
    fn default() -> Self {
        Self {
            entries: 2_000_000,
            depth: 128,
        }
    }
}

/// Compares `upper` with the merged `lowers` (top first: mask, staged, workspace). Only for a jail that is dead.
///
/// Whiteouts are character devices 0:0, opaque directories carry `user.overlay.opaque=y`. An entry of the upper layer that its
/// owner could not read is made readable there; the mode to land is the one in [`Node`].
pub fn changed_set(
    upper: BorrowedFd<'_>,
    lowers: &[BorrowedFd<'_>],
    bounds: Bounds,
) -> Result<ChangedSet, Error> {
    let mut walk = Walk {
        bounds,
        left: bounds.entries,
        deleted: Vec::new(),
        made: Vec::new(),
        modes: Vec::new(),
        refused: Vec::new(),
    };
    let reopen = |dir: &BorrowedFd<'_>| {
        rustix::fs::openat(dir, c".", DIRECTORY, Mode::empty())
            .map_err(Error::errno("opening a layer"))
    };
    let lowers = lowers.iter().map(reopen).collect::<Result<Vec<_>, _>>()?;
    let level = Level {
        upper: reopen(&upper)?,
        lowers,
        is_opaque: false,
    };
    walk.level(&level, Path::new(""), 0)?;
    walk.deleted.reverse();
    walk.modes.reverse();
    let mut changes = walk.deleted;
    changes.extend(walk.made);
    changes.extend(walk.modes);
    Ok(ChangedSet {
        changes,
        refused: walk.refused,
    })
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const CHUNK: usize = 64 * 1024;

/// One directory in the upper layer and in those lower layers that show through at its place.
struct Level {
    upper: OwnedFd,
    lowers: Vec<OwnedFd>,
    /// Nothing of the lower layers shows through: what is not in the upper layer is deleted.
    is_opaque: bool,
}

/// What the merged lower layers hold under a name.
enum Below {
    Nothing,
    Leaf { layer: usize, stat: Stat },
    Dir { dirs: Vec<OwnedFd>, stat: Stat },
}

struct Walk {
    bounds: Bounds,
    left: u64,
    deleted: Vec<Changed>,
    made: Vec<Changed>,
    modes: Vec<Changed>,
    refused: Vec<Refused>,
}

impl Walk {
    fn level(&mut self, level: &Level, path: &Path, depth: u32) -> Result<(), Error> {
        if depth > self.bounds.depth {
            return Err(Error::TooLarge {
                what: "directory depth",
                limit: self.bounds.depth.into(),
            });
        }
        let names = self.names(level.upper.as_fd())?;
        for name in &names {
            self.entry(
                level,
                name,
                &path.join(OsStr::from_bytes(name.to_bytes())),
                depth,
            )?;
        }
        if level.is_opaque {
            for name in self.visible(&level.lowers)?.difference(&names) {
                self.delete(
                    &level.lowers,
                    name,
                    &path.join(OsStr::from_bytes(name.to_bytes())),
                )?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, level: &Level, name: &CStr, path: &Path, depth: u32) -> Result<(), Error> {
        let stat = stat_of(level.upper.as_fd(), name)?;
        let below = below(&level.lowers, name)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        match kind {
            _ if is_whiteout(&stat) => self.delete_below(below, path),
            FileType::Directory => self.directory(level, name, &stat, below, path, depth),
            FileType::RegularFile => self.file(level, name, &stat, below, path),
            FileType::Symlink => self.link(level, name, below, path),
            other => {
                let kind = match other {
                    FileType::Fifo => "FIFO",
                    FileType::Socket => "socket",
                    _ => "device",
                };
                self.delete_below(below, path)?;
                self.refused.push(Refused {
                    path: path.to_owned(),
                    kind,
                });
                Ok(())
            }
        }
    }

    fn directory(
        &mut self,
        level: &Level,
        name: &CStr,
        stat: &Stat,
        below: Below,
        path: &Path,
        depth: u32,
    ) -> Result<(), Error> {
        let node = Node::Dir {
            mode: permissions(stat),
        };
        let (lowers, is_new) = match below {
            Below::Dir { dirs, stat: lower } => {
                if permissions(&lower) != permissions(stat) {
                    self.modes.push(Changed {
                        path: path.to_owned(),
                        change: Change::Mode(node),
                    });
                }
                (dirs, false)
            }
            other => {
                self.delete_below(other, path)?;
                self.made.push(Changed {
                    path: path.to_owned(),
                    change: Change::Create(node),
                });
                (Vec::new(), true)
            }
        };
        let upper = open_upper(level.upper.as_fd(), name, stat, DIRECTORY, 0o500)?;
        let is_opaque = !is_new && (level.is_opaque || is_opaque(upper.as_fd()));
        self.level(
            &Level {
                upper,
                lowers,
                is_opaque,
            },
            path,
            depth + 1,
        )
    }

    fn file(
        &mut self,
        level: &Level,
        name: &CStr,
        stat: &Stat,
        below: Below,
        path: &Path,
    ) -> Result<(), Error> {
        let node = Node::File {
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            mode: permissions(stat),
        };
        let change = match &below {
            Below::Leaf { layer, stat: lower }
                if FileType::from_raw_mode(lower.st_mode) == FileType::RegularFile =>
            {
                if !same_content(level, *layer, name, stat, lower)? {
                    Change::Modify(node)
                } else if permissions(stat) != permissions(lower) {
                    Change::Mode(node)
                } else {
                    return Ok(()); // touched or copied up only
                }
            }
            _ => {
                self.delete_below(below, path)?;
                Change::Create(node)
            }
        };
        self.made.push(Changed {
            path: path.to_owned(),
            change,
        });
        Ok(())
    }

    fn link(&mut self, level: &Level, name: &CStr, below: Below, path: &Path) -> Result<(), Error> {
        let target = target_of(level.upper.as_fd(), name)?;
        let node = Node::Symlink {
            target: target.clone(),
        };
        let change = match &below {
            Below::Leaf { layer, stat }
                if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink =>
            {
                let Some(lower) = level.lowers.get(*layer) else {
                    return Ok(());
                };
                if target_of(lower.as_fd(), name)? == target {
                    return Ok(());
                }
                Change::Modify(node)
            }
            _ => {
                self.delete_below(below, path)?;
                Change::Create(node)
            }
        };
        self.made.push(Changed {
            path: path.to_owned(),
            change,
        });
        Ok(())
    }

    fn delete(&mut self, lowers: &[OwnedFd], name: &CStr, path: &Path) -> Result<(), Error> {
        self.delete_below(below(lowers, name)?, path)
    }

    /// Records the deletion of what is below and, for a directory, of all it shows. Recorded parents first; the caller reverses.
    fn delete_below(&mut self, below: Below, path: &Path) -> Result<(), Error> {
        if matches!(below, Below::Nothing) {
            return Ok(());
        }
        self.deleted.push(Changed {
            path: path.to_owned(),
            change: Change::Delete,
        });
        let Below::Dir { dirs, .. } = below else {
            return Ok(());
        };
        if path.components().count() > self.bounds.depth as usize {
            return Err(Error::TooLarge {
                what: "directory depth",
                limit: self.bounds.depth.into(),
            });
        }
        for name in self.visible(&dirs)? {
            self.delete(&dirs, &name, &path.join(OsStr::from_bytes(name.to_bytes())))?;
        }
        Ok(())
    }

    /// The names in one directory, counted against the bound.
    fn names(&mut self, dir: BorrowedFd<'_>) -> Result<BTreeSet<CString>, Error> {
        let mut names = BTreeSet::new();
        let mut stream = DirStream::open(dir).map_err(Error::host("reading a layer"))?;
        while let Some((name, _)) = stream.next().map_err(Error::host("reading a layer"))? {
            self.left = self.left.checked_sub(1).ok_or(Error::TooLarge {
                what: "entries",
                limit: self.bounds.entries,
            })?;
            names.insert(name.to_owned());
        }
        Ok(names)
    }

    /// The names that the merged lower layers show.
    fn visible(&mut self, lowers: &[OwnedFd]) -> Result<BTreeSet<CString>, Error> {
        let mut all = BTreeSet::new();
        for lower in lowers {
            all.extend(self.names(lower.as_fd())?);
        }
        let mut shown = BTreeSet::new();
        for name in all {
            if !matches!(below(lowers, &name)?, Below::Nothing) {
                shown.insert(name);
            }
        }
        Ok(shown)
    }
}

/// Looks a name up as the overlay does: the first layer that has it decides; directories merge until something else or an opaque one.
fn below(lowers: &[OwnedFd], name: &CStr) -> Result<Below, Error> {
    let mut dirs: Vec<OwnedFd> = Vec::new();
    let mut top: Option<Stat> = None;
    for (layer, lower) in lowers.iter().enumerate() {
        let stat = match rustix::fs::statat(lower, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(error) => return Err(Error::errno("looking into a layer")(error)),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            if top.is_none() {
                return Ok(if is_whiteout(&stat) {
                    Below::Nothing
                } else {
                    Below::Leaf { layer, stat }
                });
            }
            break;
        }
        let dir = rustix::fs::openat(lower, name, DIRECTORY, Mode::empty())
            .map_err(Error::errno("opening a layer"))?;
        let ends_here = is_opaque(dir.as_fd());
        top.get_or_insert(stat);
        dirs.push(dir);
        if ends_here {
            break;
        }
    }
    Ok(top.map_or(Below::Nothing, |stat| Below::Dir { dirs, stat }))
}

fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

fn is_opaque(dir: BorrowedFd<'_>) -> bool {
    let mut value = [0u8; 4];
    rustix::fs::fgetxattr(dir, c"user.overlay.opaque", &mut value)
        .is_ok_and(|len| value.get(..len) == Some(b"y"))
}

fn permissions(stat: &Stat) -> u32 {
    stat.st_mode & 0o777
}

fn stat_of(dir: BorrowedFd<'_>, name: &CStr) -> Result<Stat, Error> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(Error::errno("asking for a changed entry"))
}

fn target_of(dir: BorrowedFd<'_>, name: &CStr) -> Result<PathBuf, Error> {
    let target =
        rustix::fs::readlinkat(dir, name, Vec::new()).map_err(Error::errno("reading a link"))?;
    Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
}

/// Opens an entry whose type is known; one that its owner may not read gets `needed` owner bits first.
fn open_upper(
    dir: BorrowedFd<'_>,
    name: &CStr,
    stat: &Stat,
    flags: OFlags,
    needed: u32,
) -> Result<OwnedFd, Error> {
    if stat.st_mode & needed != needed {
        let mode = Mode::from_raw_mode((stat.st_mode & 0o777) | needed);
        rustix::fs::chmodat(dir, name, mode, AtFlags::empty())
            .map_err(Error::errno("making a changed entry readable"))?;
    }
    rustix::fs::openat(dir, name, flags, Mode::empty())
        .map_err(Error::errno("opening a changed entry"))
}

/// Whether both files hold the same bytes. A lower file that cannot be read counts as different.
fn same_content(
    level: &Level,
    layer: usize,
    name: &CStr,
    stat: &Stat,
    lower: &Stat,
) -> Result<bool, Error> {
    if stat.st_size != lower.st_size {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let upper = open_upper(level.upper.as_fd(), name, stat, flags, 0o400)?;
    let Some(dir) = level.lowers.get(layer) else {
        return Ok(false);
    };
    let Ok(lower) = rustix::fs::openat(dir, name, flags, Mode::empty()) else {
        return Ok(false);
    };
    let (mut a, mut b) = (vec![0u8; CHUNK], vec![0u8; CHUNK]);
    let mut offset = 0u64;
    loop {
        let left = read_at(&upper, &mut a, offset)?;
        let right = read_at(&lower, &mut b, offset)?;
        if a.get(..left) != b.get(..right) {
            return Ok(false);
        }
        if left == 0 {
            return Ok(true);
        }
        offset += left as u64;
    }
}

/// Fills the buffer as far as the file goes.
fn read_at(file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<usize, Error> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pread(file, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(Errno::INTR) => {}
            Err(error) => return Err(Error::errno("comparing a changed file")(error)),
        }
    }
    Ok(filled)
}
