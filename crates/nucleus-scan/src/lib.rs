//! Reads other tools' agent configuration, says what is wrong with it and proposes the fix; starts nothing and dials nowhere.
//!
//! [`scan`] walks the roots it is given, reads the files whose names the discovery table knows, and returns every
//! configured [`Agent`] and every [`Finding`]. A file that cannot be read or understood is a finding as well, never
//! a silence. No text that looks like a secret leaves this crate unmasked: values are [`Literal`]s, which print masked.

mod client;
mod discover;
mod extract;
pub mod fix;
pub mod fuzz;
mod hash;
mod host;
mod launch;
mod model;
pub mod output;
pub mod project;
mod read;
mod rules;
mod scan;
mod secret;
pub mod suppress;
mod threads;

pub use client::Client;
pub use discover::MOVING_VARIABLES;
pub use model::{
    Agent, Broken, ByteSpan, Edit, Evidence, FileName, Finding, Fix, Hook, HookAction,
    Instructions, Literal, PermissionRule, Permissions, Place, RuleId, Sandbox, SandboxState, Scan,
    Scope, Server, Severity, Suppression, ToolFilter, ToolKind, Transport, Verdict,
};
pub use rules::{RULES, Rule, rule};
pub use scan::{Moved, Options, Roots, scan};
