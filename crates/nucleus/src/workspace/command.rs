//! The layers of one command, and the changes it made in the topmost.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nucleus_jail::changed::{Bounds, Change as Found, Changed, Node, changed_set};
use nucleus_jail::{Overlay, Tree as JailTree, TreeId, Upper};
use portcullis::Exposure;
use portcullis::path::PathError;

use super::base::{Base, Seen};
use super::change::DeadLayer;
use super::clock::Moment;
use super::content::hold_layer_file;
use super::landing::is_reserved;
use super::mask::MaskLayer;
use super::staging::Layer;
use super::state::RunDir;
use super::tree::changed_ns;
use super::watch::Guard;
use super::{
    Before, Change, ChangeKind, Command, CommandOutcome, EntryPath, Origin, RefusedEntry,
    StopReason, WorkspaceError,
};

/// Largest file that lands. A sparse file costs its maker nothing and its reader all of its length.
const MAX_FILE_BYTES: u64 = 4 << 30;
/// Most bytes that one command lands.
const MAX_TOTAL_BYTES: u64 = 16 << 30;

/// The layers of one command, kept until its changes are read.
#[derive(Debug)]
pub struct CommandLayers {
    pub(super) root: JailTree,
    pub(super) inside: PathBuf,
    pub(super) mask: Arc<MaskLayer>,
    pub(super) staged: Option<Arc<Layer>>,
    pub(super) upper: Upper,
    pub(super) disk: Option<RunDir>,
    pub(super) guard: Arc<Guard>,
    pub(super) began: Moment,
}

impl CommandLayers {
    /// What the jail mounts.
    #[must_use]
    pub fn overlay(&self) -> Overlay {
        Overlay {
            inside: self.inside.clone(),
            lower: self.root.clone(),
            staged: self.staged.as_ref().map(|layer| layer.path().to_path_buf()),
            mask: Some(self.mask.path().to_path_buf()),
            upper: self.upper.clone(),
        }
    }

    /// Sets what kills the command when a blocked name appears on the host that its mask does not hide. Called at once if one
    /// has appeared since the layers were made.
    pub fn on_stop(&self, stop: impl FnOnce(StopReason) + Send + 'static) {
        self.guard.on_stop(Box::new(stop));
    }

    /// Why the command was stopped, if it was.
    #[must_use]
    pub fn stopped(&self) -> Option<StopReason> {
        self.guard.stopped()
    }

    /// The lower layers, topmost first.
    fn lowers(&self, base: &Base) -> Result<Vec<OwnedFd>, WorkspaceError> {
        let mut lowers = vec![open(self.mask.path())?];
        if let Some(layer) = &self.staged {
            lowers.push(open(layer.path())?);
        }
        lowers.push(
            base.tree
                .open_dir(b"")
                .map_err(WorkspaceError::io("open", "the workspace"))?,
        );
        Ok(lowers)
    }
}

fn open(path: &Path) -> Result<OwnedFd, WorkspaceError> {
    std::fs::File::open(path)
        .map(OwnedFd::from)
        .map_err(WorkspaceError::io("open", path.display()))
}

/// The identity the jail checks before it mounts.
pub(super) fn tree_of(base: &Base) -> Result<JailTree, WorkspaceError> {
    Ok(JailTree {
        path: base.tree.path().to_path_buf(),
        id: Some(TreeId::of(&base.tree).map_err(WorkspaceError::io("stat", "the workspace"))?),
    })
}

impl Seen<'_> {
    /// The changes of a command whose jail is dead.
    pub(super) fn end_command(&self, command: Command) -> Result<CommandOutcome, WorkspaceError> {
        let Command { mut layers, upper } = command;
        let upper = Arc::new(DeadLayer {
            dir: upper,
            _kept: layers.disk.take(),
        });
        let lowers = layers.lowers(self)?;
        let lowers: Vec<_> = lowers.iter().map(AsFd::as_fd).collect();
        let found = changed_set(upper.dir.as_fd(), &lowers, Bounds::default())?;
        let mut reader = Reader {
            seen: *self,
            upper,
            began: layers.began,
            total_bytes: 0,
            deleted: BTreeSet::new(),
            closing: Vec::new(),
            outcome: CommandOutcome::default(),
        };
        for refused in found.refused {
            reader.refuse(
                EntryPath::from_path(&refused.path),
                format!("it is a {}", refused.kind),
            );
        }
        for changed in found.changes {
            reader.add(changed)?;
        }
        Ok(reader.finish())
    }
}

/// Turns found differences into changes.
struct Reader<'a> {
    seen: Seen<'a>,
    upper: Arc<DeadLayer>,
    began: Moment,
    total_bytes: u64,
    deleted: BTreeSet<EntryPath>,
    /// Modes of new directories that would keep their content from landing.
    closing: Vec<Change>,
    outcome: CommandOutcome,
}

impl Reader<'_> {
    fn add(&mut self, changed: Changed) -> Result<(), WorkspaceError> {
        let path = EntryPath::from_path(&changed.path);
        if path.rel().is_none() {
            // FAIL-CLOSED: what cannot be named in a request cannot be judged.
            let why = path.parse().err().as_ref().map_or_else(
                || "its name is not canonical".to_owned(),
                PathError::to_string,
            );
            self.refuse(path, why);
            return Ok(());
        }
        if path.as_bytes().split(|byte| *byte == b'/').any(is_reserved) {
            self.refuse(path, "its name is reserved for landings".to_owned());
            return Ok(());
        }
        let Some(kind) = self.kind(&path, &changed)? else {
            return Ok(());
        };
        let before = self.before(&path, &kind)?;
        if kind == ChangeKind::Delete {
            self.deleted.insert(path.clone());
        }
        self.push(Change {
            path,
            kind,
            before,
            labels: Exposure::NONE,
            origin: Origin::Command,
        });
        Ok(())
    }

    /// What the change is; `None` when it was refused.
    fn kind(
        &mut self,
        path: &EntryPath,
        changed: &Changed,
    ) -> Result<Option<ChangeKind>, WorkspaceError> {
        Ok(Some(match &changed.change {
            Found::Delete => ChangeKind::Delete,
            Found::Mode(Node::File { mode, .. } | Node::Dir { mode }) => {
                ChangeKind::Mode { mode: *mode }
            }
            Found::Create(Node::Dir { mode }) | Found::Modify(Node::Dir { mode }) => {
                ChangeKind::Directory { mode: *mode }
            }
            Found::Create(Node::Symlink { target }) | Found::Modify(Node::Symlink { target }) => {
                ChangeKind::Symlink {
                    target: target.clone(),
                }
            }
            Found::Mode(Node::Symlink { .. }) => return Ok(None),
            Found::Create(Node::File { bytes, mode })
            | Found::Modify(Node::File { bytes, mode }) => {
                self.total_bytes = self.total_bytes.saturating_add(*bytes);
                if *bytes > MAX_FILE_BYTES || self.total_bytes > MAX_TOTAL_BYTES {
                    self.refuse(
                        path.clone(),
                        format!("it is too large to land ({bytes} bytes)"),
                    );
                    return Ok(None);
                }
                ChangeKind::Write {
                    content: hold_layer_file(&self.upper, changed.path.clone())?,
                    mode: *mode,
                }
            }
        }))
    }

    /// What the tree held when the command began. [`Before::Other`], which nothing equals, when that was changed since.
    fn before(&self, path: &EntryPath, kind: &ChangeKind) -> Result<Before, WorkspaceError> {
        if self.deleted.contains(path) {
            // Its deletion comes first.
            return Ok(Before::Absent);
        }
        let before = match self.seen.base_of(path) {
            // What the command put a directory in place of was a link: nothing was below it.
            Err(WorkspaceError::ThroughLink(_)) => return Ok(Before::Absent),
            other => other?,
        };
        if matches!(before, Before::File { .. } | Before::Symlink { .. })
            && let Some(stat) = self.seen.tree.stat(path.as_bytes())?
            && self.began.may_precede(changed_ns(&stat))
        {
            return Ok(Before::Other);
        }
        let is_new = matches!(kind, ChangeKind::Write { .. } | ChangeKind::Symlink { .. });
        Ok(match before {
            // A directory the host made meanwhile is not what the command saw.
            Before::Directory { .. } if is_new => Before::Other,
            other => other,
        })
    }

    /// Puts a change in order. A directory that would be closed to its owner is closed last.
    fn push(&mut self, mut change: Change) {
        if let ChangeKind::Directory { mode } = &mut change.kind
            && *mode & 0o700 != 0o700
        {
            let closed = *mode;
            *mode |= 0o700;
            self.closing.push(Change {
                kind: ChangeKind::Mode { mode: closed },
                before: Before::Directory { mode: *mode },
                ..change.clone()
            });
        }
        self.outcome.changes.push(change);
    }

    fn refuse(&mut self, path: EntryPath, why: String) {
        self.outcome.refused.push(RefusedEntry { path, why });
    }

    fn finish(mut self) -> CommandOutcome {
        self.closing.reverse();
        self.outcome.changes.extend(self.closing);
        self.outcome
    }
}
