//! Knows where blocked and foreign names are, and reads again only the directories that changed.
//!
//! A directory is read again when its inode or one of its times is another, or when it had changed so shortly before it was read
//! that a further change could carry the same time.

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, RawDir, Stat};
use rustix::io::Errno;

use super::WorkspaceError;
use super::blocked::Blocked;
use super::labels::{Repository, is_dependency};
use super::landing::is_reserved;
use super::tree::{Tree, changed_ns, file_type, joined, modified_ns, shown};
use super::watch::Watch;

/// Times of inodes move in ticks of at most 10 ms; this is more than any.
pub(crate) const RACY_NS: i128 = 50_000_000;
/// Most names in a workspace.
const MAX_ENTRIES: u64 = 5_000_000;
/// Deepest directory.
const MAX_DEPTH: usize = 128;

/// The index of one workspace under one set of blocked patterns.
#[derive(Debug)]
pub(crate) struct Index {
    blocked: Arc<Blocked>,
    tracked_generation: Option<u64>,
    dirs: HashMap<Vec<u8>, Directory>,
    unreadable: BTreeSet<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Directory {
    stamp: Stamp,
    is_unreadable: bool,
    is_racy: bool,
    names: u64,
    subdirs: Vec<Box<[u8]>>,
    blocked: Vec<Box<[u8]>>,
    foreign: Vec<Box<[u8]>>,
    left_over: Vec<Box<[u8]>>,
}

/// Tells one state of a directory from another.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    changed_ns: i128,
    modified_ns: i128,
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            changed_ns: changed_ns(stat),
            modified_ns: modified_ns(stat),
        }
    }
}

/// What a walk is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// The workspace.
    pub(crate) tree: &'a Tree,
    /// What its repository tracks.
    pub(crate) repository: Option<&'a Repository>,
    /// Armed for a directory before it is read.
    pub(crate) watch: Option<&'a Watch>,
}

impl Index {
    /// An index that has read nothing yet.
    pub(crate) fn new(blocked: Arc<Blocked>) -> Self {
        Self {
            blocked,
            tracked_generation: None,
            dirs: HashMap::new(),
            unreadable: BTreeSet::new(),
        }
    }

    /// The patterns it looks for.
    pub(crate) fn blocked(&self) -> &Arc<Blocked> {
        &self.blocked
    }

    /// Reads what changed since the last time.
    pub(crate) fn refresh(&mut self, around: Around<'_>) -> Result<(), WorkspaceError> {
        let generation = around.repository.map(Repository::generation);
        if generation != self.tracked_generation {
            self.dirs.clear();
            self.tracked_generation = generation;
        }
        let mut old = std::mem::take(&mut self.dirs);
        let mut names = 0;
        let mut waiting: Vec<Vec<u8>> = vec![Vec::new()];
        let mut unreadable = BTreeSet::new();
        let mut buffer = vec![MaybeUninit::uninit(); 64 << 10];
        while let Some(path) = waiting.pop() {
            let Some(directory) = self.directory(around, &path, old.remove(&path), &mut buffer)?
            else {
                continue;
            };
            if directory.is_unreadable {
                unreadable.insert(path);
                continue;
            }
            names += directory.names;
            if names > MAX_ENTRIES {
                return Err(too_large("the workspace", format!("{MAX_ENTRIES} entries")));
            }
            if path.split(|byte| *byte == b'/').count() > MAX_DEPTH {
                // FAIL-CLOSED: what is deeper is not known, so nothing may run over it.
                return Err(too_large(&shown(&path), format!("{MAX_DEPTH} directories")));
            }
            waiting.extend(directory.subdirs.iter().map(|name| joined(&path, name)));
            self.dirs.insert(path, directory);
        }
        self.unreadable = unreadable;
        Ok(())
    }

    /// A directory as it is now; `None` when it is gone.
    fn directory(
        &self,
        around: Around<'_>,
        path: &[u8],
        known: Option<Directory>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<Option<Directory>, WorkspaceError> {
        if let Some(known) = known {
            let at = if path.is_empty() { b"." } else { path };
            let now = rustix::fs::statat(around.tree, at, AtFlags::SYMLINK_NOFOLLOW)
                .map(|stat| Stamp::of(&stat));
            if now == Ok(known.stamp) && !known.is_racy {
                return Ok(Some(known));
            }
        }
        match around.tree.open_dir(path) {
            Ok(dir) => self.read(around, path, &dir, buffer).map(Some),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) if !path.is_empty() => Ok(None),
            // FAIL-CLOSED: what cannot be listed here could be made readable inside, so the whole directory is hidden.
            Err(Errno::ACCESS | Errno::PERM) if !path.is_empty() => Ok(Some(Directory {
                is_unreadable: true,
                ..Directory::default()
            })),
            Err(errno) => Err(WorkspaceError::io("list", shown(path))(errno)),
        }
    }

    fn read(
        &self,
        around: Around<'_>,
        path: &[u8],
        dir: &OwnedFd,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<Directory, WorkspaceError> {
        let io = |errno: Errno| WorkspaceError::io("list", shown(path))(errno);
        if let Some(watch) = around.watch {
            watch.add(dir.as_fd(), path);
        }
        let stamp = Stamp::of(&rustix::fs::fstat(dir).map_err(io)?);
        let mut found = Directory {
            stamp,
            is_racy: stamp.changed_ns + RACY_NS > super::clock::coarse_ns(),
            ..Directory::default()
        };
        let is_git = path.split(|byte| *byte == b'/').any(|name| name == b".git");
        let mut entries = RawDir::new(dir, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            found.names += 1;
            let kind = known_kind(dir, name, entry.file_type());
            self.sort(around, &joined(path, name), name, kind, is_git, &mut found);
        }
        Ok(found)
    }

    /// Puts a name where it belongs.
    fn sort(
        &self,
        around: Around<'_>,
        path: &[u8],
        name: &[u8],
        kind: FileType,
        is_git: bool,
        found: &mut Directory,
    ) {
        if self.blocked.holds(path) {
            found.blocked.push(name.into());
            return;
        }
        if kind == FileType::Directory {
            found.subdirs.push(name.into());
            return;
        }
        if is_reserved(name) {
            found.left_over.push(name.into());
        }
        let is_tracked = |repository: &Repository| repository.tracks(path);
        if !is_git
            && (is_dependency(path) || around.repository.is_some_and(|known| !is_tracked(known)))
        {
            found.foreign.push(name.into());
        }
    }

    /// Blocked paths that exist, and directories that cannot be read.
    pub(crate) fn hidden(&self) -> BTreeSet<Vec<u8>> {
        let blocked = self.collect(|directory| &directory.blocked);
        blocked.chain(self.unreadable.iter().cloned()).collect()
    }

    /// Files that the repository does not track, or that are in a dependency tree.
    pub(crate) fn foreign(&self) -> impl Iterator<Item = Vec<u8>> {
        self.collect(|directory| &directory.foreign)
    }

    /// Temporary names of ours that a crash left.
    pub(crate) fn left_over(&self) -> Vec<Vec<u8>> {
        self.collect(|directory| &directory.left_over).collect()
    }

    fn collect(&self, of: impl Fn(&Directory) -> &Vec<Box<[u8]>>) -> impl Iterator<Item = Vec<u8>> {
        self.dirs.iter().flat_map(move |(path, directory)| {
            let names: Vec<Vec<u8>> = of(directory)
                .iter()
                .map(|name| joined(path, name))
                .collect();
            names
        })
    }
}

fn too_large(what: &str, bound: String) -> WorkspaceError {
    WorkspaceError::TooLarge {
        what: what.to_owned(),
        bound,
    }
}

/// The type of an entry where the file system did not say.
fn known_kind(dir: &OwnedFd, name: &[u8], kind: FileType) -> FileType {
    match kind {
        FileType::Unknown => rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, |stat| file_type(&stat)),
        known => known,
    }
}
