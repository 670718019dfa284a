//! The port through which the monitor and its hands see and change a workspace.

use std::fmt::Debug;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use nucleus_audit::Recorded;
use portcullis::path::RelPath;
use portcullis::{Envelope, Exposure, Permit, Request, SessionId};

use super::{
    Change, CommandLayers, Diff, Endorsable, EntryPath, HeldContent, StageReason, StagedChange,
    WorkspaceError,
};

/// A workspace: the real tree, the changes staged over it, and the labels of its files.
///
/// Every path is resolved beneath a directory handle without following links. Reads see staged changes as if they had landed.
/// Nothing here decides: callers judge paths before they read and changes before they land.
pub trait WorkspaceView: Send + Sync + Debug {
    /// Where the workspace is.
    fn root(&self) -> &Path;

    /// Opens a regular file for reading, without blocking.
    ///
    /// # Errors
    /// [`WorkspaceError`] for anything else at that path, and for links on the way.
    fn open_read(&self, path: &RelPath) -> Result<OpenedFile, WorkspaceError>;

    /// What is at a path; links are not followed.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when nothing is, others when the path cannot be resolved.
    fn metadata(&self, path: &RelPath) -> Result<Metadata, WorkspaceError>;

    /// The entries of a directory in the order of their bytes, less what the envelope blocks.
    ///
    /// # Errors
    /// [`WorkspaceError`] when it is no directory.
    fn list(&self, path: &RelPath, envelope: &Envelope) -> Result<Vec<Entry>, WorkspaceError>;

    /// The source labels of one file: untracked, submodule, dependency tree, or written while a session was untrusted.
    ///
    /// FAIL-CLOSED: what cannot be told is untrusted.
    fn carried(&self, path: &RelPath) -> Exposure;

    /// The labels of everything a command would see.
    fn carried_by_view(&self) -> Exposure;

    /// The same workspace as this session sees it: its own staged changes lie over the tree, and no other's.
    fn of_session(&self, session: SessionId) -> Arc<dyn WorkspaceView>;

    /// The same workspace as it has landed: no staged change lies over the tree.
    fn landed(&self) -> Arc<dyn WorkspaceView>;

    /// What these paths hold in the real tree now: each file below them, and each git directory as one object.
    ///
    /// # Errors
    /// [`WorkspaceError`] when one of them cannot be read.
    fn endorsable(&self, paths: &[RelPath]) -> Result<Vec<Endorsable>, WorkspaceError>;

    /// Trusts what was shown. Host only: an agent must not reach it.
    ///
    /// # Errors
    /// [`WorkspaceError::NotAsShown`] when one of them holds anything else by now: none is trusted then;
    /// others when a file cannot be read or the record cannot be made durable.
    fn endorse(&self, shown: &[Endorsable]) -> Result<(), WorkspaceError>;

    /// The change that gives a file these bytes, based on what the real tree holds now.
    /// Without a mode the file keeps its own, a new one has 0644.
    ///
    /// # Errors
    /// [`WorkspaceError`] when the path cannot be resolved or holds anything but a file.
    fn change_to_write(
        &self,
        path: &RelPath,
        content: HeldContent,
        mode: Option<u32>,
    ) -> Result<Change, WorkspaceError>;

    /// The change that makes a directory (0755).
    ///
    /// # Errors
    /// [`WorkspaceError`] when something is there.
    fn change_to_make_dir(&self, path: &RelPath) -> Result<Change, WorkspaceError>;

    /// The changes that remove a file, a link or a whole directory, in landing order.
    ///
    /// # Errors
    /// [`WorkspaceError`] when nothing is there, or something below has no canonical name.
    fn changes_to_remove(&self, path: &RelPath) -> Result<Vec<Change>, WorkspaceError>;

    /// The changes that give a file, link or directory another name: what is new first, removals last.
    ///
    /// # Errors
    /// [`WorkspaceError`] when nothing is at `from` or something at `to`.
    fn changes_to_rename(
        &self,
        from: &RelPath,
        to: &RelPath,
    ) -> Result<Vec<Change>, WorkspaceError>;

    /// Lands a change: the real tree holds it when this returns `Done`, and is as the user left it otherwise.
    ///
    /// # Errors
    /// [`WorkspaceError::NotCovered`] unless the permit is for exactly this change; [`WorkspaceError::Digest`] when the content
    /// is not what was digested; others when neither landing nor staging was possible.
    fn land(
        &self,
        permit: Recorded<Permit>,
        request: &Request,
        change: Change,
    ) -> Result<Landed, WorkspaceError> {
        let landing = Landing {
            permit,
            request: request.clone(),
            change,
        };
        let result = self.land_all(vec![landing]).pop();
        result.unwrap_or(Err(WorkspaceError::Unsupported("a landing without result")))
    }

    /// Lands changes in order, as [`WorkspaceView::land`], with fewer waits for the disk. One result each, in order.
    fn land_all(&self, landings: Vec<Landing>) -> Vec<Result<Landed, WorkspaceError>>;

    /// Keeps a change for the user, visible to later reads and commands of that session. Replaces what it staged at that path.
    ///
    /// # Errors
    /// [`WorkspaceError::StageFull`] when the session holds back as much as it may; others when it cannot be made durable; then nothing has changed.
    fn stage(
        &self,
        change: Change,
        reason: StageReason,
        session: SessionId,
    ) -> Result<(), WorkspaceError>;

    /// What the session has staged, by path; to the user, what every session has.
    ///
    /// # Errors
    /// [`WorkspaceError::State`] when the manifest cannot be read.
    fn staged(&self) -> Result<Vec<StagedChange>, WorkspaceError>;

    /// What a session staged at a path, to be judged again and landed. Host only.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when nothing is.
    fn take_up(&self, session: SessionId, path: &EntryPath) -> Result<Change, WorkspaceError>;

    /// What applying a staged change would do to what the real tree holds now.
    ///
    /// # Errors
    /// [`WorkspaceError`] when either side cannot be read.
    fn diff(&self, staged: &StagedChange) -> Result<Diff, WorkspaceError>;

    /// Forgets what the session staged at and below these paths, and says what; for the user, what every session did.
    ///
    /// # Errors
    /// [`WorkspaceError`] when it cannot be made durable.
    fn discard(&self, paths: &[EntryPath]) -> Result<Vec<EntryPath>, WorkspaceError>;

    /// The layers for one command under this envelope.
    ///
    /// # Errors
    /// [`WorkspaceError`] when a layer cannot be built; then the command must not run.
    fn begin_command(&self, envelope: &Envelope) -> Result<CommandLayers, WorkspaceError>;

    /// What a command did, once its jail is dead: changes in landing order, and what can never land.
    ///
    /// # Errors
    /// [`WorkspaceError`] when the layer cannot be read; then nothing of it lands.
    fn end_command(&self, command: Command) -> Result<CommandOutcome, WorkspaceError>;
}

/// A file opened for reading.
#[derive(Debug)]
pub struct OpenedFile {
    /// The file; regular, at its start.
    pub file: File,
    /// What it was when opened.
    pub metadata: Metadata,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Its type.
    pub kind: EntryType,
    /// Length of a file's content, of a link's target; 0 for a directory.
    pub len_bytes: u64,
    /// Permission bits.
    pub mode: u32,
    /// Last change of the content.
    pub modified: SystemTime,
    /// Whether it is a staged change.
    pub is_staged: bool,
}

/// The type of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A FIFO, socket or device: shown, never opened.
    Other,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the workspace.
    pub path: EntryPath,
    /// Its type.
    pub kind: EntryType,
}

/// What a landing came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landed {
    /// The real tree holds the change.
    Done,
    /// The real tree is as the user left it; the change is staged for this reason.
    Staged(StageReason),
}

/// One change with the recorded permit for it.
#[derive(Debug)]
pub struct Landing {
    /// The permit, spent by the landing.
    pub permit: Recorded<Permit>,
    /// The request it is for.
    pub request: Request,
    /// The change the request is for.
    pub change: Change,
}

/// Why a running command must be stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// This blocked path appeared on the host, or was moved there, and the command's mask does not hide it.
    BlockedNameAppeared(String),
    /// The workspace can no longer be watched.
    WatchFailed(String),
}

impl std::fmt::Display for StopReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::BlockedNameAppeared(path) => {
                write!(
                    f,
                    "blocked path `{path}` appeared on the host while the command ran"
                )
            }
            Self::WatchFailed(why) => write!(f, "the workspace can no longer be watched: {why}"),
        }
    }
}

/// A command whose jail is dead.
#[derive(Debug)]
pub struct Command {
    /// What [`WorkspaceView::begin_command`] gave.
    pub layers: CommandLayers,
    /// The layer of its changes.
    pub upper: std::os::fd::OwnedFd,
}

/// What a command did to the workspace.
#[derive(Debug, Default)]
pub struct CommandOutcome {
    /// In landing order.
    pub changes: Vec<Change>,
    /// Never landed, to be named.
    pub refused: Vec<RefusedEntry>,
}

/// Something a command made that can never land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEntry {
    /// Where.
    pub path: EntryPath,
    /// Why.
    pub why: String,
}

/// The part of [`WorkspaceView`] that every workspace leaves to its base.
macro_rules! by_base {
    ($($base:ident).+) => {
        fn root(&self) -> &Path {
            self.$($base).+.tree.path()
        }

        fn open_read(&self, path: &RelPath) -> Result<OpenedFile, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).open_read(path)
        }

        fn metadata(&self, path: &RelPath) -> Result<Metadata, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).metadata(path)
        }

        fn list(&self, path: &RelPath, envelope: &Envelope) -> Result<Vec<Entry>, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).list(path, envelope)
        }

        fn carried(&self, path: &RelPath) -> Exposure {
            self.$($base).+.seen_by(self.viewer).carried(path)
        }

        fn endorsable(&self, paths: &[RelPath]) -> Result<Vec<Endorsable>, WorkspaceError> {
            self.$($base).+.endorsable(paths)
        }

        fn endorse(&self, shown: &[Endorsable]) -> Result<(), WorkspaceError> {
            self.$($base).+.endorse(shown)
        }

        fn change_to_write(
            &self,
            path: &RelPath,
            content: HeldContent,
            mode: Option<u32>,
        ) -> Result<Change, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).change_to_write(path, content, mode)
        }

        fn change_to_make_dir(&self, path: &RelPath) -> Result<Change, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).change_to_make_dir(path)
        }

        fn changes_to_remove(&self, path: &RelPath) -> Result<Vec<Change>, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).changes_to_remove(path)
        }

        fn changes_to_rename(&self, from: &RelPath, to: &RelPath) -> Result<Vec<Change>, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).changes_to_rename(from, to)
        }

        fn land_all(&self, landings: Vec<Landing>) -> Vec<Result<Landed, WorkspaceError>> {
            self.$($base).+.land_all(landings)
        }

        fn stage(&self, change: Change, reason: StageReason, session: SessionId) -> Result<(), WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).stage(change, reason, session)
        }

        fn staged(&self) -> Result<Vec<StagedChange>, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).staged_changes()
        }

        fn take_up(&self, session: SessionId, path: &EntryPath) -> Result<Change, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).take_up(session, path)
        }

        fn diff(&self, staged: &StagedChange) -> Result<Diff, WorkspaceError> {
            self.$($base).+.diff(staged)
        }

        fn discard(&self, paths: &[EntryPath]) -> Result<Vec<EntryPath>, WorkspaceError> {
            self.$($base).+.seen_by(self.viewer).discard(paths)
        }
    };
}
pub(super) use by_base;
