//! Lands what a command changed: each change a request, with one flush before the first of them.

use nucleus_audit::Effect;
use portcullis::{Amount, OperationSet, Reason, Reasons};

use super::output::{CommandOutput, RefusedChange};
use crate::error::Error;
use crate::monitor::{Need, Purpose, Refused, RefusedKind, Terms, Ticket};
use crate::ports::FaultStep;
use crate::sandbox::{Kept, LandedChange, Sandbox, failure};
use crate::workspace::{Change, CommandOutcome, Landed, Landing};

impl Sandbox {
    /// Judges every change, then lands those that may; what needs approval is staged.
    pub(crate) fn land_outcome(
        &self,
        outcome: CommandOutcome,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let labels = self.written_labels();
        let mut permitted = (Vec::new(), Vec::new());
        let repositories = self.repositories(&outcome.changes)?;
        for change in outcome.changes {
            let kept = Kept::of(&repositories, &change);
            let change = change.carrying(labels);
            self.judge_change(change, kept, &mut permitted, output)?;
        }
        for entry in outcome.refused {
            output.refused.push(RefusedChange {
                path: entry.path.to_string(),
                why: entry.why,
            });
        }
        self.land_permitted(permitted.0, permitted.1, output)
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
                let kept = self.keep(change, Reasons::of(Reason::ActivationPath))?;
                output.staged.push(kept);
                Ok(())
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
        output.staged.push(self.keep(change, refused.reasons())?);
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
