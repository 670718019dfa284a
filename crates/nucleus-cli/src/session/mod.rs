//! Wires one session: policy, state, jails, monitor, the tools' port and the model's.

mod agent;
mod boundary;
mod hands;
mod host_program;
mod lockfiles;
mod network;
mod open;
mod pins;
mod pipes;
mod place;
mod registries;
mod review;
mod secrets;
mod serve;
mod stdio;
mod summary;

pub(crate) use agent::{Agent, run_agent};
pub(crate) use boundary::{try_jail, try_redirection};
pub(crate) use hands::hands;
pub(crate) use host_program::HostPrograms;
pub(crate) use open::{OpenOptions, Opened, open};
pub(crate) use registries::Registries;
pub(crate) use review::{Applying, Review};
pub(crate) use secrets::is_absent;
pub(crate) use stdio::Input;
pub(crate) use summary::why as reason_text;
pub(crate) use summary::{print_summary, verified};
