//! Takes one group of changes into the tree with as few waits for the disk as their order allows.

use std::collections::{BTreeSet, HashMap};

use super::base::Base;
use super::landing::{self, Half, Placed, Prepared, Site};
use super::{Change, ChangeKind, Origin, StageReason, WorkspaceError, fault};

/// From so many files on, flushing the whole file system costs less than flushing each.
const FLUSH_ALL: usize = 16;

/// One group on its way into the tree.
pub(super) struct Run<'a> {
    pub(super) base: &'a Base,
    /// `Ok(Err(reason))` is staged without an attempt.
    pub(super) placed: HashMap<usize, Result<Result<Placed, StageReason>, WorkspaceError>>,
    pub(super) pending: Vec<(usize, Prepared)>,
    pub(super) touched: BTreeSet<Vec<u8>>,
}

impl Run<'_> {
    pub(super) fn begin(&mut self, at: usize, change: &Change) {
        // What replaces or closes something waits for the content that was to land before it.
        if matches!(change.kind, ChangeKind::Delete | ChangeKind::Mode { .. }) {
            self.place_pending();
        }
        let root = self.base.tree.path();
        if let ChangeKind::Symlink { target } = &change.kind
            && !matches!(change.origin, Origin::Staged(_))
            && super::leaves::leaves(root, change.path.as_path(), target)
        {
            self.placed.insert(at, Ok(Err(StageReason::LeavingLink)));
            return;
        }
        let begun = Site::of(&self.base.tree, change.path.as_bytes())
            .and_then(|site| landing::begin(site, change));
        match begun {
            Ok(Half::Prepared(prepared)) => self.pending.push((at, prepared)),
            Ok(Half::Finished(placed)) => {
                self.touch(change.path.as_bytes());
                self.placed.insert(at, Ok(Ok(placed)));
            }
            // Where the directory is gone, nothing is left to delete.
            Err(WorkspaceError::NotFound(_)) if change.kind == ChangeKind::Delete => {
                self.placed.insert(at, Ok(Ok(Placed::Done)));
            }
            Err(error) => {
                self.placed.insert(at, Err(error));
            }
        }
    }

    /// Flushes the content that is ready and gives it its names.
    pub(super) fn place_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let flushed_all = pending.len() >= FLUSH_ALL && rustix::fs::syncfs(&self.base.tree).is_ok();
        for (at, prepared) in pending {
            let flushed = if flushed_all {
                Ok(())
            } else {
                prepared.flush()
            };
            fault::step("flushed");
            let placed = flushed.and_then(|()| prepared.place());
            self.touch(prepared.site().path());
            self.placed.insert(at, placed.map(Ok));
        }
    }

    /// Remembers a directory whose names changed.
    fn touch(&mut self, path: &[u8]) {
        self.touched.insert(super::tree::split(path).0.to_vec());
    }
}

/// Makes the names in these directories durable.
pub(super) fn sync_names(base: &Base, touched: BTreeSet<Vec<u8>>) {
    if touched.len() >= FLUSH_ALL && rustix::fs::syncfs(&base.tree).is_ok() {
        return;
    }
    for path in touched {
        // A directory that is gone by now has no names to keep.
        let synced = base.tree.open_dir(&path).map_or(Ok(()), rustix::fs::fsync);
        if let Err(error) = synced {
            tracing::warn!(%error, "names of landed files may be lost with the machine");
        }
    }
}
