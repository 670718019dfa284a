//! Reads paths, commands and hosts: one spelling for each, and what is certain of it; pure.
//!
//! Text comes in and subjects go out: a [`path::RelPath`], a [`command::Argv`] with its
//! [`command::CommandFacts`], a [`host::Host`] and a [`host::UrlPath`]. What has no single meaning is refused, or
//! said to be unknown. What may be done with a subject is not known here: the law, `portcullis`, says it, and all
//! of these are reached under its name.
//!
//! No I/O, no clock, no randomness, no `unsafe`.

pub mod command;
pub mod host;
#[doc(hidden)]
pub mod named;
pub mod path;
pub mod table;
