//! Finds the repository a workspace belongs to and keeps its list of tracked names current.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git_index::{GitIndex, MAX_INDEX_BYTES};
use crate::workspace::tree::joined;

/// Longest `.git` file read.
const MAX_POINTER_BYTES: u64 = 4096 + 16;
/// How far above the workspace its repository may start.
const MAX_LEVELS: usize = 64;

/// The index of the user's repository and where the workspace lies in it.
#[derive(Debug)]
pub(crate) struct Repository {
    index_file: PathBuf,
    prefix: Vec<u8>,
    stamp: Option<Stamp>,
    index: Arc<GitIndex>,
    generation: u64,
}

/// Tells one state of the index file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

impl Repository {
    /// The repository of this directory or of one above; `None` when there is none.
    pub(crate) fn find(root: &Path) -> Option<Self> {
        let (top, git_dir) = root
            .ancestors()
            .take(MAX_LEVELS)
            .find_map(|dir| git_dir(dir).map(|git| (dir, git)))?;
        let prefix = root.strip_prefix(top).ok()?;
        Some(Self {
            index_file: git_dir.join("index"),
            prefix: crate::workspace::change::path_bytes(prefix).to_vec(),
            stamp: None,
            index: Arc::default(),
            generation: 0,
        })
    }

    /// Reads the index again if it changed. FAIL-CLOSED: one that cannot be read tracks nothing.
    pub(crate) fn refresh(&mut self) {
        let stamp = stamp(&self.index_file);
        if self.stamp.is_some() && stamp == self.stamp {
            return;
        }
        self.index = Arc::new(read(&self.index_file).unwrap_or_default());
        self.stamp = stamp;
        self.generation += 1;
    }

    /// Raised whenever what is tracked may have changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the path of the workspace is tracked, and not by a submodule.
    pub(crate) fn tracks(&self, path: &[u8]) -> bool {
        let full = joined(&self.prefix, path);
        self.index.tracks(&full) && !self.index.is_in_submodule(&full)
    }

    /// Whether anything at or below the directory that the repository was looked for from is tracked.
    pub(crate) fn tracks_any(&self) -> bool {
        self.index
            .names()
            .any(|name| strip(&self.prefix, name).is_some())
    }

    /// The tracked names of the workspace for which this holds.
    pub(crate) fn names_that(&self, is_meant: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
        let own = self.index.names();
        own.filter_map(|name| strip(&self.prefix, name))
            .filter(|name| is_meant(name))
            .map(<[u8]>::to_vec)
            .collect()
    }

    /// Where its index is.
    pub(crate) fn index_path(&self) -> &Path {
        &self.index_file
    }

    /// Names of the workspace that `bytes`, as an index, would track and this one does not.
    pub(crate) fn newly_tracked(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Ok(next) = GitIndex::parse(bytes) else {
            return Vec::new();
        };
        next.names()
            .filter(|name| !self.index.tracks(name))
            .filter_map(|name| strip(&self.prefix, name).map(<[u8]>::to_vec))
            .collect()
    }
}

fn strip<'a>(prefix: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    if prefix.is_empty() {
        return Some(name);
    }
    name.strip_prefix(prefix)?.strip_prefix(b"/")
}

/// The git directory of a directory: `.git` itself, or what the file of that name points to.
fn git_dir(dir: &Path) -> Option<PathBuf> {
    let git = dir.join(".git");
    let found = std::fs::symlink_metadata(&git).ok()?;
    if found.is_dir() {
        return Some(git);
    }
    if !found.is_file() || found.len() > MAX_POINTER_BYTES {
        return None;
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let target = text
        .strip_prefix("gitdir: ")?
        .trim_end_matches(['\n', '\r']);
    Some(dir.join(target))
}

fn stamp(path: &Path) -> Option<Stamp> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::symlink_metadata(path).ok()?;
    Some(Stamp {
        inode: found.ino(),
        changed: (found.ctime(), found.ctime_nsec()),
        bytes: found.len(),
    })
}

fn read(path: &Path) -> Option<GitIndex> {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).ok()?)
        .open(path)
        .ok()?;
    let found = file.metadata().ok()?;
    if !found.is_file() || found.len() > MAX_INDEX_BYTES {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(MAX_INDEX_BYTES).read_to_end(&mut bytes).ok()?;
    GitIndex::parse(&bytes).ok()
}
