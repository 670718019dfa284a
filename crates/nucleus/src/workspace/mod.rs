//! Shows an agent's commands a workspace they cannot change, and changes it only by landing one permitted change at a time.
//!
//! - [`WorkspaceView`] is the port; [`Overlayed`] the form for hosts with jails, [`Direct`] the one for tests and guests.
//! - A command runs over layers ([`CommandLayers`]); what it did comes back as [`Change`]s, each of which becomes a request.
//! - What may not land is kept as a [`StagedChange`] and shown to later commands as if it had landed.
//!
//! What is absent: no path is opened but beneath a directory handle without following links, and nothing here decides.

mod change;
mod error;
mod leaves;
mod path;
mod staged;
mod view;

pub use change::{Before, Change, ChangeKind, HeldContent, Origin};
pub use error::WorkspaceError;
pub use path::EntryPath;
pub use staged::{StageReason, StagedChange};
pub use view::{
    Command, CommandLayers, CommandOutcome, Entry, EntryType, Landed, Metadata, OpenedFile,
    RefusedEntry, WorkspaceView,
};
