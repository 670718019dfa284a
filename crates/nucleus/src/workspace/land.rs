//! Lands permitted changes: labels first, then content, then the name; what conflicts is staged.

use std::collections::{BTreeSet, HashMap};

use nucleus_audit::Recorded;
use portcullis::activation::is_activation;
use portcullis::path::RelPath;
use portcullis::{Exposure, Permit, Request, SessionId, Subject};

use super::base::{Base, Labels};
use super::carried::label_digest;
use super::change::ChangeKind;
use super::group::{Run, sync_names};
use super::labels::Written;
use super::landing::{Placed, is_reserved};
use super::state::Locked;
use super::{Before, Change, Landed, Landing, Origin, StageReason, WorkspaceError};

/// Files written before they are flushed together; each holds two descriptors.
const GROUP: usize = 192;
/// Largest git index whose new names are looked at; a larger one does not land.
pub(crate) const MAX_GIT_INDEX_BYTES: u64 = 256 << 20;

/// A change whose permit was checked.
#[derive(Debug)]
struct Ready {
    change: Change,
    session: SessionId,
}

impl Base {
    /// Lands each change for which its permit was given; results in the same order.
    pub(super) fn land_all(&self, landings: Vec<Landing>) -> Vec<Result<Landed, WorkspaceError>> {
        let mut results: Vec<Option<Result<Landed, WorkspaceError>>> = Vec::new();
        let mut ready = Vec::new();
        for (at, landing) in landings.into_iter().enumerate() {
            let checked = check(landing);
            results.push(None);
            match checked {
                Ok(change) => ready.push((at, change)),
                Err(error) => results[at] = Some(Err(error)),
            }
        }
        let mut touched = BTreeSet::new();
        let mut ready = ready.into_iter().peekable();
        while ready.peek().is_some() {
            let group: Vec<(usize, Ready)> = ready.by_ref().take(GROUP).collect();
            for (at, result) in self.land_group(group, &mut touched) {
                results[at] = Some(result);
            }
        }
        sync_names(self, touched);
        let missing = || Err(WorkspaceError::Unsupported("a landing without result"));
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(missing))
            .collect()
    }

    /// Lands without a permit, for tests of what happens below the permit.
    #[cfg(test)]
    pub(super) fn land_unpermitted(
        &self,
        changes: Vec<Change>,
        session: SessionId,
    ) -> Vec<Result<Landed, WorkspaceError>> {
        let ready = changes.into_iter().map(|change| Ready { change, session });
        let results = self.land_group(ready.enumerate().collect(), &mut BTreeSet::new());
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// Lands one group; names that need not be durable before the next are added to `touched`.
    fn land_group(
        &self,
        group: Vec<(usize, Ready)>,
        touched: &mut BTreeSet<Vec<u8>>,
    ) -> Vec<(usize, Result<Landed, WorkspaceError>)> {
        let locked = match self.state.lock().and_then(|locked| {
            self.label(&group, &locked)?;
            Ok(locked)
        }) {
            Ok(locked) => locked,
            // FAIL-CLOSED: no content lands whose label is not on disk.
            Err(error) => return fail_all(group, error),
        };
        let mut run = Run {
            base: self,
            placed: HashMap::new(),
            pending: Vec::new(),
            touched: BTreeSet::new(),
        };
        for (at, ready) in &group {
            run.begin(*at, &ready.change);
        }
        run.place_pending();
        let placed = run.placed;
        // What was staged is forgotten only once its landing is durable.
        if self
            .staged(&locked)
            .is_ok_and(|staged| staged.all().next().is_none())
        {
            touched.append(&mut run.touched);
        } else {
            sync_names(self, run.touched);
        }
        self.conclude(group, placed, &locked)
    }

    /// Puts on record what the changes carry. Durable when it returns, if there is anything to protect.
    fn label(&self, group: &[(usize, Ready)], locked: &Locked<'_>) -> Result<(), WorkspaceError> {
        let mut labels = self.labels(locked)?;
        let mut written = Vec::new();
        for (_, ready) in group {
            written.extend(self.newly_tracked(&mut labels, &ready.change)?);
            written.extend(written_by(&ready.change));
        }
        labels.store.write(&written, locked)
    }

    /// What a landing git index would make tracked keeps the label it has: a session cannot trust a file by adding it.
    fn newly_tracked(
        &self,
        labels: &mut Labels,
        change: &Change,
    ) -> Result<Vec<Written>, WorkspaceError> {
        let ChangeKind::Write { content, .. } = &change.kind else {
            return Ok(Vec::new());
        };
        let Some(repository) = &labels.repository else {
            return Ok(Vec::new());
        };
        if repository.index_path() != self.tree.path().join(change.path.as_path()) {
            return Ok(Vec::new());
        }
        let names = repository.newly_tracked(&content.read(MAX_GIT_INDEX_BYTES)?);
        let mut written = Vec::new();
        for name in names {
            let carried = self.labels_in_tree(labels, &name)?;
            if carried != Exposure::NONE {
                written.push(Written {
                    path: name,
                    digest: None,
                    before: None,
                    labels: carried,
                });
            }
        }
        Ok(written)
    }

    /// Stages what did not land and forgets what was staged of what did.
    fn conclude(
        &self,
        group: Vec<(usize, Ready)>,
        mut placed: HashMap<usize, Result<Result<Placed, StageReason>, WorkspaceError>>,
        locked: &Locked<'_>,
    ) -> Vec<(usize, Result<Landed, WorkspaceError>)> {
        let mut landed = Vec::new();
        let mut results = Vec::new();
        for (at, ready) in group {
            let path = (ready.session, ready.change.path.clone());
            let result = match placed.remove(&at) {
                Some(Ok(Ok(Placed::Done))) => {
                    landed.push(path);
                    Ok(Landed::Done)
                }
                Some(Ok(Ok(Placed::Conflict))) => self.keep(ready, StageReason::Conflict, locked),
                Some(Ok(Err(reason))) => self.keep(ready, reason, locked),
                Some(Err(error)) if is_refusal(&error) => self
                    .keep(ready, StageReason::Failed, locked)
                    .map_err(|_| error),
                Some(Err(error)) => Err(error),
                None => Err(WorkspaceError::Unsupported("a landing without result")),
            };
            results.push((at, result));
        }
        if let Err(error) = self
            .staged(locked)
            .and_then(|mut staged| staged.remove(&landed, locked))
        {
            // The tree holds these; what is still listed as staged is the same change again.
            tracing::warn!(%error, "landed changes are still listed as staged");
        }
        results
    }

    fn keep(
        &self,
        ready: Ready,
        reason: StageReason,
        locked: &Locked<'_>,
    ) -> Result<Landed, WorkspaceError> {
        self.staged(locked)?
            .add(ready.change, reason, ready.session, locked)?;
        Ok(Landed::Staged(reason))
    }
}

/// The change of a landing, if its permit is for a request that is for it.
fn check(landing: Landing) -> Result<Ready, WorkspaceError> {
    let Landing {
        permit,
        request,
        change,
    } = landing;
    let not_covered = || WorkspaceError::NotCovered(change.path.to_string());
    let permit: Recorded<Permit> = permit;
    let is_covered = permit.get().covers(&request) && is_request_for(&request, &change);
    // FAIL-CLOSED: a permit for anything but this very change lands nothing.
    if !is_covered {
        return Err(not_covered());
    }
    if change
        .path
        .as_bytes()
        .split(|byte| *byte == b'/')
        .any(is_reserved)
    {
        return Err(WorkspaceError::Unsupported(
            "a temporary name of Nucleus cannot be written",
        ));
    }
    let labels = permit.into_inner().projected().meet(Exposure::UNTRUSTED);
    // What the user lands is off the list of the session that staged it.
    let session = match change.origin {
        Origin::Staged(session) => session,
        Origin::Command | Origin::Tool => request.session(),
    };
    Ok(Ready {
        session,
        change: change.carrying(labels),
    })
}

fn is_request_for(request: &Request, change: &Change) -> bool {
    let Some(path) = change.path.rel() else {
        return false;
    };
    let is_about = match request.subject() {
        Subject::Path(subject) => {
            subject == path && request.operations().is_superset(change.operations())
        }
        Subject::Commit { repository, .. } => is_commit_state(repository, path),
        _ => false,
    };
    is_about && *request.content() == change.content()
}

/// Whether a commit in the repository may write the path: in its own directory, and nothing that git obeys.
fn is_commit_state(repository: &RelPath, path: &RelPath) -> bool {
    repository
        .join(".git")
        .is_ok_and(|own| path.starts_with(&own))
        && is_activation(path).is_none()
}

/// What a change puts on record: files and links. Nothing else holds content.
fn written_by(change: &Change) -> Option<Written> {
    let digest = match &change.kind {
        ChangeKind::Write { content, .. } => Some(content.digest()),
        ChangeKind::Symlink { target } => label_digest(&Before::Symlink {
            target: target.clone(),
        }),
        _ => return None,
    };
    Some(Written {
        path: change.path.as_bytes().to_vec(),
        digest,
        before: label_digest(&change.before),
        labels: change.labels.meet(Exposure::UNTRUSTED),
    })
}

/// Whether the kernel or the tree refused, so that the change is kept for the user.
fn is_refusal(error: &WorkspaceError) -> bool {
    matches!(
        error,
        WorkspaceError::Io { .. } | WorkspaceError::NotFound(_) | WorkspaceError::ThroughLink(_)
    )
}

fn fail_all(
    group: Vec<(usize, Ready)>,
    error: WorkspaceError,
) -> Vec<(usize, Result<Landed, WorkspaceError>)> {
    let text = error.to_string();
    let failed = |(at, ready): (usize, Ready)| {
        let io = std::io::Error::other(text.clone());
        (at, Err(WorkspaceError::io("label", &ready.change.path)(io)))
    };
    group.into_iter().map(failed).collect()
}
