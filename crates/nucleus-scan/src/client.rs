//! The agents whose configuration is known.

use std::fmt;

/// A program that runs a model with tools, or a file that starts one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each name is the product's own")]
pub enum Client {
    Amp,
    AmazonQ,
    Antigravity,
    ClaudeCode,
    ClaudeDesktop,
    Cline,
    Codex,
    Continue,
    Copilot,
    CopilotCli,
    Crush,
    Cursor,
    Factory,
    GeminiCli,
    Goose,
    Junie,
    Kimi,
    Kiro,
    LmStudio,
    OpenClaw,
    OpenCode,
    Qoder,
    QwenCode,
    Roo,
    Trae,
    Vibe,
    VsCode,
    Warp,
    Windsurf,
    Zed,
    /// A file several clients read (`.mcp.json`, `AGENTS.md`).
    Shared,
    /// A workflow of the forge.
    Workflow,
    /// A container an agent is started in.
    Container,
    /// A package that installs something for agents.
    Package,
    /// Policies of this project.
    Nucleus,
}

impl Client {
    /// The name a reader knows it by.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amp => "Amp",
            Self::AmazonQ => "Amazon Q",
            Self::Antigravity => "Antigravity",
            Self::ClaudeCode => "Claude Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Cline => "Cline",
            Self::Codex => "Codex",
            Self::Continue => "Continue",
            Self::Copilot => "GitHub Copilot",
            Self::CopilotCli => "Copilot CLI",
            Self::Crush => "Crush",
            Self::Cursor => "Cursor",
            Self::Factory => "Factory",
            Self::GeminiCli => "Gemini CLI",
            Self::Goose => "Goose",
            Self::Junie => "Junie",
            Self::Kimi => "Kimi",
            Self::Kiro => "Kiro",
            Self::LmStudio => "LM Studio",
            Self::OpenClaw => "OpenClaw",
            Self::OpenCode => "opencode",
            Self::Qoder => "Qoder",
            Self::QwenCode => "Qwen Code",
            Self::Roo => "Roo Code",
            Self::Trae => "Trae",
            Self::Vibe => "Vibe",
            Self::VsCode => "VS Code",
            Self::Warp => "Warp",
            Self::Windsurf => "Windsurf",
            Self::Zed => "Zed",
            Self::Shared => "any MCP client",
            Self::Workflow => "CI workflow",
            Self::Container => "container",
            Self::Package => "package",
            Self::Nucleus => "Nucleus",
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
