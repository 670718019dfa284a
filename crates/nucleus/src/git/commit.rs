//! Commits: what would be committed is found first, judged, committed in a jail, compared, and landed.

use nucleus_audit::Effect;
use portcullis::path::RelPath;
use portcullis::request::{Content, Subject};
use portcullis::{Amount, Operation};

use super::Git;
use super::changed::Changed;
use super::jail::{GitDone, GitRun};
use super::landing::Made;
use super::names::is_object_id;
use super::status::{Status, StatusEntry};
use crate::error::Error;
use crate::monitor::{Need, Terms};

/// The longest message.
const MAX_MESSAGE_BYTES: usize = 64 << 10;
/// The most of what the commit says about itself: its id and 100,000 names.
const REPORT_BYTES: u64 = 32 << 20;
/// Adds the named files, commits with the message on standard input, and says what the commit holds.
/// The words after the script are data: the shell reads them as arguments only.
const SCRIPT: &str = r#"if [ "$#" -gt 0 ]; then git add --all -- "$@" || exit; fi
git commit --quiet --no-verify --no-gpg-sign --no-status --file=- || exit
git rev-parse --verify HEAD || exit
git diff-tree --root --no-commit-id --raw --no-renames -r -z HEAD"#;

/// A commit to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitRequest {
    /// Where the repository is in the workspace.
    pub repository: RelPath,
    /// The message.
    pub message: String,
    /// Files or directories to add first, from the repository; empty to commit what the index holds.
    pub paths: Vec<RelPath>,
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its object id.
    pub id: String,
    /// The branch it is on.
    pub branch: String,
    /// The files it changes, from the repository.
    pub paths: Vec<String>,
}

impl Git {
    /// Makes a commit.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when there is nothing to commit, git
    /// fails, or the commit would hold what was not judged; then nothing lands.
    pub fn commit(&self, request: &CommitRequest) -> Result<Committed, Error> {
        check_message(&request.message)?;
        let status = self.whole_status(&request.repository)?;
        let branch = status.branch.clone().ok_or_else(|| {
            Error::Invalid(
                "the repository is on no branch\nhelp: switch to a branch first".to_owned(),
            )
        })?;
        let judged = judged_paths(request, &status)?;
        let subject = Subject::Commit {
            repository: request.repository.clone(),
            branch: branch.clone(),
            message: request.message.clone(),
            paths: judged.clone(),
        };
        let monitor = self.executor.sandbox().monitor();
        let asked = monitor
            .request(Operation::GitCommit, subject)
            .content(Content::Inline(self.terms_of(request).into()))
            .build();
        let terms = Terms {
            need: Need::Durable,
            ..Terms::default()
        };
        let admitted = monitor.admit_on(&asked, &terms)?;
        let is_approved = !admitted.permit.get().discharged().is_empty();
        let done = self.run_permitted(admitted.permit, &asked, &run(request));
        let made = done.and_then(|done| {
            let Report { id, changed } = report(&done)?;
            check_judged(&request.repository, &changed.paths, &judged)?;
            if !is_approved {
                check_links(&request.repository, &changed)?;
            }
            let made = Made {
                request: &asked,
                is_approved,
                repository: &request.repository,
                branch: &branch,
                id: &id,
            };
            self.land_commit(&made, done.outcome)?;
            Ok(Committed {
                id,
                branch: branch.clone(),
                paths: changed.paths,
            })
        });
        let why = made.as_ref().err().map(ToString::to_string);
        admitted.ticket.finish(
            why.as_deref().map_or(Effect::Done, Effect::Failed),
            Amount::ZERO,
        )?;
        made
    }

    /// What decides the commit beside its subject: the author and the paths added first.
    fn terms_of(&self, request: &CommitRequest) -> Vec<u8> {
        let mut text = self.identity.text();
        for path in &request.paths {
            text.push('\0');
            text.push_str(path.as_str());
        }
        text.into_bytes()
    }
}

fn run(request: &CommitRequest) -> GitRun<'_> {
    let mut argv: Vec<String> = ["sh", "-c", SCRIPT, "commit"].map(str::to_owned).to_vec();
    argv.extend(request.paths.iter().map(ToString::to_string));
    let stdin = request.message.clone().into_bytes();
    GitRun {
        repository: &request.repository,
        argv,
        stdin,
        bytes: REPORT_BYTES,
    }
}

fn check_message(message: &str) -> Result<(), Error> {
    if message.trim().is_empty() || message.len() > MAX_MESSAGE_BYTES || message.contains('\0') {
        return Err(Error::Invalid(format!(
            "a commit message has 1 to {MAX_MESSAGE_BYTES} bytes"
        )));
    }
    Ok(())
}

/// The files that the commit will change, as paths of the workspace.
fn judged_paths(request: &CommitRequest, status: &Status) -> Result<Vec<RelPath>, Error> {
    if status.is_cut {
        return Err(Error::Invalid(
            "too much has changed for one commit".to_owned(),
        ));
    }
    let mut judged = Vec::new();
    for entry in status
        .entries
        .iter()
        .filter(|entry| is_committed(request, entry))
    {
        for path in [Some(&entry.path), entry.from.as_ref()]
            .into_iter()
            .flatten()
        {
            judged.push(request.repository.join(path)?);
        }
    }
    if judged.is_empty() {
        return Err(Error::Invalid(
            "there is nothing to commit\nhelp: name the changed files, or add them first"
                .to_owned(),
        ));
    }
    judged.sort();
    judged.dedup();
    Ok(judged)
}

/// Whether the index holds the change, or it lies below a path that is added.
fn is_committed(request: &CommitRequest, entry: &StatusEntry) -> bool {
    let is_staged = !matches!(entry.index, ' ' | '?' | '!');
    let is_added = RelPath::parse(&entry.path)
        .is_ok_and(|path| request.paths.iter().any(|added| path.starts_with(added)));
    is_staged || is_added
}

/// What the script says of the commit.
struct Report {
    id: String,
    changed: Changed,
}

/// The report, from the id and git's raw form of the difference.
fn report(done: &GitDone) -> Result<Report, Error> {
    let unclear = || Error::Invalid("git did not say what it committed".to_owned());
    let at = done.stdout.iter().position(|byte| *byte == b'\n');
    let (id, changes) = done.stdout.split_at(at.ok_or_else(unclear)?);
    let id = std::str::from_utf8(id).map_err(|_| unclear())?;
    if done.is_cut || !is_object_id(id) {
        return Err(unclear());
    }
    let mut changed = Changed::default();
    changed.read(&changes[1..])?;
    Ok(Report {
        id: id.to_owned(),
        changed,
    })
}

/// FAIL-CLOSED: a link that would lead the host to what an agent wrote is no part of a commit that nobody approved.
fn check_links(repository: &RelPath, changed: &Changed) -> Result<(), Error> {
    match changed.activation_link(repository)? {
        None => Ok(()),
        Some(path) => Err(Error::Invalid(format!(
            "the commit would hold the link `{path}`, through which the host would run or obey \
             other files\nhelp: commit without it; the user can commit it by hand"
        ))),
    }
}

/// FAIL-CLOSED: a commit that holds a file which was not judged does not land.
fn check_judged(repository: &RelPath, paths: &[String], judged: &[RelPath]) -> Result<(), Error> {
    for path in paths {
        let path = repository.join(path)?;
        if judged.binary_search(&path).is_err() {
            return Err(Error::Invalid(format!(
                "the commit would hold `{path}`, which changed meanwhile\nhelp: commit again"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_not_judged_keeps_a_commit_from_landing() {
        let rel = |path: &str| RelPath::parse(path).unwrap();
        let judged = [rel("sub/a"), rel("sub/b")];
        let check = |paths: &[&str]| {
            let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
            check_judged(&rel("sub"), &paths, &judged)
        };
        check(&["a", "b"]).unwrap();
        check(&["a"]).unwrap();
        let error = check(&["a", "c"]).unwrap_err().to_string();
        assert!(error.contains("`sub/c`"), "{error}");
    }
}
