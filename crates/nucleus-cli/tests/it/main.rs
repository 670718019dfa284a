//! Attacks on `nucleus run` from start to end, each with its allow twin; the host's view decides.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod fixture;

mod activation;
mod audit;
mod bad_input;
mod client;
mod commands;
mod consent;
mod crashes;
mod credentials;
mod descriptors;
mod exits;
mod files;
mod flows;
mod git;
mod host_saves;
mod hunt;
mod kernel;
mod mirror;
mod model;
mod network;
mod newcomer;
mod own_net;
mod runtimes;
mod supply_chain;
mod texts;
mod trust;
mod without_namespaces;
