//! The monitor and its hands, from outside.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod fetch;
mod workspace;
