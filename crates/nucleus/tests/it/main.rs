//! The monitor and its hands, from outside.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod budget;
mod compile_fail;
mod consent;
mod executor;
mod fetch;
mod flood;
mod git;
mod guard;
mod monitor;
mod probes;
mod sandbox;
mod session;
mod shown;
mod tools;
mod workspace;
