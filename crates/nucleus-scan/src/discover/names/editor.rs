//! Agents of editors and of the desktop.

use super::shape::{CLAUDE, EDITOR, HOOKS, Names, Q_AGENT, SETTINGS, SETTINGS_YAML, TEXT};
use crate::client::Client;

pub(super) const NAMES: &[Names] = &[
    Names {
        client: Client::VsCode,
        ends: &[
            (".vscode/mcp.json", SETTINGS),
            (".vscode/settings.json", EDITOR),
            ("Code - Insiders/User/settings.json", EDITOR),
            ("Code - Insiders/User/mcp.json", SETTINGS),
            ("VSCodium/User/settings.json", EDITOR),
            ("VSCodium/User/mcp.json", SETTINGS),
            ("Code/User/settings.json", EDITOR),
            ("Code/User/mcp.json", SETTINGS),
            (".vscode-server/data/Machine/settings.json", EDITOR),
            (".vscode-server/data/User/mcp.json", SETTINGS),
        ],
        beneath: &[
            ("Code/User/profiles/", "settings.json", EDITOR),
            ("Code/User/profiles/", "mcp.json", SETTINGS),
        ],
    },
    Names {
        client: Client::Copilot,
        ends: &[
            ("github-copilot/intellij/mcp.json", SETTINGS),
            ("copilot-instructions.md", TEXT),
        ],
        beneath: &[
            (".github/hooks/", ".json", HOOKS),
            (".github/instructions/", ".md", TEXT),
            (".github/prompts/", ".md", TEXT),
            (".github/chatmodes/", ".md", TEXT),
            (".github/agents/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::Cursor,
        ends: &[
            (".cursor/mcp.json", SETTINGS),
            (".cursor/cli.json", SETTINGS),
            (".cursor/cli-config.json", SETTINGS),
            (".cursor/sandbox.json", SETTINGS),
            (".cursor/hooks.json", HOOKS),
            (".cursorrules", TEXT),
            ("Cursor/User/settings.json", EDITOR),
        ],
        beneath: &[
            (".cursor/rules/", ".mdc", TEXT),
            (".cursor/rules/", ".md", TEXT),
            (".cursor/commands/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::Windsurf,
        ends: &[
            (".windsurf/mcp_config.json", SETTINGS),
            (".windsurf/mcp.json", SETTINGS),
            (".windsurf/hooks.json", HOOKS),
            (".codeium/windsurf/mcp_config.json", SETTINGS),
            (".codeium/mcp_config.json", SETTINGS),
            (".windsurfrules", TEXT),
            ("Windsurf/User/settings.json", EDITOR),
        ],
        beneath: &[
            (".windsurf/rules/", ".md", TEXT),
            (".windsurf/workflows/", ".md", TEXT),
        ],
    },
    Names {
        client: Client::Kiro,
        ends: &[(".kiro/settings/mcp.json", SETTINGS)],
        beneath: &[
            (".kiro/steering/", ".md", TEXT),
            (".kiro/agents/", ".json", Q_AGENT),
            (".kiro/hooks/", ".kiro.hook", HOOKS),
        ],
    },
    Names {
        client: Client::Zed,
        ends: &[
            (".zed/settings.json", EDITOR),
            ("Zed/settings.json", EDITOR),
            ("zed/settings.json", EDITOR),
        ],
        beneath: &[],
    },
    Names {
        client: Client::Cline,
        ends: &[
            ("cline_mcp_settings.json", SETTINGS),
            (".cline/mcp.json", SETTINGS),
            (".clinerules", TEXT),
        ],
        beneath: &[(".clinerules/", ".md", TEXT)],
    },
    Names {
        client: Client::Roo,
        ends: &[
            (".roo/mcp.json", SETTINGS),
            ("mcp_settings.json", SETTINGS),
            (".roorules", TEXT),
            (".roomodes", TEXT),
        ],
        beneath: &[(".roo/rules", ".md", TEXT)],
    },
    Names {
        client: Client::Continue,
        ends: &[
            (".continue/config.json", SETTINGS),
            (".continue/config.yaml", SETTINGS_YAML),
        ],
        beneath: &[
            (".continue/mcpServers/", ".yaml", SETTINGS_YAML),
            (".continue/mcpServers/", ".json", SETTINGS),
            (".continue/rules/", ".md", TEXT),
            (".continue/agents/", ".yaml", SETTINGS_YAML),
            (".continue/assistants/", ".yaml", SETTINGS_YAML),
        ],
    },
    Names {
        client: Client::Antigravity,
        ends: &[
            (".gemini/antigravity/mcp_config.json", SETTINGS),
            (".antigravity/mcp_config.json", SETTINGS),
            (".agent/mcp_config.json", SETTINGS),
        ],
        beneath: &[],
    },
    Names {
        client: Client::Trae,
        ends: &[
            (".trae/mcp.json", SETTINGS),
            ("Trae/User/mcp.json", SETTINGS),
        ],
        beneath: &[(".trae/rules/", ".md", TEXT)],
    },
    Names {
        client: Client::Qoder,
        ends: &[
            (".qoder/mcp.json", SETTINGS),
            (".qoder/settings.json", CLAUDE),
            ("Qoder/SharedClientCache/mcp.json", SETTINGS),
        ],
        beneath: &[(".qoder/rules/", ".md", TEXT)],
    },
    Names {
        client: Client::Junie,
        ends: &[
            (".junie/mcp/mcp.json", SETTINGS),
            (".junie/guidelines.md", TEXT),
        ],
        beneath: &[],
    },
    Names {
        client: Client::ClaudeDesktop,
        ends: &[("claude_desktop_config.json", SETTINGS)],
        beneath: &[],
    },
    Names {
        client: Client::LmStudio,
        ends: &[(".lmstudio/mcp.json", SETTINGS)],
        beneath: &[],
    },
];
