//! Keeps changes for the user, and gives them back.

use portcullis::SessionId;

use super::base::{Seen, Viewer};
use super::{Before, Change, ChangeKind, EntryPath, Origin, StageReason, WorkspaceError};

impl Seen<'_> {
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
            return staged.remove(&[(session, change.path)], &locked);
        }
        staged.add(change, reason, session, &locked)
    }

    pub(super) fn staged_changes(&self) -> Result<Vec<super::StagedChange>, WorkspaceError> {
        let locked = self.state.lock()?;
        let staged = self.staged(&locked)?;
        Ok(match self.viewer {
            Viewer::User => staged.all().cloned().collect(),
            viewer => staged.of(viewer).values().cloned().collect(),
        })
    }

    /// The staged change, based on what the tree holds now: the user sees that and decides.
    pub(super) fn take_up(
        &self,
        session: SessionId,
        path: &EntryPath,
    ) -> Result<Change, WorkspaceError> {
        let locked = self.state.lock()?;
        let staged = self.staged(&locked)?;
        let found = staged
            .of(Viewer::Session(session))
            .get(path)
            .ok_or_else(|| WorkspaceError::NotFound(format!("{path}, as a staged change,")))?;
        let mut change = found.change.clone();
        change.before = Before::at(&self.tree, path.as_bytes())?;
        change.origin = Origin::Staged(session);
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
        let is_own = |of| self.viewer == Viewer::User || self.viewer == Viewer::Session(of);
        let found: Vec<(SessionId, EntryPath)> = staged
            .all()
            .filter(|staged| is_own(staged.session) && named(&&staged.change.path))
            .map(|staged| (staged.session, staged.change.path.clone()))
            .collect();
        staged.remove(&found, &locked)?;
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }
}
