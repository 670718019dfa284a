//! Shows differences, without external programs and without what the policy blocks.

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
    /// The difference as a patch, less the files that the policy blocks.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for a bad revision and when git fails.
    pub fn diff(&self, request: &DiffRequest) -> Result<GitText, Error> {
        let mut words = vec![
            "diff",
            "--patch",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            // Each part names one file, in the one way that is read here.
            "--no-renames",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "--submodule=short",
            "--no-relative",
        ];
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
        let GitText { text, is_cut } = self.look(&run, Look::Workspace)?.text();
        let text = self.hidden(&request.repository).patch(&text);
        Ok(GitText { text, is_cut })
    }
}
