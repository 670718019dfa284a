//! The integration tests of the law, in one binary.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod generate;
mod laws;
