//! A file that may configure an agent.

use std::path::PathBuf;

use super::kind::Known;

/// A file by its name, before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Relative to the root.
    pub(crate) relative: PathBuf,
    /// What the name says. `None` where the content has to tell.
    pub(crate) known: Option<Known>,
    /// Whether something on the way to it may be a link, so that it may lie elsewhere than it says.
    pub(crate) is_link: bool,
}
