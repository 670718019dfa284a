//! Says which files carry untrusted content: what the user's repository does not track, what comes from elsewhere, and what a
//! session wrote while it was untrusted.
//!
//! Only an endorsement clears a label. A session that writes while it is *not* untrusted is on record too, so that its new
//! files, which no repository tracks yet, are not taken for somebody else's.
//! **A workspace without a repository tracks nothing apart:** its files count as the user's own unless they are in a dependency
//! tree or on record; `[flow] workspace = "untrusted"` is the setting for such a directory.

mod dependency;
mod git_index;
mod record;
mod repository;
mod store;

pub(crate) use dependency::is_dependency;
pub(crate) use git_index::{Layout, Place, Unreadable};
pub(crate) use repository::Repository;
pub(crate) use store::{Known, LabelStore, Written, subject_of};
