//! The port through which the monitor and its hands see and change a workspace.

use std::fmt::Debug;
use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use portcullis::path::RelPath;
use portcullis::{Envelope, Exposure, SessionId};

use super::{Change, EntryPath, HeldContent, StageReason, StagedChange, WorkspaceError};

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

    /// Trusts what these files hold now. Host only: an agent must not reach it.
    ///
    /// # Errors
    /// [`WorkspaceError`] when a file cannot be read or the record cannot be made durable.
    fn endorse(&self, paths: &[RelPath]) -> Result<(), WorkspaceError>;

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

    /// Keeps a change for the user, visible to later reads and commands. Replaces what was staged at that path.
    ///
    /// # Errors
    /// [`WorkspaceError`] when it cannot be made durable; then nothing has changed.
    fn stage(
        &self,
        change: Change,
        reason: StageReason,
        session: SessionId,
    ) -> Result<(), WorkspaceError>;

    /// What is staged, by path.
    ///
    /// # Errors
    /// [`WorkspaceError::State`] when the manifest cannot be read.
    fn staged(&self) -> Result<Vec<StagedChange>, WorkspaceError>;

    /// The staged change of one path, to be judged again and landed. Host only.
    ///
    /// # Errors
    /// [`WorkspaceError::NotFound`] when none is.
    fn take_up(&self, path: &EntryPath) -> Result<Change, WorkspaceError>;

    /// Forgets staged changes at and below these paths, and says which.
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

/// The layers of one command, kept alive by it.
#[derive(Debug)]
pub struct CommandLayers {
    /// Mounted by the jail.
    #[cfg(target_os = "linux")]
    pub overlay: nucleus_jail::Overlay,
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
