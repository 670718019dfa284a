//! Reads and lists what the workspace shows: staged changes over the real tree.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis::Envelope;
use portcullis::path::RelPath;
use rustix::fs::{Dir, FileType, Stat};

use super::base::{Seen, Shown, shown_in};
use super::blocked::Blocked;
use super::change::{Source, path_bytes};
use super::landing::is_reserved;
use super::tree::{file_type, joined, permissions, resolution, type_name};
use super::{
    ChangeKind, Entry, EntryPath, EntryType, HeldContent, Metadata, OpenedFile, StagedChange,
    WorkspaceError,
};

impl Seen<'_> {
    pub(super) fn open_read(&self, path: &RelPath) -> Result<OpenedFile, WorkspaceError> {
        let path = EntryPath::from(path);
        match self.shown(&path)? {
            Shown::Nothing => Err(not_found(&path)),
            Shown::Tree => {
                let (file, stat) = self.tree.open_file(path.as_bytes())?;
                Ok(OpenedFile {
                    file,
                    metadata: metadata_of(&stat, permissions(&stat), false),
                })
            }
            Shown::Staged(staged) => self.open_staged(&path, &staged),
        }
    }

    fn open_staged(
        &self,
        path: &EntryPath,
        staged: &StagedChange,
    ) -> Result<OpenedFile, WorkspaceError> {
        let wrong = |found| WorkspaceError::WrongType {
            path: path.to_string(),
            found,
            wanted: "a file",
        };
        match &staged.change.kind {
            ChangeKind::Write { content, mode } => {
                let file = staged_file(content)?;
                let stat = rustix::fs::fstat(&file).map_err(WorkspaceError::io("stat", path))?;
                Ok(OpenedFile {
                    file,
                    metadata: metadata_of(&stat, *mode, true),
                })
            }
            ChangeKind::Mode { mode } => {
                let (file, stat) = self.tree.open_file(path.as_bytes())?;
                Ok(OpenedFile {
                    file,
                    metadata: metadata_of(&stat, *mode, true),
                })
            }
            ChangeKind::Directory { .. } => Err(wrong(type_name(FileType::Directory))),
            ChangeKind::Symlink { .. } => Err(wrong(type_name(FileType::Symlink))),
            ChangeKind::Delete => Err(not_found(path)),
        }
    }

    pub(super) fn metadata(&self, path: &RelPath) -> Result<Metadata, WorkspaceError> {
        let path = EntryPath::from(path);
        let staged = match self.shown(&path)? {
            Shown::Nothing => return Err(not_found(&path)),
            Shown::Staged(staged) => Some(staged),
            Shown::Tree => None,
        };
        let Some(staged) = staged else {
            let stat = self
                .tree
                .stat(path.as_bytes())?
                .ok_or_else(|| self.tree.absence(path.as_bytes()))?;
            return Ok(metadata_of(&stat, permissions(&stat), false));
        };
        let modified = UNIX_EPOCH + Duration::from_millis(staged.wall_unix_ms);
        let (kind, len_bytes, mode) = match &staged.change.kind {
            ChangeKind::Write { content, mode } => (EntryType::File, content.len_bytes(), *mode),
            ChangeKind::Directory { mode } => (EntryType::Directory, 0, *mode),
            ChangeKind::Symlink { target } => {
                (EntryType::Symlink, path_bytes(target).len() as u64, 0o777)
            }
            ChangeKind::Mode { mode } => {
                let stat = self
                    .tree
                    .stat(path.as_bytes())?
                    .ok_or_else(|| self.tree.absence(path.as_bytes()))?;
                return Ok(metadata_of(&stat, *mode, true));
            }
            ChangeKind::Delete => return Err(not_found(&path)),
        };
        Ok(Metadata {
            kind,
            len_bytes,
            mode,
            modified,
            is_staged: true,
        })
    }

    pub(super) fn list(
        &self,
        path: &RelPath,
        envelope: &Envelope,
    ) -> Result<Vec<Entry>, WorkspaceError> {
        let blocked = Blocked::of(envelope);
        if !path.is_root() && blocked.holds_rel(path) {
            return Err(not_found(&EntryPath::from(path)));
        }
        let entries = self.list_all(&EntryPath::from(path))?;
        Ok(entries
            .into_iter()
            .filter(|entry| !blocked.holds(entry.path.as_bytes()))
            .collect())
    }

    /// Everything the directory shows, blocked names included.
    pub(super) fn list_all(&self, path: &EntryPath) -> Result<Vec<Entry>, WorkspaceError> {
        let locked = self.state.lock()?;
        let staged = self.staged(&locked)?;
        let staged = staged.of(self.viewer);
        let is_staged = match shown_in(staged, path) {
            Shown::Nothing => return Err(not_found(path)),
            Shown::Staged(change) if !change.is_directory() => {
                return Err(not_a_directory(path, &change));
            }
            Shown::Staged(_) => true,
            // A staged file shows the directories it lies in.
            Shown::Tree => staged.keys().any(|key| below(path, key).is_some()),
        };
        let mut found = match self.tree_entries(path) {
            Err(WorkspaceError::NotFound(_)) if is_staged => BTreeMap::new(),
            other => other?,
        };
        for (key, change) in staged {
            let Some((name, rest)) = below(path, key).map(split_first) else {
                continue;
            };
            let at = joined(path.as_bytes(), name);
            match (rest.is_empty(), staged_type(change)) {
                (true, Some(kind)) => {
                    found.insert(at, kind);
                }
                (true, None) if matches!(change.change.kind, ChangeKind::Delete) => {
                    found.remove(&at);
                }
                // What is shown below needs the directory, unless something else is staged there.
                (false, Some(_)) => {
                    let above = staged.get(&EntryPath::from_bytes(&at));
                    if above.is_none_or(StagedChange::is_directory) {
                        found.entry(at).or_insert(EntryType::Directory);
                    }
                }
                (_, None) => {}
            }
        }
        Ok(found
            .into_iter()
            .map(|(at, kind)| Entry {
                path: EntryPath::from_bytes(&at),
                kind,
            })
            .collect())
    }

    pub(super) fn tree_entries(
        &self,
        path: &EntryPath,
    ) -> Result<BTreeMap<Vec<u8>, EntryType>, WorkspaceError> {
        let bytes = path.as_bytes();
        let found = self
            .tree
            .stat(bytes)?
            .ok_or_else(|| self.tree.absence(path.as_bytes()))?;
        if file_type(&found) != FileType::Directory {
            return Err(WorkspaceError::WrongType {
                path: path.to_string(),
                found: type_name(file_type(&found)),
                wanted: "a directory",
            });
        }
        let dir = self
            .tree
            .open_dir(bytes)
            .map_err(|errno| resolution(bytes, errno))?;
        let mut entries = BTreeMap::new();
        for entry in Dir::read_from(&dir).map_err(WorkspaceError::io("list", path))? {
            let entry = entry.map_err(WorkspaceError::io("list", path))?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." || is_reserved(name) {
                continue;
            }
            let at = joined(bytes, name);
            let kind = match entry.file_type() {
                FileType::Unknown => self
                    .tree
                    .stat(&at)?
                    .map_or(FileType::Unknown, |stat| file_type(&stat)),
                known => known,
            };
            entries.insert(at, entry_type(kind));
        }
        Ok(entries)
    }
}

fn not_found(path: &EntryPath) -> WorkspaceError {
    WorkspaceError::NotFound(path.to_string())
}

fn not_a_directory(path: &EntryPath, staged: &StagedChange) -> WorkspaceError {
    match staged.change.kind {
        ChangeKind::Delete => not_found(path),
        _ => WorkspaceError::WrongType {
            path: path.to_string(),
            found: "staged as something else",
            wanted: "a directory",
        },
    }
}

/// The rest of a path below a directory.
pub(super) fn below<'a>(dir: &EntryPath, path: &'a EntryPath) -> Option<&'a [u8]> {
    if dir.as_bytes().is_empty() {
        return Some(path.as_bytes());
    }
    path.as_bytes()
        .strip_prefix(dir.as_bytes())?
        .strip_prefix(b"/")
}

fn split_first(rest: &[u8]) -> (&[u8], &[u8]) {
    match rest.iter().position(|byte| *byte == b'/') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, b""),
    }
}

/// What a staged change shows, if it changes what is there.
fn staged_type(staged: &StagedChange) -> Option<EntryType> {
    match staged.change.kind {
        ChangeKind::Write { .. } => Some(EntryType::File),
        ChangeKind::Directory { .. } => Some(EntryType::Directory),
        ChangeKind::Symlink { .. } => Some(EntryType::Symlink),
        ChangeKind::Mode { .. } | ChangeKind::Delete => None,
    }
}

fn staged_file(content: &HeldContent) -> Result<File, WorkspaceError> {
    match content.source() {
        Source::File(path) => File::open(path).map_err(WorkspaceError::io("open", path.display())),
        _ => Err(WorkspaceError::Unsupported(
            "staged content that is not in the state directory",
        )),
    }
}

pub(super) fn entry_type(kind: FileType) -> EntryType {
    match kind {
        FileType::RegularFile => EntryType::File,
        FileType::Directory => EntryType::Directory,
        FileType::Symlink => EntryType::Symlink,
        _ => EntryType::Other,
    }
}

fn metadata_of(stat: &Stat, mode: u32, is_staged: bool) -> Metadata {
    let kind = entry_type(file_type(stat));
    let len_bytes = match kind {
        EntryType::Directory => 0,
        _ => u64::try_from(stat.st_size).unwrap_or(0),
    };
    Metadata {
        kind,
        len_bytes,
        mode,
        modified: time_of(stat),
        is_staged,
    }
}

/// The time of the last change of the content; the epoch for one before it.
fn time_of(stat: &Stat) -> SystemTime {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    UNIX_EPOCH + Duration::new(seconds, nanos)
}
