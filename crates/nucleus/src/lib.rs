//! The reference monitor and its hands.
//!
//! - [`Monitor`] is the one door: every request is judged, raises exposure and is recorded before its effect.
//! - [`Sandbox`] has the file tools, [`Executor`] runs commands in jails, [`git`] and [`fetch`] reach further.
//! - [`ports`] are the traits that callers wire; the crate knows no transport.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use nucleus::{AtomicBudget, Executor, Sandbox};
//! # let source = nucleus_spec::Source::new("permissions.toml", "");
//! let policy = nucleus_spec::parse_policy(&source)?;
//! let budget = AtomicBudget::new(policy.envelope().maximum());
//! let sandbox = Sandbox::open(&policy, std::path::Path::new("."))?;
//! let executor = Executor::new(&policy, &sandbox, &budget);
//! executor.run("cargo test")?;
//! # Ok(())
//! # }
//! ```
//!
//! What is absent: no effect function can be called without a recorded permit,
//! nothing here listens or dials by itself, and there is no `unsafe`.

mod budget;
mod error;
mod guard;
mod sync;

pub mod dial;
pub mod executor;
pub mod fetch;
pub mod git;
pub mod monitor;
pub mod ports;
#[cfg(target_os = "linux")]
pub mod probes;
pub mod sandbox;
pub mod search;
pub mod state;
pub mod workspace;

pub use budget::{AtomicBudget, Overspent, Reservation};
pub use error::{Error, MonitorError};
pub use executor::{CommandOutput, CommandRequest, Executor, Stop};
pub use fetch::Fetcher;
pub use git::Git;
pub use guard::{MonotonicGuard, WindowFault};
pub use monitor::{Monitor, Refused};
pub use portcullis::Exposure;
pub use sandbox::{Sandbox, SandboxOptions};
