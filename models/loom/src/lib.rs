//! Checks every interleaving of what the session's threads share: the code of the crate itself, over the model checker's
//! atomics and locks.
//!
//! `cargo test --release --manifest-path models/loom/Cargo.toml`

pub(crate) mod sync {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
    #[cfg(test)]
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8};
    #[cfg(test)]
    pub(crate) use loom::sync::{Mutex, MutexGuard};
}

#[path = "../../../crates/nucleus/src/budget.rs"]
pub mod budget;

#[cfg(test)]
#[path = "../../../crates/nucleus/src/monitor/hooks.rs"]
pub(crate) mod hooks;

#[cfg(test)]
#[path = "../../../crates/nucleus/src/monitor/labels.rs"]
pub(crate) mod labels;

#[cfg(test)]
#[path = "../../../crates/nucleus/src/monitor/latch.rs"]
pub(crate) mod latch;

#[cfg(test)]
mod exposure;
#[cfg(test)]
mod lockdown;

/// A planted fault: it looks before it takes, in two steps. The checker must find the interleaving in which it overspends.
pub mod racy;
