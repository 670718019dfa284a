//! The workspace without commands of its own: for tests, and for guests, which are a boundary themselves.

use std::path::Path;
use std::sync::Arc;

use portcullis::path::RelPath;
use portcullis::{Envelope, EnvelopeParts, Exposure, SessionId};

use super::base::{Base, Viewer};
use super::blocked::Blocked;
use super::index::{Around, Index};
use super::{
    Change, Command, CommandLayers, CommandOutcome, Diff, Endorsable, Entry, EntryPath,
    HeldContent, Landed, Landing, Metadata, OpenedFile, StageReason, StagedChange, WorkspaceError,
    WorkspaceOptions, WorkspaceView,
};

/// A workspace that reads, lands and stages like [`super::Overlayed`] and gives commands no layers.
#[derive(Debug)]
pub struct Direct {
    base: Arc<Base>,
    viewer: Viewer,
}

impl Direct {
    /// Opens a workspace.
    ///
    /// # Errors
    /// As [`super::Overlayed::open`].
    pub fn open(root: &Path, options: &WorkspaceOptions) -> Result<Self, WorkspaceError> {
        let base = Base::open(root, options)?;
        let nothing_blocked = Blocked::of(&Envelope::new(EnvelopeParts::everything()));
        let mut index = Index::new(Arc::new(nothing_blocked));
        index.refresh(Around {
            tree: &base.tree,
            repository: None,
            watch: None,
        })?;
        base.settle(&index.left_over())?;
        Ok(Self {
            base: Arc::new(base),
            viewer: Viewer::User,
        })
    }
}

impl WorkspaceView for Direct {
    fn begin_command(&self, _envelope: &Envelope) -> Result<CommandLayers, WorkspaceError> {
        Err(WorkspaceError::Unsupported(
            "this workspace runs no commands: it has no layers for them",
        ))
    }

    fn end_command(&self, command: Command) -> Result<CommandOutcome, WorkspaceError> {
        self.base.seen_by(self.viewer).end_command(command)
    }

    /// Always untrusted: nothing is known of what a command in a guest sees.
    fn carried_by_view(&self) -> Exposure {
        Exposure::UNTRUSTED
    }

    fn of_session(&self, session: SessionId) -> Arc<dyn WorkspaceView> {
        Arc::new(Self {
            base: Arc::clone(&self.base),
            viewer: Viewer::Session(session),
        })
    }

    fn landed(&self) -> Arc<dyn WorkspaceView> {
        Arc::new(Self {
            base: Arc::clone(&self.base),
            viewer: Viewer::User,
        })
    }

    super::view::by_base!(base);
}
