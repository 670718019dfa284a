//! The atomics and locks of the session, under one name so that the model checker can put its own in their place.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
