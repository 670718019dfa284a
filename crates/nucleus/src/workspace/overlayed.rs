//! The workspace of a host with jails: each command gets a fresh overlay of it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nucleus_jail::Upper;
use portcullis::path::RelPath;
use portcullis::{Envelope, Exposure, SessionId};

use super::base::{Base, Viewer};
use super::blocked::Blocked;
use super::clock::Moment;
use super::command::tree_of;
use super::index::Index;
use super::shared::Shared;
use super::watch::{self, Watch};
use super::{
    Change, Command, CommandLayers, CommandOutcome, Diff, Endorsable, Entry, EntryPath,
    HeldContent, Landed, Landing, Metadata, OpenedFile, StageLimits, StageReason, StagedChange,
    WorkspaceError, WorkspaceView,
};

/// How a workspace is opened.
#[derive(Clone, Debug)]
pub struct WorkspaceOptions {
    /// The state directory of this workspace alone, outside of it; made with mode 0700 where it is missing.
    pub state_dir: PathBuf,
    /// Directories that must not lie in the workspace, such as the user's home.
    pub forbidden: Vec<PathBuf>,
    /// Where the changes of a command go until they land.
    pub upper: UpperKind,
    /// The most that one session holds back.
    pub stage_limits: StageLimits,
}

/// Where the changes of a command go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpperKind {
    /// Into memory, bounded by the kernel.
    Memory {
        /// Most bytes of file content.
        bytes: u64,
        /// Most files and directories.
        inodes: u64,
    },
    /// Into the state directory. **Nothing but the disk bounds it.**
    Disk,
}

impl WorkspaceOptions {
    /// Memory for 512 MiB and 100,000 files, no forbidden directory.
    #[must_use]
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            state_dir: state_dir.into(),
            forbidden: Vec::new(),
            upper: UpperKind::Memory {
                bytes: 512 << 20,
                inodes: 100_000,
            },
            stage_limits: StageLimits::default(),
        }
    }
}

/// A workspace whose commands run over overlays, as the user sees it or as one session does.
#[derive(Debug)]
pub struct Overlayed {
    host: Arc<Watched>,
    shared: Arc<Shared>,
    viewer: Viewer,
    upper: UpperKind,
}

/// Ends the watching thread with the last handle of the workspace.
#[derive(Debug)]
struct Watched {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

impl Overlayed {
    /// Opens a workspace, reads its names and settles what crashes left.
    ///
    /// # Errors
    /// [`WorkspaceError::Unsuitable`] for a directory that cannot be a workspace, others when it or its state cannot be read.
    pub fn open(
        root: &Path,
        options: &WorkspaceOptions,
        envelope: &Envelope,
    ) -> Result<Self, WorkspaceError> {
        Self::open_with(root, options, envelope, Watch::new()?)
    }

    fn open_with(
        root: &Path,
        options: &WorkspaceOptions,
        envelope: &Envelope,
        watch: Watch,
    ) -> Result<Self, WorkspaceError> {
        let base = Base::open(root, options)?;
        let shared = Arc::new(Shared {
            watch,
            index: Mutex::new(Index::new(Arc::new(Blocked::of(envelope)))),
            masks: Mutex::new(None),
            layers: Mutex::new(std::collections::BTreeMap::new()),
            running: Mutex::new(Vec::new()),
            base,
        });
        let left_over = shared.refresh()?.left_over();
        shared.base.settle(&left_over)?;
        let watcher = watch::spawn(&shared)?;
        Ok(Self {
            host: Arc::new(Watched {
                shared: Arc::clone(&shared),
                watcher: Some(watcher),
            }),
            shared,
            viewer: Viewer::User,
            upper: options.upper,
        })
    }

    /// The same workspace as this session sees it: its own staged changes lie over the tree, and no other's.
    #[must_use]
    pub fn seen_by(&self, session: SessionId) -> Self {
        Self {
            host: Arc::clone(&self.host),
            shared: Arc::clone(&self.shared),
            viewer: Viewer::Session(session),
            upper: self.upper,
        }
    }

    fn upper(&self) -> Result<(Upper, Option<super::state::RunDir>), WorkspaceError> {
        Ok(match self.upper {
            UpperKind::Memory { bytes, inodes } => (Upper::Tmpfs { bytes, inodes }, None),
            UpperKind::Disk => {
                let dir = self.shared.base.state.fresh_dir("upper")?;
                // The jail's own user searches it; the directories above are closed to all but ours.
                std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755))
                    .map_err(WorkspaceError::io("open", dir.path().display()))?;
                (Upper::Disk(dir.path().to_path_buf()), Some(dir))
            }
        })
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.shared.watch.end();
        // What stops a command may drop the workspace in the watching thread itself.
        let others = self
            .watcher
            .take()
            .filter(|watcher| watcher.thread().id() != std::thread::current().id());
        if let Some(watcher) = others {
            // A panic in there was reported when it happened.
            let _ = watcher.join();
        }
    }
}

impl WorkspaceView for Overlayed {
    fn begin_command(&self, envelope: &Envelope) -> Result<CommandLayers, WorkspaceError> {
        let shared = &self.shared;
        let began = Moment::now();
        shared.use_envelope(envelope);
        let hidden = shared.hidden()?;
        let guard = shared.guard(&hidden);
        // Names that came between the walk and the registration: from here on the watch sees them.
        let now = shared.hidden()?;
        let guard = if now == hidden {
            guard
        } else {
            shared.guard(&now)
        };
        let (upper, disk) = self.upper()?;
        let layers = CommandLayers {
            root: tree_of(&shared.base)?,
            inside: shared.base.tree.path().to_path_buf(),
            mask: shared.mask(now)?,
            staged: shared.staged_layer(self.viewer)?,
            upper,
            disk,
            guard,
            began,
        };
        shared.watch.wake();
        began.settle();
        Ok(layers)
    }

    fn end_command(&self, command: Command) -> Result<CommandOutcome, WorkspaceError> {
        self.shared.base.seen_by(self.viewer).end_command(command)
    }

    fn carried_by_view(&self) -> Exposure {
        // FAIL-CLOSED: what cannot be told is untrusted.
        Exposure::UNTRUSTED.when(self.shared.has_labelled(self.viewer).unwrap_or(true))
    }

    fn of_session(&self, session: SessionId) -> Arc<dyn WorkspaceView> {
        Arc::new(self.seen_by(session))
    }

    fn landed(&self) -> Arc<dyn WorkspaceView> {
        Arc::new(Self {
            host: Arc::clone(&self.host),
            shared: Arc::clone(&self.shared),
            viewer: Viewer::User,
            upper: self.upper,
        })
    }

    super::view::by_base!(shared.base);
}

#[cfg(test)]
mod tests {
    use super::{Overlayed, Watch, WorkspaceOptions, WorkspaceView};
    use crate::workspace::StopReason;
    use portcullis::glob::PathPattern;
    use portcullis::{Conjunction, Envelope, EnvelopeParts, Section, Union};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Where the kernel grants no watch, the names are read again while a command runs.
    #[test]
    fn a_blocked_name_stops_a_command_also_where_nothing_can_be_watched() {
        let mut parts = EnvelopeParts::everything();
        parts.paths = Section {
            listed: Conjunction::everything(),
            blocked: Union::of([PathPattern::parse(".env").unwrap()]),
        };
        let envelope = Envelope::new(parts);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ws");
        std::fs::create_dir_all(root.join("d")).unwrap();
        let options = WorkspaceOptions::new(dir.path().join("state"));
        let view =
            Overlayed::open_with(&root, &options, &envelope, Watch::blind().unwrap()).unwrap();
        let layers = view.begin_command(&envelope).unwrap();
        let (sender, stops) = mpsc::channel();
        layers.on_stop(move |reason| sender.send(reason).unwrap());
        std::fs::write(root.join("d/other"), "x").unwrap();
        assert!(
            stops.recv_timeout(Duration::from_millis(600)).is_err(),
            "the allow twin"
        );
        std::fs::write(root.join("d/.env"), "x").unwrap();
        let stopped = stops.recv_timeout(Duration::from_secs(60)).unwrap();
        assert_eq!(stopped, StopReason::BlockedNameAppeared("d/.env".into()));
    }
}
