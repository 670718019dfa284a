//! The workspace of a host with jails: each command gets a fresh overlay of it.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;

use nucleus_jail::Upper;
use nucleus_jail::mask::build_mask_of;
use portcullis::path::RelPath;
use portcullis::{Envelope, Exposure, SessionId};
use rustix::fs::FileType;

use super::base::{Base, Labels};
use super::blocked::Blocked;
use super::clock::Moment;
use super::command::{MaskLayer, tree_of};
use super::index::{Around, Index};
use super::staging::Layer;
use super::tree::{file_type, modified_ns, permissions, split};
use super::watch::{self, Guard, Watch, Watched};
use super::{
    Change, Command, CommandLayers, CommandOutcome, Diff, Entry, EntryPath, HeldContent, Landed,
    Landing, Metadata, OpenedFile, StageReason, StagedChange, WorkspaceError, WorkspaceView,
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
        }
    }
}

/// A workspace whose commands run over overlays.
#[derive(Debug)]
pub struct Overlayed {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
    upper: UpperKind,
}

#[derive(Debug)]
struct Shared {
    base: Base,
    watch: Watch,
    index: Mutex<Index>,
    masks: Mutex<Option<Arc<MaskLayer>>>,
    layers: Mutex<Option<Arc<Layer>>>,
    running: Mutex<Vec<Weak<Guard>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        let base = Base::open(root, &options.state_dir, &options.forbidden)?;
        let shared = Arc::new(Shared {
            watch: Watch::new()?,
            index: Mutex::new(Index::new(Arc::new(Blocked::of(envelope)))),
            masks: Mutex::new(None),
            layers: Mutex::new(None),
            running: Mutex::new(Vec::new()),
            base,
        });
        let left_over = shared.refresh()?.left_over();
        shared.base.settle(&left_over)?;
        let watcher = watch::spawn(&shared)?;
        Ok(Self {
            shared,
            watcher: Some(watcher),
            upper: options.upper,
        })
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

impl Drop for Overlayed {
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

impl Shared {
    /// Brings the index up to date and gives it out.
    fn refresh(&self) -> Result<MutexGuard<'_, Index>, WorkspaceError> {
        let locked = self.base.state.lock()?;
        let labels = self.base.labels(&locked)?;
        self.refresh_with(&labels)
    }

    fn refresh_with(&self, labels: &Labels) -> Result<MutexGuard<'_, Index>, WorkspaceError> {
        let mut index = lock(&self.index);
        index.refresh(Around {
            tree: &self.base.tree,
            repository: labels.repository.as_ref(),
            watch: Some(&self.watch),
        })?;
        Ok(index)
    }

    /// Looks for other blocked names from now on, where the envelope says so.
    fn use_envelope(&self, envelope: &Envelope) {
        let mut index = lock(&self.index);
        if !index.blocked().is_of(envelope) {
            *index = Index::new(Arc::new(Blocked::of(envelope)));
        }
    }

    /// The mask over these paths: the last one where nothing it shows has changed.
    fn mask(&self, hidden: BTreeSet<Vec<u8>>) -> Result<Arc<MaskLayer>, WorkspaceError> {
        let mut last = lock(&self.masks);
        let stamps = self.stamps(&hidden)?;
        if let Some(mask) = &*last
            && mask.hidden == hidden
            && mask.stamps == stamps
        {
            return Ok(Arc::clone(mask));
        }
        let dir = self.base.state.fresh_dir("mask")?;
        let into = std::fs::File::open(dir.path())
            .map_err(WorkspaceError::io("open", dir.path().display()))?;
        let paths = hidden
            .iter()
            .map(|path| EntryPath::from_bytes(path).as_path().to_path_buf());
        let built = build_mask_of(self.base.tree.as_fd(), into.as_fd(), paths)?;
        let whole: BTreeSet<Vec<u8>> = built
            .hidden
            .iter()
            .map(|path| super::change::path_bytes(path).to_vec())
            .collect();
        if whole != hidden {
            // FAIL-CLOSED: a directory went away meanwhile, so a name in it is not hidden should it come back.
            return Err(WorkspaceError::Unsupported(
                "the workspace changed while its mask was built; run the command again",
            ));
        }
        let mask = Arc::new(MaskLayer {
            dir,
            hidden,
            stamps,
        });
        *last = Some(Arc::clone(&mask));
        Ok(mask)
    }

    /// What a mask copies of the directories it shows.
    fn stamps(
        &self,
        hidden: &BTreeSet<Vec<u8>>,
    ) -> Result<Vec<(Vec<u8>, Option<(u32, i128, u32, u32)>)>, WorkspaceError> {
        let mut dirs: BTreeSet<&[u8]> = BTreeSet::from([&b""[..]]);
        for path in hidden {
            let mut dir = split(path).0;
            while !dir.is_empty() && dirs.insert(dir) {
                dir = split(dir).0;
            }
        }
        dirs.into_iter()
            .map(|dir| {
                let stat = self.base.tree.stat(dir)?;
                let stamp = stat.map(|stat| {
                    (
                        permissions(&stat),
                        modified_ns(&stat),
                        stat.st_uid,
                        stat.st_gid,
                    )
                });
                Ok((dir.to_vec(), stamp))
            })
            .collect()
    }

    /// The layer of what is staged; none when nothing is.
    fn staged_layer(&self) -> Result<Option<Arc<Layer>>, WorkspaceError> {
        let locked = self.base.state.lock()?;
        let staged = self.base.staged(&locked)?;
        let mut last = lock(&self.layers);
        if staged.entries().is_empty() {
            *last = None;
            return Ok(None);
        }
        if let Some(layer) = &*last
            && layer.is_current(staged.generation(), &self.base.tree)?
        {
            return Ok(Some(Arc::clone(layer)));
        }
        let dir = self.base.state.fresh_dir("staged")?;
        let layer = Layer::build(
            &self.base.tree,
            staged.entries(),
            staged.generation(),
            dir,
            self.base.owner,
        )?;
        let layer = Arc::new(layer);
        *last = Some(Arc::clone(&layer));
        Ok(Some(layer))
    }

    /// Registers a command before the index is read, so that no name can appear unseen in between.
    fn guard(&self, hidden: &BTreeSet<Vec<u8>>) -> Arc<Guard> {
        let guard = Arc::new(Guard::new(hidden.clone()));
        let mut running = lock(&self.running);
        running.retain(|weak| weak.strong_count() > 0);
        running.push(Arc::downgrade(&guard));
        guard
    }

    /// What a mask must hide: blocked paths there are, and fixed ones that could appear in a directory there is.
    fn hidden(&self) -> Result<BTreeSet<Vec<u8>>, WorkspaceError> {
        let (mut hidden, blocked) = {
            let index = self.refresh()?;
            (index.hidden(), Arc::clone(index.blocked()))
        };
        for path in blocked.fixed() {
            let path = super::change::path_bytes(path);
            let parent = self.base.tree.stat(split(path).0)?;
            if parent.is_some_and(|stat| file_type(&stat) == FileType::Directory) {
                hidden.insert(path.to_vec());
            }
        }
        Ok(without_nested(hidden))
    }

    /// Whether a command would see a labelled file.
    fn has_labelled(&self) -> Result<bool, WorkspaceError> {
        let foreign: Vec<Vec<u8>> = self.refresh()?.foreign().collect();
        let locked = self.base.state.lock()?;
        let is_staged_labelled = self.base.staged(&locked)?.entries().values().any(|staged| {
            staged
                .change
                .labels
                .contains(portcullis::Label::UntrustedContent)
        });
        if is_staged_labelled {
            return Ok(true);
        }
        let mut labels = self.base.labels(&locked)?;
        let on_record: Vec<Vec<u8>> = labels.store.labelled().map(<[u8]>::to_vec).collect();
        for path in on_record.iter().chain(&foreign) {
            if self.base.labels_in_tree(&mut labels, path)? != Exposure::NONE {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Without paths below others.
fn without_nested(paths: BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let is_below = |path: &[u8]| {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes
            .map(|(at, _)| &path[..at])
            .any(|above| paths.contains(above))
    };
    paths
        .iter()
        .filter(|path| !is_below(path))
        .cloned()
        .collect()
}

impl Watched for Shared {
    fn watch(&self) -> &Watch {
        &self.watch
    }

    fn running(&self) -> Vec<Arc<Guard>> {
        lock(&self.running)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    fn is_blocked(&self, path: &[u8]) -> bool {
        let blocked = Arc::clone(lock(&self.index).blocked());
        blocked.holds(path)
    }

    fn blocked_now(&self) -> Result<BTreeSet<Vec<u8>>, WorkspaceError> {
        // Without the state lock: a stop must not wait for a landing.
        let labels = self.base.labels_as_known();
        Ok(self.refresh_with(&labels)?.hidden())
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
            staged: shared.staged_layer()?,
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
        self.shared.base.end_command(command)
    }

    fn carried_by_view(&self) -> Exposure {
        // FAIL-CLOSED: what cannot be told is untrusted.
        Exposure::UNTRUSTED.when(self.shared.has_labelled().unwrap_or(true))
    }

    super::view::by_base!(shared.base);
}
