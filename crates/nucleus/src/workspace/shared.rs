//! What a workspace and its watching thread share: the index of names, the layers last built, the commands that run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use portcullis::{Envelope, Exposure, SessionId};
use rustix::fs::FileType;

use super::WorkspaceError;
use super::base::{Base, Labels, Viewer};
use super::blocked::Blocked;
use super::index::{Around, Index};
use super::mask::{MaskLayer, without_nested};
use super::staging::Layer;
use super::tree::{file_type, split};
use super::watch::{Guard, Watch, Watched};

/// The shared part.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) base: Base,
    pub(super) watch: Watch,
    pub(super) index: Mutex<Index>,
    pub(super) masks: Mutex<Option<Arc<MaskLayer>>>,
    pub(super) layers: Mutex<BTreeMap<SessionId, Arc<Layer>>>,
    pub(super) running: Mutex<Vec<Weak<Guard>>>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Brings the index up to date and gives it out.
    pub(super) fn refresh(&self) -> Result<MutexGuard<'_, Index>, WorkspaceError> {
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
    pub(super) fn use_envelope(&self, envelope: &Envelope) {
        let mut index = lock(&self.index);
        if !index.blocked().is_of(envelope) {
            *index = Index::new(Arc::new(Blocked::of(envelope)));
        }
    }

    /// The mask over these paths: the last one where nothing it shows has changed.
    pub(super) fn mask(&self, hidden: BTreeSet<Vec<u8>>) -> Result<Arc<MaskLayer>, WorkspaceError> {
        let mut last = lock(&self.masks);
        if let Some(mask) = &*last
            && mask.is_current(&hidden, &self.base.tree)?
        {
            return Ok(Arc::clone(mask));
        }
        let dir = self.base.state.fresh_dir("mask")?;
        let mask = Arc::new(MaskLayer::build(&self.base.tree, hidden, dir)?);
        *last = Some(Arc::clone(&mask));
        Ok(mask)
    }

    /// The layer of what the viewer's session has staged; none when nothing is.
    pub(super) fn staged_layer(
        &self,
        viewer: Viewer,
    ) -> Result<Option<Arc<Layer>>, WorkspaceError> {
        let Viewer::Session(session) = viewer else {
            return Ok(None);
        };
        let locked = self.base.state.lock()?;
        let staged = self.base.staged(&locked)?;
        let mut last = lock(&self.layers);
        if staged.of(viewer).is_empty() {
            last.remove(&session);
            return Ok(None);
        }
        if let Some(layer) = last.get(&session)
            && layer.is_current(staged.generation(session), &self.base.tree)?
        {
            return Ok(Some(Arc::clone(layer)));
        }
        let dir = self.base.state.fresh_dir("staged")?;
        let layer = Layer::build(
            &self.base.tree,
            staged.of(viewer),
            staged.generation(session),
            dir,
            self.base.owner,
        )?;
        let layer = Arc::new(layer);
        last.insert(session, Arc::clone(&layer));
        Ok(Some(layer))
    }

    /// Registers a command before the index is read, so that no name can appear unseen in between.
    pub(super) fn guard(&self, hidden: &BTreeSet<Vec<u8>>) -> Arc<Guard> {
        let guard = Arc::new(Guard::new(hidden.clone()));
        let mut running = lock(&self.running);
        running.retain(|weak| weak.strong_count() > 0);
        running.push(Arc::downgrade(&guard));
        guard
    }

    /// What a mask must hide: blocked paths there are, and fixed ones that could appear in a directory there is.
    pub(super) fn hidden(&self) -> Result<BTreeSet<Vec<u8>>, WorkspaceError> {
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

    /// Whether a command of this viewer would see a labelled file.
    pub(super) fn has_labelled(&self, viewer: Viewer) -> Result<bool, WorkspaceError> {
        let foreign: Vec<Vec<u8>> = self.refresh()?.foreign().collect();
        let locked = self.base.state.lock()?;
        let is_staged_labelled = self
            .base
            .staged(&locked)?
            .of(viewer)
            .values()
            .any(|staged| {
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
