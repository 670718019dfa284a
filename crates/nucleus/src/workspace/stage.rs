//! Keeps changes for the user, and gives them back.

use portcullis::SessionId;

use super::base::Base;
use super::{Before, Change, ChangeKind, EntryPath, Origin, StageReason, WorkspaceError};

impl Base {
    pub(super) fn stage(
        &self,
        change: Change,
        reason: StageReason,
        session: SessionId,
    ) -> Result<(), WorkspaceError> {
        if change.path.rel().is_none() {
            change.path.parse()?;
        }
        let locked = self.state.lock()?;
        let mut staged = self.staged(&locked)?;
        if change.kind == ChangeKind::Delete && change.before == Before::Absent {
            // Only a staged change was there to delete.
            return staged.remove(std::slice::from_ref(&change.path), &locked);
        }
        staged.add(change, reason, session, &locked)
    }

    pub(super) fn staged_changes(&self) -> Result<Vec<super::StagedChange>, WorkspaceError> {
        let locked = self.state.lock()?;
        Ok(self.staged(&locked)?.entries().values().cloned().collect())
    }

    /// The staged change, based on what the tree holds now: the user sees that and decides.
    pub(super) fn take_up(&self, path: &EntryPath) -> Result<Change, WorkspaceError> {
        let locked = self.state.lock()?;
        let staged = self.staged(&locked)?;
        let found = staged
            .entries()
            .get(path)
            .ok_or_else(|| WorkspaceError::NotFound(format!("{path}, as a staged change,")))?;
        let mut change = found.change.clone();
        change.before = Before::at(&self.tree, path.as_bytes())?;
        change.origin = Origin::Staged;
        Ok(change)
    }

    pub(super) fn discard(&self, paths: &[EntryPath]) -> Result<Vec<EntryPath>, WorkspaceError> {
        let locked = self.state.lock()?;
        let mut staged = self.staged(&locked)?;
        let named = |key: &&EntryPath| {
            paths
                .iter()
                .any(|path| *key == path || super::reading::below(path, key).is_some())
        };
        let found: Vec<EntryPath> = staged.entries().keys().filter(named).cloned().collect();
        staged.remove(&found, &locked)?;
        Ok(found)
    }
}
