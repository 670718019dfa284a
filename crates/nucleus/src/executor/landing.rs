//! Lands what a command changed: each change a request, with one flush before the first of them.

use nucleus_audit::Effect;
use portcullis::path::RelPath;
use portcullis::{Amount, OperationSet, Reason, Reasons};

use super::Executor;
use super::output::{CommandOutput, RefusedChange};
use super::phases::{Own, Phases};
use crate::error::Error;
use crate::git::Ruling;
use crate::monitor::{Need, Purpose, Refused, RefusedKind, Terms, Ticket};
use crate::ports::FaultStep;
use crate::sandbox::{Kept, LandedChange, Repositories, Sandbox, failure};
use crate::workspace::{Change, CommandOutcome, Landed, Landing, WorkspaceError};

impl Executor {
    /// Judges every change, then lands those that may; what needs approval is staged.
    ///
    /// Objects of a repository land before its references, and those only as the commit that they amount to.
    pub(crate) fn land_outcome(
        &self,
        outcome: CommandOutcome,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let sandbox = self.sandbox();
        let repositories = sandbox.repositories(&outcome.changes)?;
        let phases = Phases::of(outcome);
        sandbox.land_changes(phases.plain, &repositories, output)?;
        for (own, waiting) in phases.repositories {
            self.land_references(&own, waiting, &repositories, output)?;
        }
        sandbox.land_changes(phases.last, &repositories, output)?;
        for entry in phases.refused {
            output.refused.push(RefusedChange {
                path: entry.path.to_string(),
                why: entry.why,
            });
        }
        Ok(())
    }

    /// Lands what moves references of one repository, or keeps all of it, or none.
    fn land_references(
        &self,
        own: &RelPath,
        waiting: Own,
        repositories: &Repositories,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let sandbox = self.sandbox();
        let repository = own.parent().unwrap_or_else(RelPath::root);
        let landed = output.landed.len();
        let count = waiting.references.len();
        let tickets = match self.judge_references(&repository, &waiting.references) {
            Ruling::Free => Vec::new(),
            Ruling::Permitted(tickets) => tickets,
            Ruling::Asks(reasons) => {
                sandbox.keep_all(waiting.references, reasons, output)?;
                refuse_all(waiting.removed, KEPT_OBJECT, output);
                return Ok(());
            }
            Ruling::Refused(why) => {
                refuse_all(waiting.references, &why, output);
                refuse_all(waiting.removed, KEPT_OBJECT, output);
                return Ok(());
            }
        };
        sandbox.land_changes(waiting.references, repositories, output)?;
        let is_whole = output.landed.len() == landed + count;
        for ticket in tickets {
            let effect = if is_whole {
                Effect::Done
            } else {
                Effect::Failed("not all of it landed")
            };
            ticket.finish(effect, Amount::ZERO)?;
        }
        if is_whole {
            return sandbox.land_changes(waiting.removed, repositories, output);
        }
        refuse_all(waiting.removed, KEPT_OBJECT, output);
        Ok(())
    }
}

/// Why an object stays.
const KEPT_OBJECT: &str = "a reference that did not move may lead to it";

/// Names changes that neither land nor are kept.
fn refuse_all(changes: Vec<Change>, why: &str, output: &mut CommandOutput) {
    output
        .refused
        .extend(changes.into_iter().map(|change| RefusedChange {
            path: change.path.to_string(),
            why: why.to_owned(),
        }));
}

impl Sandbox {
    /// Judges every change, then lands those that may, with one flush before the first.
    fn land_changes(
        &self,
        changes: Vec<Change>,
        repositories: &Repositories,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let labels = self.written_labels();
        let mut permitted = (Vec::new(), Vec::new());
        for change in changes {
            let kept = Kept::of(repositories, &change);
            let (change, kept) = self.made_plain(change.carrying(labels), kept)?;
            self.judge_change(change, kept, &mut permitted, output)?;
        }
        self.land_permitted(permitted.0, permitted.1, output)
    }

    /// Keeps changes for the user for these reasons, less those that are denied by themselves.
    fn keep_all(
        &self,
        changes: Vec<Change>,
        reasons: Reasons,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let labels = self.written_labels();
        for change in changes {
            let (change, _) = self.made_plain(change.carrying(labels), Kept::Always)?;
            let request = self.change_request(&change, OperationSet::EMPTY)?;
            let terms = Terms {
                need: Need::Buffered,
                purpose: Purpose::Landing,
                ..Terms::default()
            };
            match self.monitor().admit_on(&request, &terms) {
                Ok(admitted) => {
                    self.hold_back(admitted)?;
                    self.keep_into(change, reasons, output)?;
                }
                Err(refused) if refused.kind() == RefusedKind::ApprovalRequired => {
                    self.keep_into(change, reasons.union(refused.reasons()), output)?;
                }
                Err(refused) => self.keep_or_name(change, &refused, output)?,
            }
        }
        Ok(())
    }

    /// Judges one change and sorts it: to land, staged, or refused.
    fn judge_change(
        &self,
        change: Change,
        kept: Kept,
        (landings, tickets): &mut (Vec<Landing>, Vec<(LandedChange, Ticket)>),
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let request = match self.change_request(&change, OperationSet::EMPTY) {
            Ok(request) => request,
            Err(error) => {
                let why = error.to_string();
                output.refused.push(RefusedChange {
                    path: change.path.to_string(),
                    why,
                });
                return Ok(());
            }
        };
        let terms = Terms {
            need: Need::Buffered,
            purpose: Purpose::Landing,
            ..Terms::default()
        };
        match self.monitor().admit_on(&request, &terms) {
            Ok(admitted) if kept == Kept::Always => {
                self.hold_back(admitted)?;
                self.keep_into(change, Reasons::of(Reason::ActivationPath), output)
            }
            Ok(admitted) => {
                tickets.push((LandedChange::of(&change), admitted.ticket));
                landings.push(Landing {
                    permit: admitted.permit,
                    request,
                    change,
                });
                Ok(())
            }
            Err(refused) => self.keep_or_name(change, &refused, output),
        }
    }

    /// Keeps a change that needs approval for the user, and names one that is denied.
    fn keep_or_name(
        &self,
        change: Change,
        refused: &Refused,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let report = LandedChange::of(&change);
        if refused.kind() != RefusedKind::ApprovalRequired {
            let why = refused.sentences().join("; ");
            output.refused.push(RefusedChange {
                path: report.path,
                why,
            });
            return Ok(());
        }
        self.keep_into(change, refused.reasons(), output)
    }

    /// Keeps a change for the user; names it where the session holds back as much as it may.
    fn keep_into(
        &self,
        change: Change,
        reasons: Reasons,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let path = change.path.to_string();
        match self.keep(change, reasons) {
            Ok(kept) => output.staged.push(kept),
            Err(Error::Workspace(full @ WorkspaceError::StageFull { .. })) => {
                let why = full.to_string();
                output.refused.push(RefusedChange { path, why });
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Makes the records durable, then lands.
    fn land_permitted(
        &self,
        landings: Vec<Landing>,
        tickets: Vec<(LandedChange, Ticket)>,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        if landings.is_empty() {
            return Ok(());
        }
        self.monitor().flush("changes of a command land")?;
        self.monitor().fault(FaultStep::BeforeLanding);
        let results = self.view().land_all(landings);
        self.monitor().fault(FaultStep::AfterLanding);
        for ((mut report, ticket), landed) in tickets.into_iter().zip(results) {
            let why = failure(&landed);
            ticket.finish(
                why.as_deref().map_or(Effect::Done, Effect::Failed),
                Amount::ZERO,
            )?;
            match landed {
                Ok(Landed::Done) => {
                    self.note_landed(&report);
                    output.landed.push(report);
                }
                Ok(Landed::Staged(reason)) => {
                    self.monitor().note_staged();
                    report.staged = Some(reason);
                    output.staged.push(report);
                }
                Err(error) => {
                    output.refused.push(RefusedChange {
                        path: report.path,
                        why: error.to_string(),
                    });
                }
            }
        }
        Ok(())
    }
}
