//! Lands what a commit changed in its repository's own directory, all of it or nothing.

use nucleus_audit::Effect;
use portcullis::path::RelPath;
use portcullis::request::Request;
use portcullis::{Amount, ContentDigest, Operation, OperationSet};

use super::Git;
use crate::error::Error;
use crate::executor::CommandOutput;
use crate::monitor::{Need, Purpose, Terms, Ticket};
use crate::ports::FaultStep;
use crate::sandbox::{Kept, failure};
use crate::workspace::{Before, Change, ChangeKind, CommandOutcome, Landed, Landing};

/// What `git commit` leaves beside objects, the branch and the logs.
const STATE: [&str; 10] = [
    "index",
    "COMMIT_EDITMSG",
    "MERGE_HEAD",
    "MERGE_MSG",
    "MERGE_MODE",
    "AUTO_MERGE",
    "SQUASH_MSG",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "ORIG_HEAD",
];

/// A commit that was judged and made, and has not landed.
pub(super) struct Made<'a> {
    pub(super) request: &'a Request,
    /// Whether a human allowed it; then the policy by itself does not.
    pub(super) is_approved: bool,
    pub(super) repository: &'a RelPath,
    pub(super) branch: &'a str,
    pub(super) id: &'a str,
}

impl Git {
    /// Lands a commit: objects first, then index and logs, the branch last.
    ///
    /// # Errors
    /// [`Error::Invalid`] when git changed anything that a commit does not, or the branch is not the commit:
    /// then nothing has landed. A conflict with the user's own git leaves the branch as it was.
    pub(super) fn land_commit(
        &self,
        made: &Made<'_>,
        outcome: CommandOutcome,
    ) -> Result<(), Error> {
        if let Some(entry) = outcome.refused.first() {
            return Err(not_of_commit(&entry.path.to_string()));
        }
        let own = made.repository.join(".git")?;
        let mut batches: [Vec<Change>; 3] = Default::default();
        for change in outcome.changes {
            let place =
                inside(&own, &change).and_then(|inside| batch_of(inside, made.branch, &change));
            let Some(batch) = place else {
                return Err(not_of_commit(&change.path.to_string()));
            };
            batches[batch].push(change);
        }
        check_tip(&own, (made.branch, made.id), &batches[2])?;
        let labels = self.executor.sandbox().written_labels();
        for batch in batches {
            let batch = batch
                .into_iter()
                .map(|change| self.part_of_commit(change.carrying(labels)));
            self.land_batch(made, batch.collect::<Result<_, _>>()?)?;
        }
        self.executor.sandbox().monitor().note_landed();
        Ok(())
    }

    /// The change as it may land.
    fn part_of_commit(&self, change: Change) -> Result<Change, Error> {
        match self.executor.sandbox().made_plain(change, Kept::IfAsked)? {
            (change, Kept::IfAsked) => Ok(change),
            (change, Kept::Always) => Err(not_of_commit(&change.path.to_string())),
        }
    }

    /// Judges all changes of a batch, then lands them.
    fn land_batch(&self, made: &Made<'_>, changes: Vec<Change>) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let monitor = self.executor.sandbox().monitor();
        let terms = Terms {
            need: Need::Buffered,
            purpose: Purpose::CommitPart,
            ..Terms::default()
        };
        let (mut landings, mut tickets) = (Vec::new(), Vec::new());
        for change in changes {
            let request = self.landing_request(made, &change)?;
            match monitor.admit_on(&request, &terms) {
                Ok(admitted) => {
                    tickets.push((change.path.clone(), admitted.ticket));
                    landings.push(Landing {
                        permit: admitted.permit,
                        request,
                        change,
                    });
                }
                Err(refused) => {
                    finish(tickets.into_iter().map(|(_, ticket)| ticket))?;
                    return Err(refused.into());
                }
            }
        }
        monitor.flush("a commit lands")?;
        monitor.fault(FaultStep::BeforeLanding);
        let results = self.executor.sandbox().view().land_all(landings);
        monitor.fault(FaultStep::AfterLanding);
        let mut first_fault = None;
        for ((path, ticket), landed) in tickets.into_iter().zip(results) {
            let why = failure(&landed);
            ticket.finish(
                why.as_deref().map_or(Effect::Done, Effect::Failed),
                Amount::ZERO,
            )?;
            if matches!(landed, Ok(Landed::Staged(_))) {
                // Half a commit is of no use to the user later.
                self.executor
                    .sandbox()
                    .view()
                    .discard(std::slice::from_ref(&path))?;
            }
            first_fault = first_fault.or(why.map(|why| (path, why)));
        }
        match first_fault {
            None => Ok(()),
            Some((path, why)) => Err(Error::Invalid(format!(
                "the commit did not land: `{path}`: {why}\nhelp: try again when no other git runs here"
            ))),
        }
    }

    /// The request for one change: part of the commit where the policy permits that, else a write of its own.
    fn landing_request(&self, made: &Made<'_>, change: &Change) -> Result<Request, Error> {
        let monitor = self.executor.sandbox().monitor();
        if made.is_approved {
            return self
                .executor
                .sandbox()
                .change_request(change, OperationSet::EMPTY);
        }
        let builder = monitor.request(Operation::GitCommit, made.request.subject().clone());
        Ok(builder.content(change.content()).build())
    }

    /// Lands changes of `git add`, each as a write of its own.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything of it did not land.
    pub(super) fn land_repository(
        &self,
        repository: &RelPath,
        outcome: CommandOutcome,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let own = repository.join(".git")?;
        if let Some(change) = outcome
            .changes
            .iter()
            .find(|change| inside(&own, change).is_none())
        {
            return Err(not_of_commit(&change.path.to_string()));
        }
        self.executor.land_outcome(outcome, output)?;
        let staged = output.staged.iter().map(|change| &change.path);
        let first = staged
            .chain(output.refused.iter().map(|change| &change.path))
            .next();
        match first {
            None => Ok(()),
            Some(path) => Err(Error::Invalid(format!(
                "git wanted to change `{path}`, which did not land\nhelp: `nucleus diff` shows what waits"
            ))),
        }
    }
}

/// The path of a change below the repository's own directory.
fn inside<'a>(own: &RelPath, change: &'a Change) -> Option<&'a str> {
    let path = change.path.rel()?;
    let below = path.as_str().strip_prefix(own.as_str())?;
    if below.is_empty() {
        Some(below)
    } else {
        below.strip_prefix('/')
    }
}

/// When a change of a commit lands: 0 objects, 1 state and logs, 2 the branch; `None` for what no commit changes.
fn batch_of(inside: &str, branch: &str, change: &Change) -> Option<usize> {
    let tip = format!("refs/heads/{branch}");
    let is_directory = matches!(change.kind, ChangeKind::Directory { .. });
    let leads_to = |path: &str| {
        is_directory
            && path
                .strip_prefix(inside)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let is_new = matches!(change.before, Before::Absent);
    let is_file = matches!(change.kind, ChangeKind::Write { .. });
    let log = format!("logs/{tip}");
    match inside {
        "objects" | "objects/pack" | "logs" if is_directory => Some(0),
        _ if inside.starts_with("objects/")
            && is_new
            && is_object(inside, is_directory, is_file) =>
        {
            Some(0)
        }
        _ if inside == tip && is_file => Some(2),
        _ if leads_to(&tip) => Some(2),
        "logs/HEAD" if is_file => Some(1),
        _ if inside == log && is_file || leads_to(&log) => Some(1),
        _ if STATE.contains(&inside) && (is_file || matches!(change.kind, ChangeKind::Delete)) => {
            Some(1)
        }
        _ => None,
    }
}

/// A loose object, its directory, or a pack with its index.
fn is_object(inside: &str, is_directory: bool, is_file: bool) -> bool {
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let Some(rest) = inside.strip_prefix("objects/") else {
        return false;
    };
    match rest.split_once('/') {
        None => is_directory && rest.len() == 2 && is_hex(rest),
        Some(("pack", name)) => is_file && name.starts_with("pack-") && !name.contains('/'),
        Some((head, tail)) => {
            is_file
                && head.len() == 2
                && is_hex(head)
                && matches!(tail.len(), 38 | 62)
                && is_hex(tail)
        }
    }
}

/// FAIL-CLOSED: the branch must become the very commit that was looked at.
fn check_tip(own: &RelPath, (branch, id): (&str, &str), changes: &[Change]) -> Result<(), Error> {
    let tip = format!("refs/heads/{branch}");
    let wanted = ContentDigest::of(format!("{id}\n").as_bytes());
    let is_tip = |change: &&Change| inside(own, change) == Some(tip.as_str());
    match changes.iter().find(is_tip).map(|change| &change.kind) {
        Some(ChangeKind::Write { content, .. }) if content.digest() == wanted => Ok(()),
        _ => Err(Error::Invalid(
            "the branch did not become the commit that was made".to_owned(),
        )),
    }
}

fn finish(tickets: impl Iterator<Item = Ticket>) -> Result<(), Error> {
    for ticket in tickets {
        ticket.finish(Effect::Failed("the commit did not land"), Amount::ZERO)?;
    }
    Ok(())
}

fn not_of_commit(path: &str) -> Error {
    Error::Invalid(format!(
        "git wanted to change `{path}`, which is no part of a commit; nothing was changed\nhelp: the \
         repository's configuration runs a program that does so: make this commit by hand"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{EntryPath, HeldContent, Origin};
    use portcullis::Exposure;

    fn written(path: &str, text: &str) -> Change {
        Change {
            path: EntryPath::from_bytes(path.as_bytes()),
            kind: ChangeKind::Write {
                content: HeldContent::from_bytes(text.as_bytes()),
                mode: 0o644,
            },
            before: Before::Absent,
            labels: Exposure::NONE,
            origin: Origin::Command,
        }
    }

    #[test]
    fn a_branch_that_became_another_commit_does_not_land() {
        let own = RelPath::parse(".git").unwrap();
        let check =
            |path: &str, text: &str| check_tip(&own, ("main", "1234"), &[written(path, text)]);
        check(".git/refs/heads/main", "1234\n").unwrap();
        check(".git/refs/heads/main", "5678\n").unwrap_err();
        check(".git/refs/heads/other", "1234\n").unwrap_err();
        check_tip(&own, ("main", "1234"), &[]).unwrap_err();
    }

    #[test]
    fn objects_are_told_from_what_git_obeys() {
        let hex = "0123456789abcdef0123456789abcdef012345";
        assert!(is_object(&format!("objects/ab/{hex}"), false, true));
        assert!(is_object("objects/ab", true, false));
        assert!(is_object("objects/pack/pack-1.idx", false, true));
        for inside in [
            "objects/info/alternates",
            "objects/info",
            "objects/ab/x",
            "objects/pack/x",
            "objects/pack/pack-/x",
        ] {
            assert!(
                !is_object(inside, true, false) && !is_object(inside, false, true),
                "{inside}"
            );
        }
    }
}
