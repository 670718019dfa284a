//! How an agent is started in its jail: what it sees, what it is told, and presets for known clients.

mod find;
mod jail;
mod presets;

pub(crate) use find::{Found, find_program};
pub(crate) use jail::{AgentJail, MCP_PORT, MODEL_PORT};
pub(crate) use presets::{Launch, PRESETS, Preset, preset};

/// Tells programs in a jail where the session's tools are.
pub(crate) const MCP_PORT_VARIABLE: &str = "NUCLEUS_MCP_PORT";

/// What stands where a key is expected: no provider takes it.
pub(crate) const PLACEHOLDER_KEY: &str = "nucleus-placeholder-key";

/// The agent's home inside its jail.
pub(crate) const HOME: &str = "/home/agent";
