//! The integration tests of the law, in one binary.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod activation;
mod bounds;
mod codec;
mod command;
mod digests;
mod envelopes;
mod evidence;
mod folding;
mod generate;
mod golden;
mod host;
mod laws;
mod letters;
mod path;
mod rules;
mod scopes;
mod subjects;
mod tables;
mod texts;
