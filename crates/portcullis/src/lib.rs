//! Decides one request under one envelope and session state; pure.

pub mod activation;
pub mod command;
pub mod glob;
pub mod host;
pub mod path;
