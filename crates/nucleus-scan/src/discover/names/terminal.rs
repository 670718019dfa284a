//! Agents of the terminal.

use super::shape::{
    CLAUDE, CODEX, EDITOR, GEMINI, HOOKS, Names, OPENCODE, Q_AGENT, RULES, SETTINGS, SETTINGS_YAML,
    TEXT,
};
use crate::client::Client;

pub(super) const NAMES: &[Names] = &[
    Names {
        client: Client::ClaudeCode,
        ends: &[
            (".claude.json", CLAUDE),
            (".claude/settings.json", CLAUDE),
            (".claude/settings.local.json", CLAUDE),
            (".claude/.mcp.json", SETTINGS),
            (".claude/mcp.json", SETTINGS),
            ("managed-settings.json", CLAUDE),
            ("managed-mcp.json", SETTINGS),
            (".claude-plugin/plugin.json", CLAUDE),
            ("hooks/hooks.json", HOOKS),
            ("CLAUDE.md", TEXT),
            ("CLAUDE.local.md", TEXT),
        ],
        beneath: &[
            (".claude/agents/", ".md", TEXT),
            (".claude/commands/", ".md", TEXT),
            (".claude/rules/", ".md", TEXT),
            (".claude/skills/", ".md", TEXT),
            (".claude/output-styles/", ".md", TEXT),
            ("managed-settings.d/", ".json", CLAUDE),
        ],
    },
    Names {
        client: Client::Codex,
        ends: &[
            (".codex/config.toml", CODEX),
            ("codex/config.toml", CODEX),
            ("codex/requirements.toml", CODEX),
            ("codex/managed_config.toml", CODEX),
            (".codex/hooks.json", HOOKS),
            ("AGENTS.override.md", TEXT),
            ("CODEX.md", TEXT),
        ],
        beneath: &[
            (".codex/rules/", ".rules", RULES),
            (".codex/rules/", ".md", TEXT),
            (".codex/prompts/", ".md", TEXT),
            (".codex/skills/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::GeminiCli,
        ends: &[
            (".gemini/settings.json", GEMINI),
            ("GeminiCli/settings.json", GEMINI),
            ("gemini-cli/settings.json", GEMINI),
            ("gemini-extension.json", GEMINI),
            ("GEMINI.md", TEXT),
            ("gemini-cli/system-defaults.json", GEMINI),
            ("GeminiCli/system-defaults.json", GEMINI),
        ],
        beneath: &[(".gemini/commands/", ".toml", TEXT)],
    },
    Names {
        client: Client::QwenCode,
        ends: &[(".qwen/settings.json", GEMINI), ("QWEN.md", TEXT)],
        beneath: &[],
    },
    Names {
        client: Client::OpenCode,
        ends: &[("opencode.json", OPENCODE), ("opencode.jsonc", OPENCODE)],
        beneath: &[
            (".opencode/agent/", ".md", TEXT),
            (".opencode/command/", ".md", TEXT),
            (".config/opencode/agent/", ".md", TEXT),
            (".config/opencode/command/", ".md", TEXT),
            (".config/opencode/agents/", ".md", TEXT),
            (".config/opencode/commands/", ".md", TEXT),
            (".opencode/agents/", ".md", TEXT),
            (".opencode/commands/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::CopilotCli,
        ends: &[
            (".github/mcp.json", SETTINGS),
            (".copilot/mcp-config.json", SETTINGS),
            (".copilot/config.json", SETTINGS),
        ],
        beneath: &[],
    },
    Names {
        client: Client::Goose,
        ends: &[
            (".goose/config.yaml", SETTINGS_YAML),
            ("goose/config.yaml", SETTINGS_YAML),
            (".goosehints", TEXT),
            ("goose/config/config.yaml", SETTINGS_YAML),
        ],
        beneath: &[],
    },
    Names {
        client: Client::Crush,
        ends: &[
            ("crush.json", SETTINGS),
            (".crush.json", SETTINGS),
            ("CRUSH.md", TEXT),
        ],
        beneath: &[],
    },
    Names {
        client: Client::Amp,
        ends: &[
            (".amp/settings.json", EDITOR),
            ("amp/settings.json", EDITOR),
        ],
        beneath: &[],
    },
    Names {
        client: Client::AmazonQ,
        ends: &[
            (".amazonq/mcp.json", SETTINGS),
            (".amazonq/default.json", Q_AGENT),
        ],
        beneath: &[
            (".amazonq/agents/", ".json", Q_AGENT),
            (".amazonq/cli-agents/", ".json", Q_AGENT),
            (".amazonq/rules/", ".md", TEXT),
            (".aws/amazonq/", ".json", Q_AGENT),
        ],
    },
    Names {
        client: Client::Kimi,
        ends: &[(".kimi/mcp.json", SETTINGS), (".kimi/config.toml", CODEX)],
        beneath: &[],
    },
    Names {
        client: Client::Vibe,
        ends: &[(".vibe/config.toml", CODEX)],
        beneath: &[],
    },
    Names {
        client: Client::Factory,
        ends: &[
            (".factory/mcp.json", SETTINGS),
            (".factory/settings.json", SETTINGS),
            (".factory/config.json", SETTINGS),
        ],
        beneath: &[(".factory/droids/", ".md", TEXT)],
    },
    Names {
        client: Client::OpenClaw,
        ends: &[(".openclaw/openclaw.json", SETTINGS)],
        beneath: &[
            (".openclaw/skills/", ".md", TEXT),
            (".openclaw/workspace/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::Warp,
        ends: &[("WARP.md", TEXT)],
        beneath: &[],
    },
];
