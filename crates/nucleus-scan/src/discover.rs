//! Finds the files that configure an agent, by their names, beneath the roots and nowhere else.
//!
//! Ignore files do not count: what is not committed is obeyed all the same. Trees of dependencies and build output are left out
//! (`SKIPPED`), since no client looks for its configuration there. Links are followed only to regular files beneath the same root.

mod candidate;
mod home;
mod kind;
mod names;
mod sniff;
mod walk;
mod workload;

pub(crate) use candidate::Candidate;
pub use home::MOVING_VARIABLES;
pub(crate) use home::{home_files, moved_files, system_files, usual_directory};
pub(crate) use kind::{FileKind, Known};
pub(crate) use names::{is_drop_in, known};
pub(crate) use sniff::sniff;
pub(crate) use walk::walk;
pub(crate) use workload::{is_ours, settle};
