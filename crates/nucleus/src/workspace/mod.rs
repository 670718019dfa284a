//! Shows an agent's commands a workspace they cannot change, and changes it only by landing one permitted change at a time.
//!
//! - [`WorkspaceView`] is the port; [`Overlayed`] the form for hosts with jails, [`Direct`] the one for tests and guests.
//! - A command runs over layers ([`CommandLayers`]); what it did comes back as [`Change`]s, each of which becomes a request.
//! - What may not land is kept as a [`StagedChange`] and shown to later commands of its session, and of no other, as if it had landed.
//!
//! What is absent: no path is opened but beneath a directory handle without following links, and nothing here decides.

mod attributes;
mod base;
mod blocked;
mod carried;
mod change;
mod clock;
mod command;
mod content;
#[cfg(test)]
mod crash_tests;
mod diff;
mod direct;
mod endorse;
mod error;
mod fault;
mod group;
mod index;
mod journal;
mod labels;
mod land;
mod landing;
mod leaves;
mod making;
mod mask;
mod overlayed;
mod path;
mod plain_index;
mod reading;
mod shared;
mod snapshot;
mod stage;
mod staged;
mod staging;
mod state;
mod suitable;
mod tree;
mod view;
mod watch;

pub(crate) use blocked::{Blocked, tracked_names};
pub(crate) use carried::is_foreign_tree;
pub use change::{Before, Change, ChangeKind, HeldContent, Origin};
pub use command::CommandLayers;
pub use diff::{Diff, DiffBody};
pub use direct::Direct;
pub use endorse::Endorsable;
pub use error::WorkspaceError;
pub(crate) use labels::is_dependency;
pub(crate) use land::MAX_GIT_INDEX_BYTES;
pub use overlayed::{Overlayed, UpperKind, WorkspaceOptions};
pub use path::EntryPath;
pub(crate) use plain_index::{IndexBefore, plain as plain_index};
pub use staged::{StageReason, StagedChange};
pub use staging::StageLimits;
pub(crate) use state::{RunDir, State};
pub use view::{
    Command, CommandOutcome, Entry, EntryType, Landed, Landing, Metadata, OpenedFile, RefusedEntry,
    StopReason, WorkspaceView,
};
