//! Lands changes that a tool made: each is a request of its own.

use nucleus_audit::Effect;
use portcullis::request::{Request, Subject};
use portcullis::{Amount, Exposure, OperationSet, Reason, Reasons};

use super::Sandbox;
#[cfg(not(target_os = "linux"))]
use super::git_settings::UserFiles;
use super::repository::Repositories;
use crate::error::Error;
use crate::monitor::{Admitted, RefusedKind, Terms};
use crate::ports::FaultStep;
use crate::workspace::{Change, Landed, StageReason, WorkspaceError};

/// When a change is kept for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// When the law says that it needs approval.
    IfAsked,
    /// Also when its path alone is harmless: it makes a repository, takes one apart, or git's settings name it.
    Always,
}

impl Kept {
    pub(crate) fn of(repositories: &Repositories, change: &Change) -> Self {
        if repositories.activates(change) {
            Self::Always
        } else {
            Self::IfAsked
        }
    }
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedChange {
    /// The path as found on disk, escaped where it has no canonical spelling.
    pub path: String,
    /// `create`, `modify`, `mkdir`, `chmod` or `delete`.
    pub verb: &'static str,
    /// Why it is kept for the user instead; `None` when it landed.
    pub staged: Option<StageReason>,
    /// Whether a build on the host runs it.
    pub is_build_input: bool,
}

/// What a tool changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Each change in the order in which it landed.
    pub changes: Vec<LandedChange>,
}

impl Written {
    /// Whether everything landed.
    #[must_use]
    pub fn is_landed(&self) -> bool {
        self.changes.iter().all(|change| change.staged.is_none())
    }
}

impl Sandbox {
    /// The request of a change; `also` are operations of the tool beside the change's own.
    pub(crate) fn change_request(
        &self,
        change: &Change,
        also: OperationSet,
    ) -> Result<Request, Error> {
        let path = change.path.parse()?;
        let operations = change.operations().union(also);
        let builder = self.monitor.request(operations, Subject::Path(path));
        Ok(builder.content(change.content()).build())
    }

    /// Judges and lands one change of a tool.
    pub(super) fn land(&self, change: Change, also: OperationSet) -> Result<Written, Error> {
        self.land_each(vec![change], also)
    }

    /// Judges and lands changes of a tool one after the other; the first refusal ends it.
    pub(super) fn land_each(
        &self,
        changes: Vec<Change>,
        also: OperationSet,
    ) -> Result<Written, Error> {
        let mut written = Written {
            changes: Vec::with_capacity(changes.len()),
        };
        let repositories = self.repositories(&changes)?;
        for change in changes {
            let kept = Kept::of(&repositories, &change);
            written.changes.push(self.land_one(change, also, kept)?);
        }
        Ok(written)
    }

    /// Lands a change after the directories it needs; what needs approval among them is kept, and so is the change then.
    pub(super) fn land_below(
        &self,
        parents: Vec<Change>,
        change: Change,
        also: OperationSet,
    ) -> Result<Written, Error> {
        let mut kept = Written {
            changes: Vec::new(),
        };
        let mut first = None;
        for change in parents.into_iter().chain([change]) {
            let repositories = self.repositories(std::slice::from_ref(&change))?;
            let is_kept = if first.is_some() {
                Kept::Always
            } else {
                Kept::of(&repositories, &change)
            };
            match self.land_one(change, also, is_kept) {
                Ok(landed) => kept.changes.push(landed),
                Err(error)
                    if error
                        .refused()
                        .is_some_and(|r| r.kind() == RefusedKind::ApprovalRequired) =>
                {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        first.map_or(Ok(kept), Err)
    }

    /// Ends a permitted landing without effect: more than its path makes it an activation.
    pub(crate) fn hold_back(&self, admitted: Admitted) -> Result<(), Error> {
        drop(admitted.permit);
        let why = Effect::Failed("staged: git would obey it");
        Ok(admitted.ticket.finish(why, Amount::ZERO)?)
    }

    /// Keeps a change for the user, who may approve it for these reasons.
    pub(crate) fn keep(&self, change: Change, reasons: Reasons) -> Result<LandedChange, Error> {
        let mut report = LandedChange::of(&change);
        let reason = StageReason::Approval(reasons);
        self.view.stage(change, reason, self.monitor.session())?;
        self.monitor.fault(FaultStep::Staged);
        self.monitor.note_staged();
        report.staged = Some(reason);
        Ok(report)
    }

    /// What needs approval is refused and kept for the user, who may apply it.
    pub(super) fn land_one(
        &self,
        change: Change,
        also: OperationSet,
        kept: Kept,
    ) -> Result<LandedChange, Error> {
        let (change, kept) = self.made_plain(change.carrying(self.written_labels()), kept)?;
        let request = self.change_request(&change, also)?;
        let admitted = match self.monitor.admit_on(&request, &Terms::default()) {
            Ok(admitted) if kept == Kept::Always => {
                self.hold_back(admitted)?;
                return self.keep(change, Reasons::of(Reason::ActivationPath));
            }
            Ok(admitted) => admitted,
            Err(refused) if refused.kind() == RefusedKind::ApprovalRequired => {
                self.keep(change, refused.reasons())?;
                return Err(refused.into());
            }
            Err(refused) => return Err(refused.into()),
        };
        self.land_admitted(admitted, &request, change)
    }

    /// Lands the change that was admitted, and says what became of it.
    pub(super) fn land_admitted(
        &self,
        admitted: Admitted,
        request: &Request,
        change: Change,
    ) -> Result<LandedChange, Error> {
        let mut report = LandedChange::of(&change);
        self.monitor.fault(FaultStep::BeforeLanding);
        let landed = self.view.land(admitted.permit, request, change);
        self.monitor.fault(FaultStep::AfterLanding);
        let why = failure(&landed);
        let effect = why.as_deref().map_or(Effect::Done, Effect::Failed);
        admitted.ticket.finish(effect, Amount::ZERO)?;
        match landed? {
            Landed::Done => {
                self.monitor.note_landed();
                self.note_landed(&report);
            }
            Landed::Staged(reason) => {
                self.monitor.note_staged();
                report.staged = Some(reason);
            }
        }
        Ok(report)
    }

    /// Marks what landed for the summary.
    pub(crate) fn note_landed(&self, change: &LandedChange) {
        if change.is_build_input && change.verb != "delete" {
            self.monitor.note_build_input(&change.path);
        }
    }

    /// What changes are judged against beside their paths.
    pub(crate) fn repositories(&self, changes: &[Change]) -> Result<Repositories, Error> {
        #[cfg(target_os = "linux")]
        let user = self.jails().options().user_files();
        #[cfg(not(target_os = "linux"))]
        let user = UserFiles::default();
        Repositories::around(self.view.root(), user, changes)
    }

    /// The labels that stay with whatever the session writes now.
    pub(crate) fn written_labels(&self) -> Exposure {
        self.monitor.exposure().sources()
    }
}

impl LandedChange {
    pub(crate) fn of(change: &Change) -> Self {
        let is_build_input = change
            .path
            .rel()
            .is_some_and(portcullis::activation::is_build_input);
        Self {
            path: change.path.to_string(),
            verb: change.verb(),
            staged: None,
            is_build_input,
        }
    }
}

/// Why a landing did not reach the tree, for its record.
pub(crate) fn failure(landed: &Result<Landed, WorkspaceError>) -> Option<String> {
    match landed {
        Ok(Landed::Done) => None,
        Ok(Landed::Staged(reason)) => Some(format!("staged: {}", reason.name())),
        Err(error) => Some(error.to_string()),
    }
}
