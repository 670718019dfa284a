//! Keeps what did not land: content in files, the list in a journal, both durable before a change counts as staged.

mod blob;
mod layer;
mod record;
mod store;

pub(crate) use layer::Layer;
pub use store::StageLimits;
pub(crate) use store::{Entries, Staged};
