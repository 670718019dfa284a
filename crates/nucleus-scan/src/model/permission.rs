//! Permission rules of every client in one shape.

use std::fmt;

use super::place::Literal;

/// What a rule says about a request it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Runs without a question.
    Allow,
    /// A person is asked.
    Ask,
    /// Refused.
    Deny,
}

/// What kind of tool a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ToolKind {
    /// Every tool.
    Any,
    /// Commands.
    Shell,
    /// Reading files, listing and searching them.
    Read,
    /// Creating, changing, moving and deleting files.
    Write,
    /// Fetching an address.
    WebFetch,
    /// Asking a search engine.
    WebSearch,
    /// Directories outside the workspace.
    OutsideDirectory,
    /// A tool of an MCP server.
    Mcp {
        /// The server's name, `*` for any.
        server: String,
        /// The tool, `None` for all of them.
        tool: Option<String>,
    },
    /// Something else the client has, as it spells it.
    Other(String),
}

/// What clients call the tool that runs commands.
pub(crate) const SHELL_TOOLS: &[&str] = &[
    "bash",
    "shell",
    "run_shell_command",
    "run_terminal_cmd",
    "ShellTool",
];

/// One rule, as the client reads it. Printed for debugging, its pattern is masked like its source.
#[derive(Clone, PartialEq, Eq)]
pub struct PermissionRule {
    /// What it says.
    pub verdict: Verdict,
    /// What it is about.
    pub tool: ToolKind,
    /// What the request must match, in the client's own spelling less its wrapper (`git push *`, `~/**`, `domain:x`); `None` matches all.
    pub pattern: Option<String>,
    /// The rule as written.
    pub source: Literal,
    /// The sub-agent it is limited to, empty for all.
    pub only_for: String,
}

impl fmt::Debug for PermissionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.verdict, self.tool, self.source)
    }
}

/// What is known of the client's sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SandboxState {
    /// The file says nothing: the client's default counts.
    #[default]
    Unstated,
    /// On.
    On,
    /// On, but commands can leave it or the network is open inside.
    Weakened,
    /// Off.
    Off,
}

/// The sandbox as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sandbox {
    /// Its state.
    pub state: SandboxState,
    /// The settings that make it so.
    pub because: Vec<Literal>,
}

/// Everything that says what runs unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Rules in the order of the file.
    pub rules: Vec<PermissionRule>,
    /// Settings that switch every prompt off.
    pub bypass: Vec<Literal>,
    /// Settings of a mode that asks, where the same setting of another file would switch prompts off.
    pub asks: Vec<Literal>,
    /// Settings that let edits or more run unasked (`acceptEdits`, `auto_edit`), short of all.
    pub auto_accept: Vec<Literal>,
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Directories outside the workspace that are opened.
    pub extra_directories: Vec<Literal>,
    /// Servers of the repository that start unasked (`enableAllProjectMcpServers`).
    pub project_servers: Vec<Literal>,
}

impl Permissions {
    /// Rules with one verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &PermissionRule> {
        self.rules
            .iter()
            .filter(move |rule| rule.verdict == verdict)
    }
}
