//! The integration tests of the law, in one binary.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod activation;
mod command;
mod generate;
mod golden;
mod host;
mod laws;
mod path;
mod rules;
mod tables;
