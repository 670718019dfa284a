//! What a file is, by its name.

use crate::client::Client;
use crate::model::Scope;
use crate::read::Syntax;

/// How a file is to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// MCP servers and whatever settings stand beside them: the shape most clients share.
    Settings,
    /// Claude Code's settings.
    ClaudeSettings,
    /// Codex and others that write TOML.
    CodexToml,
    /// Rules of Codex for commands, in Starlark.
    CodexRules,
    /// Gemini CLI and its descendants.
    Gemini,
    /// opencode.
    OpenCode,
    /// VS Code's settings, and those of editors that extend it.
    EditorSettings,
    /// An agent of Amazon Q or Kiro.
    QAgent,
    /// Hooks in a file of their own.
    Hooks,
    /// A text the agent obeys.
    Instructions,
    /// A workflow of the forge.
    Workflow,
    /// A pipeline of GitLab.
    Pipeline,
    /// A devcontainer.
    Devcontainer,
    /// A Dockerfile.
    Dockerfile,
    /// A compose file.
    Compose,
    /// Variables a shell sets on entering the directory.
    Environment,
    /// A package manifest.
    PackageJson,
    /// A policy of this project.
    Policy,
    /// A pod of this project: a policy by name or in place, and what it runs.
    PodSpec,
    /// A workload of a cluster, if the content says that it starts an agent.
    Workload,
    /// Named outright, and nothing is known of it.
    Unknown,
}

/// What the name of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: FileKind,
    pub(crate) client: Client,
    pub(crate) syntax: Option<Syntax>,
    /// Overrides the scope of the root.
    pub(crate) scope: Option<Scope>,
}

impl Known {
    pub(crate) const fn new(kind: FileKind, client: Client, syntax: Option<Syntax>) -> Self {
        Self {
            kind,
            client,
            syntax,
            scope: None,
        }
    }
}
