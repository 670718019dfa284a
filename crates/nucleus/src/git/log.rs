//! Shows the history.

use portcullis::path::RelPath;

use super::jail::{GitRun, Look};
use super::names::check_revision;
use super::{Git, GitText};
use crate::error::Error;

/// The most commits shown at once.
pub const MAX_COMMITS: u32 = 1000;

/// A part of the history to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRequest {
    /// Where the repository is in the workspace.
    pub repository: RelPath,
    /// From here back.
    pub revision: String,
    /// The most commits, at most [`MAX_COMMITS`].
    pub count: u32,
    /// Only commits that touch these paths, from the repository; empty for all.
    pub paths: Vec<RelPath>,
}

impl Default for LogRequest {
    /// The last 20 commits of the repository at the root.
    fn default() -> Self {
        Self {
            repository: RelPath::root(),
            revision: "HEAD".to_owned(),
            count: 20,
            paths: Vec::new(),
        }
    }
}

impl Git {
    /// Commits with id, author, time and message, newest first.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for a bad revision and when git fails.
    pub fn log(&self, request: &LogRequest) -> Result<GitText, Error> {
        check_revision(&request.revision)?;
        self.check_shown(&request.repository, &request.paths)?;
        let count = format!("--max-count={}", request.count.min(MAX_COMMITS));
        let words = [
            "log",
            "--no-patch",
            "--no-color",
            "--no-show-signature",
            "--date=iso-strict",
            &count,
            &request.revision,
        ];
        let run = GitRun::git(&request.repository, &words).paths(&request.paths);
        Ok(self.look(&run, Look::History)?.text())
    }
}
