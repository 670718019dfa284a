//! The kernel confinement of one process tree: what a jailed process cannot name, reach or outlive.
//!
//! A [`Launcher`] is started once per session. It runs a clean, single-threaded helper process
//! ([`helper_main`]) which clones one jail for each [`JailSpec`]. The caller holds a [`Jail`];
//! dropping it, or the death of the calling process, kills every process of the jail.
//! [`Jail::enforced`] says as a value which layers hold; a missing layer that was not waived by
//! name is an [`Error`] which names the layer and the setting to change.
//!
//! Absent here: policy, transports, terminals, and any text for users beyond errors and reports.
#![cfg(target_os = "linux")]

pub mod changed;
mod channel;
mod check;
mod error;
mod failure;
mod filter;
mod filter_table;
mod helper;
mod host;
mod inside;
mod jail;
mod launcher;
mod layers;
pub mod mask;
mod plan;
mod probe;
mod report;
mod spec;
mod sys;
mod system;
mod talk;
mod trees;
mod wire;

pub use error::{Error, Step};
pub use helper::helper_main;
pub use jail::{Exit, Jail, Redirected};
pub use launcher::{HelperCommand, Launcher};
pub use probe::{Feature, HostSupport, probe_host};
pub use report::{Enforced, Ids, Layer, LayerReport, LayerState};
pub use spec::{
    Access, Form, JailSpec, Limits, NOT_HELD_WITHOUT_NAMESPACES, Overlay, Owner, Reach,
    SessionLimits, Stdio, Tree, TreeId, UnixSockets, Upper, View,
};
pub use sys::memory::give_back_memory;
pub use system::system_views;
