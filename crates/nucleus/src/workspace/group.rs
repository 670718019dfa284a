//! Takes one group of changes into the tree with as few waits for the disk as their order allows.

use std::collections::HashMap;

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
    pub(super) touched: Vec<Site>,
}

impl Run<'_> {
    pub(super) fn begin(&mut self, at: usize, change: &Change) {
        // What replaces or closes something waits for the content that was to land before it.
        if matches!(change.kind, ChangeKind::Delete | ChangeKind::Mode { .. }) {
            self.place_pending();
        }
        let root = self.base.tree.path();
        if let ChangeKind::Symlink { target } = &change.kind
            && change.origin != Origin::Staged
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
        let dir = super::tree::split(path).0;
        if self
            .touched
            .iter()
            .any(|site| super::tree::split(site.path()).0 == dir)
        {
            return;
        }
        // A directory that is gone by now has no names to keep.
        if let Ok(site) = Site::of(&self.base.tree, path) {
            self.touched.push(site);
        }
    }

    /// Makes the names durable.
    pub(super) fn sync(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        if touched.len() >= FLUSH_ALL && rustix::fs::syncfs(&self.base.tree).is_ok() {
            return;
        }
        for site in touched {
            if let Err(error) = site.sync() {
                tracing::warn!(%error, "names of landed files may be lost with the machine");
            }
        }
    }
}
