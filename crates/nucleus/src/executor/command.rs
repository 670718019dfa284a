//! What a command is run with.

use std::time::Duration;

use portcullis::command::Argv;
use portcullis::path::RelPath;

/// The most of a command's output that is kept; the rest is read and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputCaps {
    /// Bytes of both streams together.
    pub bytes: u64,
    /// Lines of both streams together.
    pub lines: u64,
    /// Bytes of both streams from which on the command is killed.
    pub kill_bytes: u64,
}

impl Default for OutputCaps {
    /// 1 MiB and 20,000 lines, what an agent can use; killed at 256 MiB, a second of flooding.
    fn default() -> Self {
        Self {
            bytes: 1 << 20,
            lines: 20_000,
            kill_bytes: 256 << 20,
        }
    }
}

/// A command with all that decides what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRequest {
    /// The program and its arguments.
    pub argv: Argv,
    /// Where it runs, in the workspace.
    pub cwd: RelPath,
    /// Variables beside the short list; the agent's own.
    pub environment: Vec<(String, String)>,
    /// Its standard input; closed when empty.
    pub stdin: Vec<u8>,
    /// How long it may run, at most [`CommandRequest::MAX_LIMIT`]; then the whole tree is killed.
    pub limit: Duration,
    /// How much it may say.
    pub caps: OutputCaps,
}

impl CommandRequest {
    /// The longest time limit: what a large test suite needs.
    pub const MAX_LIMIT: Duration = Duration::from_secs(3600);
    /// The time limit when none is given.
    pub const DEFAULT_LIMIT: Duration = Duration::from_secs(600);
    /// The longest standard input.
    pub const MAX_STDIN_BYTES: usize = 16 << 20;

    /// The command in the root of the workspace, without input or further variables, for ten minutes.
    #[must_use]
    pub fn new(argv: Argv) -> Self {
        Self {
            argv,
            cwd: RelPath::root(),
            environment: Vec::new(),
            stdin: Vec::new(),
            limit: Self::DEFAULT_LIMIT,
            caps: OutputCaps::default(),
        }
    }
}
