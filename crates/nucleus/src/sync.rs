//! The atomics of the budget, under one name so that the model checker can put its own in their place.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
