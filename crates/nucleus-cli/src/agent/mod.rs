//! How an agent is started in its jail: what it sees, what it is told, and presets for known clients.

mod bare;
mod find;
mod jail;
mod presets;

pub(crate) use bare::BareJail;
pub(crate) use find::{Found, find_program};
pub(crate) use jail::{AgentJail, MCP_PORT, MODEL_PORT};
pub(crate) use presets::{Launch, PRESETS, Preset, preset};

/// Tells programs in a jail where the session's tools are.
pub(crate) const MCP_PORT_VARIABLE: &str = "NUCLEUS_MCP_PORT";

/// Tells programs of an agent without namespaces where the pipes to the session's tools are.
pub(crate) const MCP_PIPES_VARIABLE: &str = "NUCLEUS_MCP_PIPES";

/// The pipe to which a client writes the name of its own two.
pub(crate) const DOOR: &str = "door";

/// Whether this names a pair of pipes: sixteen hexadecimal digits.
pub(crate) fn is_pipe_name(name: &str) -> bool {
    name.len() == 16
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What stands where a key is expected: no provider takes it.
pub(crate) const PLACEHOLDER_KEY: &str = "nucleus-placeholder-key";

/// The agent's home inside its jail.
pub(crate) const HOME: &str = "/home/agent";
