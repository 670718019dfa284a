//! The neutral model: what any client's configuration comes down to, each value with the place it stands at.

mod agent;
mod finding;
mod permission;
mod place;

pub use agent::{Agent, Hook, HookAction, Instructions, Scope, Server, ToolFilter, Transport};
pub use finding::{Broken, Edit, Evidence, Finding, Fix, RuleId, Scan, Severity, Suppression};
pub(crate) use finding::{Unpinned, Variable};
pub(crate) use permission::SHELL_TOOLS;
pub use permission::{PermissionRule, Permissions, Sandbox, SandboxState, ToolKind, Verdict};
pub use place::{ByteSpan, FileName, Literal, Place};
