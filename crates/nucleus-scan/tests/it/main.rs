//! Tests of the scanner as its users meet it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod combination;
mod reports;
mod suggestion;
mod tree;
