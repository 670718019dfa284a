//! Lands a staged change that the user approves: the whole step runs again for it, under what the user was shown.

use portcullis::{OperationSet, Reason, Reasons};

use super::land::Kept;
use super::{LandedChange, Sandbox};
use crate::error::Error;
use crate::monitor::{Consent, Terms};
use crate::workspace::{Change, StageReason, StagedChange};

/// A staged change as the user decides about it: what it is, what it is based on, and why it was held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    staged: StagedChange,
    change: Change,
    reasons: Reasons,
}

impl Review {
    /// The change as it was staged.
    #[must_use]
    pub fn staged(&self) -> &StagedChange {
        &self.staged
    }

    /// Every reason to show: those it was held back for, and those that hold now.
    #[must_use]
    pub fn reasons(&self) -> Reasons {
        self.reasons
    }
}

impl Sandbox {
    /// What a user must be shown before the staged change is applied. Host only: an agent must not reach it.
    ///
    /// # Errors
    /// When it is no longer staged as it was found, or the tree cannot be read.
    pub fn review(&self, staged: &StagedChange) -> Result<Review, Error> {
        let change = self.taken_up(staged)?;
        let request = self.change_request(&change, OperationSet::EMPTY)?;
        let held_for = match staged.reason {
            StageReason::Approval(reasons) => reasons,
            StageReason::Conflict | StageReason::LeavingLink | StageReason::Failed => Reasons::NONE,
        };
        let reasons = held_for
            .union(self.monitor.reasons_to_ask(&request))
            .union(self.reasons_beside(&change)?);
        Ok(Review {
            staged: staged.clone(),
            change,
            reasons,
        })
    }

    /// Judges again and lands a change that `approver` has said yes to after seeing the review. Host only.
    ///
    /// The yes is on record first, with the reasons shown. What it was given
    /// for must still be staged; a change whose file was changed since the
    /// review stays staged.
    ///
    /// # Errors
    /// A refusal, also when a reason holds now that the review did not have,
    /// and [`Error::Invalid`] when what is staged is not what was shown.
    pub fn apply(&self, shown: &Review, approver: &str) -> Result<LandedChange, Error> {
        self.taken_up(&shown.staged)?;
        let change = shown.change.clone();
        let request = self.change_request(&change, OperationSet::EMPTY)?;
        let beside = self.reasons_beside(&change)?;
        let consent = consent(shown.reasons, approver)?;
        let terms = Terms::default();
        let admitted = self
            .monitor
            .admit_consented(&request, &terms, beside, &consent)?;
        self.land_admitted(admitted, &request, change)
    }

    /// The staged change on what the tree holds now, if it is still the one that was found.
    fn taken_up(&self, staged: &StagedChange) -> Result<Change, Error> {
        let change = self.view.take_up(staged.session, &staged.change.path)?;
        // What it is based on is judged by the landing, which finds a conflict.
        let as_staged = Change {
            before: staged.change.before.clone(),
            ..change.clone()
        };
        if as_staged.digest() != staged.change.digest() {
            return Err(Error::Invalid(
                "the change is no longer the one that was shown\nhelp: look again with `nucleus diff`"
                    .to_owned(),
            ));
        }
        Ok(change.carrying(self.written_labels()))
    }

    /// What asks for an approval although the path alone is harmless.
    fn reasons_beside(&self, change: &Change) -> Result<Reasons, Error> {
        let repositories = self.repositories(std::slice::from_ref(change))?;
        let is_kept = Kept::of(&repositories, change) == Kept::Always;
        Ok(Reasons::of(Reason::ActivationPath).when(is_kept))
    }
}

fn consent(shown: Reasons, approver: &str) -> Result<Consent, Error> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| {
        Error::failed("cannot approve", std::io::Error::other(error.to_string()))
    })?;
    Ok(Consent {
        shown,
        approver: approver.to_owned(),
        nonce,
        expires_boot_ms: u64::MAX,
    })
}
