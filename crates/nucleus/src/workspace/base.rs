//! What both kinds of workspace share: the real tree beneath a handle, what is staged over it, and labels.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis::SessionId;
use rustix::fs::{Gid, Uid};

use super::labels::{LabelStore, Repository};
use super::staging::{Entries, Staged};
use super::state::{Locked, State};
use super::tree::Tree;
use super::{Before, EntryPath, StagedChange, WorkspaceError};

/// The parts every workspace has.
///
/// Locks are taken in this order: the state lock, `staged`, `labels`.
#[derive(Debug)]
pub(crate) struct Base {
    pub(super) tree: Tree,
    pub(super) state: State,
    pub(super) owner: Option<(Uid, Gid)>,
    staged: Mutex<Staged>,
    labels: Mutex<Labels>,
}

/// Whose staged changes are laid over the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// The user at the host: nobody's, so that the tree is seen as it is.
    User,
    /// One session: its own and no other's.
    Session(SessionId),
}

/// The workspace as one viewer sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    base: &'a Base,
    pub(super) viewer: Viewer,
}

impl std::ops::Deref for Seen<'_> {
    type Target = Base;

    fn deref(&self) -> &Base {
        self.base
    }
}

/// Labels on record and what the repository tracks.
#[derive(Debug)]
pub(crate) struct Labels {
    pub(super) store: LabelStore,
    pub(super) repository: Option<Repository>,
    pub(super) digests: super::carried::DigestCache,
}

/// What a path shows when staged changes are laid over the tree.
#[derive(Debug)]
pub(crate) enum Shown {
    /// Whatever the tree holds.
    Tree,
    /// Nothing.
    Nothing,
    /// This staged change.
    Staged(Box<StagedChange>),
}

impl Base {
    /// Opens the workspace at `root`, and settles what crashes left.
    pub(crate) fn open(
        root: &Path,
        options: &super::WorkspaceOptions,
    ) -> Result<Self, WorkspaceError> {
        let state_dir = &options.state_dir;
        let root = super::suitable::check_root(root, state_dir, &options.forbidden)?;
        let tree = Tree::open(&root)?;
        super::suitable::check_filesystem(&tree)?;
        let state = State::open(state_dir)?;
        let owner = owner_of(&tree)?;
        let (staged, store) = {
            let locked = state.lock()?;
            (
                Staged::open(&state, owner, options.stage_limits, &locked)?,
                LabelStore::open(&state, &locked)?,
            )
        };
        Ok(Self {
            labels: Mutex::new(Labels {
                store,
                repository: Repository::find(&root),
                digests: super::carried::DigestCache::default(),
            }),
            staged: Mutex::new(staged),
            tree,
            state,
            owner,
        })
    }

    /// Settles temporary names that no living landing holds.
    pub(super) fn settle(&self, left_over: &[Vec<u8>]) -> Result<(), WorkspaceError> {
        if left_over.is_empty() {
            return Ok(());
        }
        let _locked = self.state.lock()?;
        left_over
            .iter()
            .try_for_each(|path| super::landing::recover(&self.tree, path))
    }

    /// What is staged, with what other sessions did.
    pub(super) fn staged(
        &self,
        locked: &Locked<'_>,
    ) -> Result<MutexGuard<'_, Staged>, WorkspaceError> {
        let mut staged = self.staged.lock().unwrap_or_else(PoisonError::into_inner);
        staged.refresh(locked)?;
        Ok(staged)
    }

    /// The labels, with what other sessions did and what the repository tracks now.
    pub(super) fn labels(
        &self,
        locked: &Locked<'_>,
    ) -> Result<MutexGuard<'_, Labels>, WorkspaceError> {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        labels.store.refresh(locked)?;
        if let Some(repository) = &mut labels.repository {
            repository.refresh();
        }
        Ok(labels)
    }

    /// The labels as last read, for those who cannot wait.
    pub(super) fn labels_as_known(&self) -> MutexGuard<'_, Labels> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspace as this viewer sees it.
    pub(super) fn seen_by(&self, viewer: Viewer) -> Seen<'_> {
        Seen { base: self, viewer }
    }
}

impl Seen<'_> {
    /// What a path shows.
    pub(super) fn shown(&self, path: &EntryPath) -> Result<Shown, WorkspaceError> {
        let locked = self.state.lock()?;
        Ok(shown_in(self.staged(&locked)?.of(self.viewer), path))
    }

    /// What a change of this path is based on: what the tree holds, or what a staged change of it was based on.
    pub(super) fn base_of(&self, path: &EntryPath) -> Result<Before, WorkspaceError> {
        let locked = self.state.lock()?;
        if let Some(staged) = self.staged(&locked)?.of(self.viewer).get(path) {
            return Ok(staged.change.before.clone());
        }
        Before::at(&self.tree, path.as_bytes())
    }
}

/// What a path shows over the tree.
pub(super) fn shown_in(staged: &Entries, path: &EntryPath) -> Shown {
    if staged.is_empty() {
        return Shown::Tree;
    }
    let bytes = path.as_bytes();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let above = EntryPath::from_bytes(&bytes[..at]);
        if staged
            .get(&above)
            .is_some_and(|staged| !staged.is_directory())
        {
            return Shown::Nothing;
        }
    }
    match staged.get(path) {
        Some(staged) => Shown::Staged(Box::new(staged.clone())),
        None => Shown::Tree,
    }
}

/// Who owns the workspace, when we are root and it is somebody else's.
fn owner_of(tree: &Tree) -> Result<Option<(Uid, Gid)>, WorkspaceError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let stat =
        rustix::fs::fstat(tree).map_err(WorkspaceError::io("stat", tree.path().display()))?;
    Ok(Some((
        Uid::from_raw(stat.st_uid),
        Gid::from_raw(stat.st_gid),
    )))
}
