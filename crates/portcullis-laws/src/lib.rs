//! States what `portcullis` promises: each law is one predicate over well-formed words, with its public claim.
//!
//! A law is written once, with [`laws!`]. The same function is a property test, an
//! exhaustive check where its domain is small, an obligation for the prover, which
//! reads it from the compiler's own output, and under `cfg(kani)` a Kani harness.
//!
//! A law answers [`Answer::Outside`] for words that decode to nothing or miss its
//! premise, so a law that speaks of no input at all can be told from one that holds.

#![expect(unexpected_cfgs, reason = "`kani` is set by Kani alone")]

mod args;
mod law;
mod sample;
mod sweep;

pub mod budget;
pub mod capabilities;
pub mod delegation;
pub mod exposure;
pub mod level;
pub mod nonlaws;
pub mod operations;
pub mod posture;
pub mod session;
pub mod traces;
pub mod verdict;

pub use args::{Arg, Parts, Reader, WORDS, Words};
pub use law::{Answer, Law, Shape};
pub use sample::Sampler;
pub use sweep::{Sweep, sweep};

/// Every law, by topic.
pub fn all() -> impl Iterator<Item = &'static Law> {
    [
        level::LAWS,
        capabilities::LAWS,
        operations::LAWS,
        exposure::LAWS,
        posture::LAWS,
        traces::LAWS,
        verdict::LAWS,
        budget::LAWS,
        session::LAWS,
        delegation::LAWS,
    ]
    .into_iter()
    .flatten()
}

/// Every statement that must be refuted: true of many inputs, false of some.
pub fn all_nonlaws() -> impl Iterator<Item = &'static Law> {
    nonlaws::LAWS.iter()
}
