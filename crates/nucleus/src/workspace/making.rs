//! Makes the changes that the tools of the host ask for, based on what the workspace shows.

use std::fs::File;
use std::sync::Arc;

use portcullis::path::RelPath;

use super::base::Seen;
use super::change::Source;
use super::snapshot::{digest_of, link_target};
use super::{
    Before, Change, ChangeKind, Entry, EntryPath, EntryType, HeldContent, Origin, WorkspaceError,
};
use portcullis::Exposure;

/// Files up to this size are held in memory, larger ones in the state directory.
const MEMORY_BYTES: u64 = 1 << 20;
/// Deepest directory tree removed or renamed.
const MAX_DEPTH: u32 = 128;

impl Seen<'_> {
    pub(super) fn change_to_write(
        &self,
        path: &RelPath,
        content: HeldContent,
        mode: Option<u32>,
    ) -> Result<Change, WorkspaceError> {
        let kept = match self.metadata(path) {
            Ok(found) if found.kind == EntryType::File => Some(found.mode),
            Ok(found) => return Err(wrong_type(path, found.kind, "a file")),
            Err(WorkspaceError::NotFound(_)) => None,
            Err(error) => return Err(error),
        };
        let mode = mode.or(kept).unwrap_or(0o644) & 0o777;
        self.change(path, ChangeKind::Write { content, mode })
    }

    pub(super) fn change_to_make_dir(&self, path: &RelPath) -> Result<Change, WorkspaceError> {
        self.require_nothing(path)?;
        self.change(path, ChangeKind::Directory { mode: 0o755 })
    }

    pub(super) fn changes_to_remove(&self, path: &RelPath) -> Result<Vec<Change>, WorkspaceError> {
        let mut changes = Vec::new();
        let kind = self.metadata(path)?.kind;
        self.remove_all(path, kind, 0, &mut changes)?;
        Ok(changes)
    }

    fn remove_all(
        &self,
        path: &RelPath,
        kind: EntryType,
        depth: u32,
        changes: &mut Vec<Change>,
    ) -> Result<(), WorkspaceError> {
        check_depth(path, depth)?;
        match kind {
            EntryType::Directory => {
                for entry in self.list_all(&EntryPath::from(path))? {
                    self.remove_all(&canonical(&entry)?, entry.kind, depth + 1, changes)?;
                }
            }
            EntryType::Other => return Err(wrong_type(path, kind, "a file, link or directory")),
            EntryType::File | EntryType::Symlink => {}
        }
        changes.push(self.change(path, ChangeKind::Delete)?);
        Ok(())
    }

    pub(super) fn changes_to_rename(
        &self,
        from: &RelPath,
        to: &RelPath,
    ) -> Result<Vec<Change>, WorkspaceError> {
        self.require_nothing(to)?;
        if to.starts_with(from) {
            return Err(WorkspaceError::Unsupported(
                "a directory cannot be moved into itself",
            ));
        }
        let mut changes = Vec::new();
        let kind = self.metadata(from)?.kind;
        self.copy_all(from, to, kind, 0, &mut changes)?;
        changes.extend(self.changes_to_remove(from)?);
        Ok(changes)
    }

    fn copy_all(
        &self,
        from: &RelPath,
        to: &RelPath,
        kind: EntryType,
        depth: u32,
        changes: &mut Vec<Change>,
    ) -> Result<(), WorkspaceError> {
        check_depth(from, depth)?;
        let mode = self.metadata(from)?.mode;
        let made = match kind {
            EntryType::Directory => ChangeKind::Directory { mode },
            EntryType::File => ChangeKind::Write {
                content: self.hold(from)?,
                mode,
            },
            EntryType::Symlink => ChangeKind::Symlink {
                target: self.link_target(from)?,
            },
            EntryType::Other => return Err(wrong_type(from, kind, "a file, link or directory")),
        };
        // What the name carries goes with the content.
        changes.push(self.change(to, made)?.carrying(self.carried(from)));
        if kind == EntryType::Directory {
            for entry in self.list_all(&EntryPath::from(from))? {
                let below = canonical(&entry)?;
                let name = below.file_name().unwrap_or_default().to_owned();
                self.copy_all(&below, &to.join(&name)?, entry.kind, depth + 1, changes)?;
            }
        }
        Ok(())
    }

    /// Holds what a file shows now.
    fn hold(&self, path: &RelPath) -> Result<HeldContent, WorkspaceError> {
        let mut opened = self.open_read(path)?;
        let io = WorkspaceError::io("copy", path);
        if opened.metadata.len_bytes <= MEMORY_BYTES {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut opened.file, &mut bytes).map_err(io)?;
            return Ok(HeldContent::from_bytes(bytes));
        }
        let dir = self.state.fresh_dir("held")?.keep();
        let at = dir.join("content");
        let mut copy = File::create_new(&at).map_err(WorkspaceError::io("copy", path))?;
        std::io::copy(&mut opened.file, &mut copy).map_err(io)?;
        let mut file = File::open(&at).map_err(WorkspaceError::io("copy", path))?;
        let (digest, bytes) = digest_of(&mut file).map_err(WorkspaceError::io("copy", path))?;
        Ok(HeldContent::at(
            digest,
            bytes,
            Source::File(Arc::from(at.as_path())),
        ))
    }

    fn link_target(&self, path: &RelPath) -> Result<std::path::PathBuf, WorkspaceError> {
        let entry = EntryPath::from(path);
        if let super::base::Shown::Staged(staged) = self.shown(&entry)?
            && let ChangeKind::Symlink { target } = &staged.change.kind
        {
            return Ok(target.clone());
        }
        let (dir, name) = self.tree.parent(entry.as_bytes())?;
        link_target(dir, name).map_err(WorkspaceError::io("read", path))
    }

    fn require_nothing(&self, path: &RelPath) -> Result<(), WorkspaceError> {
        match self.metadata(path) {
            Err(WorkspaceError::NotFound(_)) => Ok(()),
            Ok(found) => Err(wrong_type(path, found.kind, "a free name")),
            Err(error) => Err(error),
        }
    }

    fn change(&self, path: &RelPath, kind: ChangeKind) -> Result<Change, WorkspaceError> {
        let path = EntryPath::from(path);
        let before = self.base_of(&path)?;
        if before == Before::Other {
            return Err(WorkspaceError::WrongType {
                path: path.to_string(),
                found: "unreadable or no file",
                wanted: "a file, link or directory",
            });
        }
        Ok(Change {
            path,
            kind,
            before,
            labels: Exposure::NONE,
            origin: Origin::Tool,
        })
    }
}

fn check_depth(path: &RelPath, depth: u32) -> Result<(), WorkspaceError> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(WorkspaceError::TooLarge {
        what: format!("the depth of `{path}`"),
        bound: format!("{MAX_DEPTH} directories"),
    })
}

fn canonical(entry: &Entry) -> Result<RelPath, WorkspaceError> {
    match entry.path.rel() {
        Some(path) => Ok(path.clone()),
        None => Ok(entry.path.parse()?),
    }
}

fn wrong_type(path: &RelPath, found: EntryType, wanted: &'static str) -> WorkspaceError {
    WorkspaceError::WrongType {
        path: path.to_string(),
        found: match found {
            EntryType::File => "a file",
            EntryType::Directory => "a directory",
            EntryType::Symlink => "a symbolic link",
            EntryType::Other => "a FIFO, socket or device",
        },
        wanted,
    }
}
