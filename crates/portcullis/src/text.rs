//! Patterns over plain names: `*` stands for any run of characters, all else for itself.

use crate::glob::match_stars;

/// A pattern over a name such as a branch, a URL, a tool or a variable.
///
/// `*` matches any run of characters, also none and also `/`; there is no
/// escape. Matching is case-sensitive and its work is at most pattern times name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextPattern(String);

impl TextPattern {
    /// The pattern with this text.
    #[inline]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name matches.
    #[inline]
    pub fn matches(&self, name: &str) -> bool {
        match_stars(self.0.chars(), name.chars(), |one| *one == '*', |one, own| one == own)
    }
}

/// A pattern over what git does: a commit in a repository of the workspace, or a remote.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GitPattern {
    /// Commits.
    Commit {
        /// Where the repository is in the workspace; empty for its root.
        repository: TextPattern,
        /// The branch.
        branch: TextPattern,
    },
    /// Pushes and pull requests.
    Remote {
        /// The URL.
        url: TextPattern,
        /// The reference pushed to, or the base of the pull request.
        reference: TextPattern,
    },
}

impl GitPattern {
    /// Whether a commit on this branch of this repository matches.
    #[inline]
    pub fn matches_commit(&self, repository: &str, branch: &str) -> bool {
        match self {
            Self::Commit { repository: at, branch: on } => at.matches(repository) && on.matches(branch),
            Self::Remote { .. } => false,
        }
    }

    /// Whether a push or pull request to this reference of this URL matches.
    #[inline]
    pub fn matches_remote(&self, url: &str, reference: &str) -> bool {
        match self {
            Self::Remote { url: at, reference: on } => at.matches(url) && on.matches(reference),
            Self::Commit { .. } => false,
        }
    }
}
