//! Runs git in a jail over the agent's repository, for a request that was judged.

use std::time::Duration;

use nucleus_audit::{Effect, Recorded};
use portcullis::command::Argv;
use portcullis::decide::Permit;
use portcullis::path::RelPath;
use portcullis::request::{Request, Subject};
use portcullis::{Amount, Exposure, Operation};

use super::settings::variables;
use super::{Git, GitText};
use crate::error::Error;
use crate::executor::{CommandExit, CommandRequest, OutputCaps, PermittedRun, Stop};
use crate::monitor::{Handing, Need, Terms, cut};
use crate::workspace::CommandOutcome;

/// The longest that a git command may run.
const LIMIT: Duration = Duration::from_secs(120);
/// The most a git command may say to an agent.
const TEXT_BYTES: u64 = 1 << 20;

/// One run of git.
pub(super) struct GitRun<'a> {
    pub(super) repository: &'a RelPath,
    pub(super) argv: Vec<String>,
    pub(super) stdin: Vec<u8>,
    pub(super) bytes: u64,
}

impl<'a> GitRun<'a> {
    /// `git` with these words.
    pub(super) fn git(repository: &'a RelPath, words: &[&str]) -> Self {
        let argv = ["git"]
            .iter()
            .chain(words)
            .map(|word| (*word).to_owned())
            .collect();
        Self {
            repository,
            argv,
            stdin: Vec::new(),
            bytes: TEXT_BYTES,
        }
    }

    /// Adds literal paths after `--`.
    pub(super) fn paths(mut self, paths: &[RelPath]) -> Self {
        self.argv.push("--".to_owned());
        self.argv.extend(paths.iter().map(|path| path.to_string()));
        self
    }
}

/// What a look sees and who gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The whole workspace, for the agent.
    Workspace,
    /// The repository's own content, for the agent.
    History,
    /// The repository's own content, kept in the monitor: its labels join the request that uses it.
    Kept,
}

/// What git said and changed.
pub(super) struct GitDone {
    /// The source labels of what it said.
    pub(super) labels: Exposure,
    pub(super) stdout: Vec<u8>,
    pub(super) is_cut: bool,
    pub(super) outcome: CommandOutcome,
}

impl GitDone {
    pub(super) fn text(&self) -> GitText {
        GitText {
            text: String::from_utf8_lossy(&self.stdout).into_owned(),
            is_cut: self.is_cut,
        }
    }
}

impl Git {
    /// Judges a look at the repository and runs it; what it changed is dropped.
    pub(super) fn look(&self, run: &GitRun<'_>, look: Look) -> Result<GitDone, Error> {
        let view = self.executor.sandbox().view();
        let monitor = self.executor.sandbox().monitor();
        let request = monitor
            .request(Operation::ReadFiles, Subject::Path(run.repository.clone()))
            .content(portcullis::Content::Inline(
                [run.argv.join("\0").as_bytes(), b"\0", &run.stdin]
                    .concat()
                    .into(),
            ))
            .carrying(match look {
                Look::Workspace => view.carried_by_view(),
                Look::History | Look::Kept => {
                    view.carried(&run.repository.join(".git")?.join("HEAD")?)
                }
            })
            .build();
        let terms = Terms {
            need: Need::Durable,
            handing: match look {
                Look::Workspace | Look::History => Handing::Agent,
                Look::Kept => Handing::Held,
            },
            ..Terms::default()
        };
        let admitted = monitor.admit_on(&request, &terms)?;
        let done = self.run_permitted(admitted.permit, &request, run);
        let why = done.as_ref().err().map(ToString::to_string);
        admitted.ticket.finish(
            why.as_deref().map_or(Effect::Done, Effect::Failed),
            Amount::ZERO,
        )?;
        done
    }

    /// Runs git for the request that the permit is for; a failure of git is an error with what it said.
    pub(super) fn run_permitted(
        &self,
        permit: Recorded<Permit>,
        request: &Request,
        run: &GitRun<'_>,
    ) -> Result<GitDone, Error> {
        let labels = permit.get().facts().sources;
        let argv = Argv::new(run.argv.iter().cloned())
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let command = CommandRequest {
            cwd: run.repository.clone(),
            environment: variables()
                .into_iter()
                .chain(self.identity.variables())
                .chain(here())
                .collect(),
            stdin: run.stdin.clone(),
            limit: LIMIT,
            caps: OutputCaps {
                bytes: run.bytes,
                lines: u64::MAX,
                kill_bytes: run.bytes.saturating_mul(2).max(64 << 20),
            },
            ..CommandRequest::new(argv)
        };
        let permitted = PermittedRun {
            permit,
            request,
            command: &command,
        };
        let (output, outcome) = self
            .executor
            .run_permitted(permitted, &Stop::new())
            .map_err(without_git)?;
        if !output.exit.is_success() {
            return Err(failed(&run.argv, output.exit, &output.stderr));
        }
        Ok(GitDone {
            stdout: output.stdout,
            is_cut: output.is_cut,
            outcome,
            labels,
        })
    }
}

/// The variables that keep git to the repository that was named: one above it is another.
fn here() -> [(String, String); 2] {
    [("GIT_DIR", ".git"), ("GIT_WORK_TREE", ".")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The error of a jail in which there is no git.
fn without_git(error: Error) -> Error {
    match error {
        Error::Jail(nucleus_jail::Error::Exec { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            Error::Invalid(
                "git is not installed where commands see it\nhelp: install git on this machine"
                    .to_owned(),
            )
        }
        other => other,
    }
}

fn failed(argv: &[String], exit: CommandExit, stderr: &[u8]) -> Error {
    let words: Vec<&str> = argv
        .iter()
        .map(String::as_str)
        .take_while(|word| *word != "--")
        .take(3)
        .collect();
    let said = String::from_utf8_lossy(stderr);
    let said: String = said.trim().chars().take(2000).collect();
    Error::Invalid(format!(
        "`{}` {}\n{said}",
        cut(&words.join(" ")),
        exit.sentence()
    ))
}
