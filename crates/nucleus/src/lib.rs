//! The reference monitor and its hands.

pub mod workspace;
