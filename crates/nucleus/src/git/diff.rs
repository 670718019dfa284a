//! Shows differences, without external programs.

use portcullis::path::RelPath;

use super::jail::{GitRun, Look};
use super::names::check_revision;
use super::{Git, GitText};
use crate::error::Error;

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// The tree with the index.
    #[default]
    Tree,
    /// The index with the last commit.
    Index,
    /// The tree with a revision.
    Revision(String),
    /// One revision with another.
    Revisions(String, String),
}

/// A difference to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiffRequest {
    /// Where the repository is in the workspace.
    pub repository: RelPath,
    /// What is compared.
    pub compare: Compare,
    /// Only these paths, from the repository; empty for all.
    pub paths: Vec<RelPath>,
}

impl Git {
    /// The difference as a patch.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for a bad revision and when git fails.
    pub fn diff(&self, request: &DiffRequest) -> Result<GitText, Error> {
        let mut words = vec!["diff", "--no-ext-diff", "--no-textconv", "--no-color"];
        match &request.compare {
            Compare::Tree => {}
            Compare::Index => words.push("--cached"),
            Compare::Revision(one) => {
                check_revision(one)?;
                words.push(one);
            }
            Compare::Revisions(one, other) => {
                check_revision(one)?;
                check_revision(other)?;
                words.extend([one.as_str(), other.as_str()]);
            }
        }
        let run = GitRun::git(&request.repository, &words).paths(&request.paths);
        Ok(self.look(&run, Look::Workspace)?.text())
    }
}
