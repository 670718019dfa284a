//! Tests of the policy language as its users meet it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod catalog;
mod corpus;
mod golden;
mod layers;
mod overlay;
mod print;
mod profiles;
mod published;
mod requests;
mod words;
