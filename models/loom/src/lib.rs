//! Checks every interleaving of the lock-free budget: the code of the crate itself, over the model checker's atomics.
//!
//! `cargo test --release --manifest-path models/loom/Cargo.toml`

pub(crate) mod sync {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[path = "../../../crates/nucleus/src/budget.rs"]
pub mod budget;

/// A planted fault: it looks before it takes, in two steps. The checker must find the interleaving in which it overspends.
pub mod racy;
