//! Tests of the scanner as its users meet it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod canary;
mod combination;
mod discovery;
mod effort;
mod fixes;
mod limits;
mod modes;
mod reports;
mod suggestion;
mod suppression;
mod tree;
