//! The discovery table: names and the directories they count in.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::kind::{FileKind, Known};
use super::workload::workload;
use crate::client::Client;
use crate::model::Scope;
use crate::read::Syntax;

const JSON: Option<Syntax> = Some(Syntax::Json);
const TOML: Option<Syntax> = Some(Syntax::Toml);
const YAML: Option<Syntax> = Some(Syntax::Yaml);

/// (end of the path, kind, client, syntax). The longest end that fits counts; a first `/` is implied.
const ENDS: &[(&str, FileKind, Client, Option<Syntax>)] = &[
    (".mcp.json", FileKind::Settings, Client::Shared, JSON),
    ("mcp.json", FileKind::Settings, Client::Shared, JSON),
    ("mcp-servers.json", FileKind::Settings, Client::Shared, JSON),
    ("mcp_servers.json", FileKind::Settings, Client::Shared, JSON),
    ("mcp_config.json", FileKind::Settings, Client::Shared, JSON),
    ("mcp-config.json", FileKind::Settings, Client::Shared, JSON),
    (".cursor/mcp.json", FileKind::Settings, Client::Cursor, JSON),
    (".cursor/cli.json", FileKind::Settings, Client::Cursor, JSON),
    (
        ".cursor/cli-config.json",
        FileKind::Settings,
        Client::Cursor,
        JSON,
    ),
    (
        ".cursor/sandbox.json",
        FileKind::Settings,
        Client::Cursor,
        JSON,
    ),
    (".cursor/hooks.json", FileKind::Hooks, Client::Cursor, JSON),
    (".vscode/mcp.json", FileKind::Settings, Client::VsCode, JSON),
    (
        ".vscode/settings.json",
        FileKind::EditorSettings,
        Client::VsCode,
        JSON,
    ),
    (
        "Code - Insiders/User/settings.json",
        FileKind::EditorSettings,
        Client::VsCode,
        JSON,
    ),
    (
        "Code - Insiders/User/mcp.json",
        FileKind::Settings,
        Client::VsCode,
        JSON,
    ),
    (
        "VSCodium/User/settings.json",
        FileKind::EditorSettings,
        Client::VsCode,
        JSON,
    ),
    (
        "VSCodium/User/mcp.json",
        FileKind::Settings,
        Client::VsCode,
        JSON,
    ),
    (
        "Code/User/settings.json",
        FileKind::EditorSettings,
        Client::VsCode,
        JSON,
    ),
    (
        "Code/User/mcp.json",
        FileKind::Settings,
        Client::VsCode,
        JSON,
    ),
    (
        "github-copilot/intellij/mcp.json",
        FileKind::Settings,
        Client::Copilot,
        JSON,
    ),
    (
        ".github/mcp.json",
        FileKind::Settings,
        Client::CopilotCli,
        JSON,
    ),
    (
        ".copilot/mcp-config.json",
        FileKind::Settings,
        Client::CopilotCli,
        JSON,
    ),
    (
        ".copilot/config.json",
        FileKind::Settings,
        Client::CopilotCli,
        JSON,
    ),
    (
        ".kiro/settings/mcp.json",
        FileKind::Settings,
        Client::Kiro,
        JSON,
    ),
    (
        ".windsurf/mcp_config.json",
        FileKind::Settings,
        Client::Windsurf,
        JSON,
    ),
    (
        ".windsurf/mcp.json",
        FileKind::Settings,
        Client::Windsurf,
        JSON,
    ),
    (
        ".windsurf/hooks.json",
        FileKind::Hooks,
        Client::Windsurf,
        JSON,
    ),
    (
        ".codeium/windsurf/mcp_config.json",
        FileKind::Settings,
        Client::Windsurf,
        JSON,
    ),
    (
        ".codeium/mcp_config.json",
        FileKind::Settings,
        Client::Windsurf,
        JSON,
    ),
    (
        ".gemini/antigravity/mcp_config.json",
        FileKind::Settings,
        Client::Antigravity,
        JSON,
    ),
    (
        ".antigravity/mcp_config.json",
        FileKind::Settings,
        Client::Antigravity,
        JSON,
    ),
    (
        ".agent/mcp_config.json",
        FileKind::Settings,
        Client::Antigravity,
        JSON,
    ),
    (".roo/mcp.json", FileKind::Settings, Client::Roo, JSON),
    ("mcp_settings.json", FileKind::Settings, Client::Roo, JSON),
    (
        "cline_mcp_settings.json",
        FileKind::Settings,
        Client::Cline,
        JSON,
    ),
    (".cline/mcp.json", FileKind::Settings, Client::Cline, JSON),
    (
        ".amazonq/mcp.json",
        FileKind::Settings,
        Client::AmazonQ,
        JSON,
    ),
    (
        ".amazonq/default.json",
        FileKind::QAgent,
        Client::AmazonQ,
        JSON,
    ),
    (".trae/mcp.json", FileKind::Settings, Client::Trae, JSON),
    (".qoder/mcp.json", FileKind::Settings, Client::Qoder, JSON),
    (
        ".qoder/settings.json",
        FileKind::ClaudeSettings,
        Client::Qoder,
        JSON,
    ),
    (
        ".factory/mcp.json",
        FileKind::Settings,
        Client::Factory,
        JSON,
    ),
    (
        ".factory/settings.json",
        FileKind::Settings,
        Client::Factory,
        JSON,
    ),
    (
        ".factory/config.json",
        FileKind::Settings,
        Client::Factory,
        JSON,
    ),
    (
        ".junie/mcp/mcp.json",
        FileKind::Settings,
        Client::Junie,
        JSON,
    ),
    (".kimi/mcp.json", FileKind::Settings, Client::Kimi, JSON),
    (".kimi/config.toml", FileKind::CodexToml, Client::Kimi, TOML),
    (
        ".lmstudio/mcp.json",
        FileKind::Settings,
        Client::LmStudio,
        JSON,
    ),
    (".vibe/config.toml", FileKind::CodexToml, Client::Vibe, TOML),
    (
        ".openclaw/openclaw.json",
        FileKind::Settings,
        Client::OpenClaw,
        JSON,
    ),
    (
        ".amp/settings.json",
        FileKind::EditorSettings,
        Client::Amp,
        JSON,
    ),
    (
        "amp/settings.json",
        FileKind::EditorSettings,
        Client::Amp,
        JSON,
    ),
    (
        ".zed/settings.json",
        FileKind::EditorSettings,
        Client::Zed,
        JSON,
    ),
    (
        "Zed/settings.json",
        FileKind::EditorSettings,
        Client::Zed,
        JSON,
    ),
    (
        "zed/settings.json",
        FileKind::EditorSettings,
        Client::Zed,
        JSON,
    ),
    ("crush.json", FileKind::Settings, Client::Crush, JSON),
    (".crush.json", FileKind::Settings, Client::Crush, JSON),
    (
        ".continue/config.json",
        FileKind::Settings,
        Client::Continue,
        JSON,
    ),
    (
        ".continue/config.yaml",
        FileKind::Settings,
        Client::Continue,
        YAML,
    ),
    (
        ".goose/config.yaml",
        FileKind::Settings,
        Client::Goose,
        YAML,
    ),
    ("goose/config.yaml", FileKind::Settings, Client::Goose, YAML),
    (
        "claude_desktop_config.json",
        FileKind::Settings,
        Client::ClaudeDesktop,
        JSON,
    ),
    (
        ".claude.json",
        FileKind::ClaudeSettings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".claude/settings.json",
        FileKind::ClaudeSettings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".claude/settings.local.json",
        FileKind::ClaudeSettings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".claude/.mcp.json",
        FileKind::Settings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".claude/mcp.json",
        FileKind::Settings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        "managed-settings.json",
        FileKind::ClaudeSettings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        "managed-mcp.json",
        FileKind::Settings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".claude-plugin/plugin.json",
        FileKind::ClaudeSettings,
        Client::ClaudeCode,
        JSON,
    ),
    (
        "hooks/hooks.json",
        FileKind::Hooks,
        Client::ClaudeCode,
        JSON,
    ),
    (
        ".codex/config.toml",
        FileKind::CodexToml,
        Client::Codex,
        TOML,
    ),
    (
        "codex/config.toml",
        FileKind::CodexToml,
        Client::Codex,
        TOML,
    ),
    (
        "codex/requirements.toml",
        FileKind::CodexToml,
        Client::Codex,
        TOML,
    ),
    (
        "codex/managed_config.toml",
        FileKind::CodexToml,
        Client::Codex,
        TOML,
    ),
    (".codex/hooks.json", FileKind::Hooks, Client::Codex, JSON),
    (
        ".gemini/settings.json",
        FileKind::Gemini,
        Client::GeminiCli,
        JSON,
    ),
    (
        "GeminiCli/settings.json",
        FileKind::Gemini,
        Client::GeminiCli,
        JSON,
    ),
    (
        "gemini-cli/settings.json",
        FileKind::Gemini,
        Client::GeminiCli,
        JSON,
    ),
    (
        "gemini-extension.json",
        FileKind::Gemini,
        Client::GeminiCli,
        JSON,
    ),
    (
        ".qwen/settings.json",
        FileKind::Gemini,
        Client::QwenCode,
        JSON,
    ),
    ("opencode.json", FileKind::OpenCode, Client::OpenCode, JSON),
    ("opencode.jsonc", FileKind::OpenCode, Client::OpenCode, JSON),
    (
        "devcontainer.json",
        FileKind::Devcontainer,
        Client::Container,
        JSON,
    ),
    (
        ".devcontainer.json",
        FileKind::Devcontainer,
        Client::Container,
        JSON,
    ),
    ("Dockerfile", FileKind::Dockerfile, Client::Container, None),
    (
        "Containerfile",
        FileKind::Dockerfile,
        Client::Container,
        None,
    ),
    ("compose.yml", FileKind::Compose, Client::Container, YAML),
    ("compose.yaml", FileKind::Compose, Client::Container, YAML),
    (
        "docker-compose.yml",
        FileKind::Compose,
        Client::Container,
        YAML,
    ),
    (
        "docker-compose.yaml",
        FileKind::Compose,
        Client::Container,
        YAML,
    ),
    ("package.json", FileKind::PackageJson, Client::Package, JSON),
    ("permissions.toml", FileKind::Policy, Client::Nucleus, TOML),
    (
        "nucleus/policy.toml",
        FileKind::Policy,
        Client::Nucleus,
        TOML,
    ),
    (
        "CLAUDE.md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        "CLAUDE.local.md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    ("AGENTS.md", FileKind::Instructions, Client::Shared, None),
    (
        "AGENTS.override.md",
        FileKind::Instructions,
        Client::Codex,
        None,
    ),
    ("AGENT.md", FileKind::Instructions, Client::Shared, None),
    ("SKILL.md", FileKind::Instructions, Client::Shared, None),
    ("CODEX.md", FileKind::Instructions, Client::Codex, None),
    ("GEMINI.md", FileKind::Instructions, Client::GeminiCli, None),
    ("QWEN.md", FileKind::Instructions, Client::QwenCode, None),
    ("WARP.md", FileKind::Instructions, Client::Warp, None),
    ("CRUSH.md", FileKind::Instructions, Client::Crush, None),
    (".cursorrules", FileKind::Instructions, Client::Cursor, None),
    (
        ".windsurfrules",
        FileKind::Instructions,
        Client::Windsurf,
        None,
    ),
    (".clinerules", FileKind::Instructions, Client::Cline, None),
    (".roorules", FileKind::Instructions, Client::Roo, None),
    (".goosehints", FileKind::Instructions, Client::Goose, None),
    (
        "copilot-instructions.md",
        FileKind::Instructions,
        Client::Copilot,
        None,
    ),
    (
        ".junie/guidelines.md",
        FileKind::Instructions,
        Client::Junie,
        None,
    ),
];

/// (a directory anywhere above, end of the name, kind, client, syntax).
const BENEATH: &[(&str, &str, FileKind, Client, Option<Syntax>)] = &[
    (
        ".github/workflows/",
        ".yml",
        FileKind::Workflow,
        Client::Workflow,
        YAML,
    ),
    (
        ".github/workflows/",
        ".yaml",
        FileKind::Workflow,
        Client::Workflow,
        YAML,
    ),
    (
        ".github/hooks/",
        ".json",
        FileKind::Hooks,
        Client::Copilot,
        JSON,
    ),
    (
        ".github/instructions/",
        ".md",
        FileKind::Instructions,
        Client::Copilot,
        None,
    ),
    (
        ".github/prompts/",
        ".md",
        FileKind::Instructions,
        Client::Copilot,
        None,
    ),
    (
        ".github/chatmodes/",
        ".md",
        FileKind::Instructions,
        Client::Copilot,
        None,
    ),
    (
        ".github/agents/",
        ".md",
        FileKind::Instructions,
        Client::Copilot,
        None,
    ),
    (
        ".claude/agents/",
        ".md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        ".claude/commands/",
        ".md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        ".claude/rules/",
        ".md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        ".claude/skills/",
        ".md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        ".claude/output-styles/",
        ".md",
        FileKind::Instructions,
        Client::ClaudeCode,
        None,
    ),
    (
        ".codex/rules/",
        ".rules",
        FileKind::CodexRules,
        Client::Codex,
        None,
    ),
    (
        ".codex/rules/",
        ".md",
        FileKind::Instructions,
        Client::Codex,
        None,
    ),
    (
        ".codex/prompts/",
        ".md",
        FileKind::Instructions,
        Client::Codex,
        None,
    ),
    (
        ".codex/skills/",
        ".md",
        FileKind::Instructions,
        Client::Codex,
        None,
    ),
    (
        ".gemini/commands/",
        ".toml",
        FileKind::Instructions,
        Client::GeminiCli,
        None,
    ),
    (
        ".cursor/rules/",
        ".mdc",
        FileKind::Instructions,
        Client::Cursor,
        None,
    ),
    (
        ".cursor/rules/",
        ".md",
        FileKind::Instructions,
        Client::Cursor,
        None,
    ),
    (
        ".cursor/commands/",
        ".md",
        FileKind::Instructions,
        Client::Cursor,
        None,
    ),
    (
        ".windsurf/rules/",
        ".md",
        FileKind::Instructions,
        Client::Windsurf,
        None,
    ),
    (
        ".windsurf/workflows/",
        ".md",
        FileKind::Instructions,
        Client::Windsurf,
        None,
    ),
    (
        ".clinerules/",
        ".md",
        FileKind::Instructions,
        Client::Cline,
        None,
    ),
    (
        ".roo/rules",
        ".md",
        FileKind::Instructions,
        Client::Roo,
        None,
    ),
    (
        ".kiro/steering/",
        ".md",
        FileKind::Instructions,
        Client::Kiro,
        None,
    ),
    (
        ".kiro/agents/",
        ".json",
        FileKind::QAgent,
        Client::Kiro,
        JSON,
    ),
    (
        ".kiro/hooks/",
        ".kiro.hook",
        FileKind::Hooks,
        Client::Kiro,
        JSON,
    ),
    (
        ".amazonq/agents/",
        ".json",
        FileKind::QAgent,
        Client::AmazonQ,
        JSON,
    ),
    (
        ".amazonq/cli-agents/",
        ".json",
        FileKind::QAgent,
        Client::AmazonQ,
        JSON,
    ),
    (
        ".amazonq/rules/",
        ".md",
        FileKind::Instructions,
        Client::AmazonQ,
        None,
    ),
    (
        ".aws/amazonq/",
        ".json",
        FileKind::QAgent,
        Client::AmazonQ,
        JSON,
    ),
    (
        ".continue/mcpServers/",
        ".yaml",
        FileKind::Settings,
        Client::Continue,
        YAML,
    ),
    (
        ".continue/mcpServers/",
        ".json",
        FileKind::Settings,
        Client::Continue,
        JSON,
    ),
    (
        ".continue/rules/",
        ".md",
        FileKind::Instructions,
        Client::Continue,
        None,
    ),
    (
        ".opencode/agent/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".opencode/command/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".config/opencode/agent/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".config/opencode/command/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".config/opencode/agents/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".config/opencode/commands/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".opencode/agents/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".opencode/commands/",
        ".md",
        FileKind::Instructions,
        Client::OpenCode,
        None,
    ),
    (
        ".trae/rules/",
        ".md",
        FileKind::Instructions,
        Client::Trae,
        None,
    ),
    (
        ".qoder/rules/",
        ".md",
        FileKind::Instructions,
        Client::Qoder,
        None,
    ),
    (
        ".agents/skills/",
        ".md",
        FileKind::Instructions,
        Client::Shared,
        None,
    ),
    (
        ".factory/droids/",
        ".md",
        FileKind::Instructions,
        Client::Factory,
        None,
    ),
    (
        ".devcontainer/",
        "devcontainer.json",
        FileKind::Devcontainer,
        Client::Container,
        JSON,
    ),
];

/// Rows of `ENDS` by the name they end with: a walk asks for every entry.
static BY_NAME: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<usize>> = HashMap::new();
    for (nth, (end, ..)) in ENDS.iter().enumerate() {
        rows.entry(end.rsplit('/').next().unwrap_or(end))
            .or_default()
            .push(nth);
    }
    rows
});

/// What the path of a file, relative to its root and with forward slashes, says.
pub(crate) fn known(path: &str) -> Option<Known> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut best: Option<(usize, Known)> = None;
    for nth in BY_NAME.get(name).into_iter().flatten() {
        let (end, kind, client, syntax) = ENDS[*nth];
        if ends_at_segment(path, end) && best.is_none_or(|(most, _)| end.len() > most) {
            best = Some((end.len(), Known::new(kind, client, syntax)));
        }
    }
    let beneath = BENEATH
        .iter()
        .find(|(directory, end, ..)| name.ends_with(end) && contains_at_segment(path, directory));
    if let Some((_, _, kind, client, syntax)) =
        beneath.filter(|_| best.is_none_or(|(length, _)| length <= name.len()))
    {
        best = Some((usize::MAX, Known::new(*kind, *client, *syntax)));
    }
    let known = best
        .map(|(_, known)| known)
        .or_else(|| by_pattern(name))
        .or_else(|| workload(path, name))?;
    Some(Known {
        scope: scope_of(path, name, known.kind),
        ..known
    })
}

fn by_pattern(name: &str) -> Option<Known> {
    let dockerfile = name.starts_with("Dockerfile.")
        || name.ends_with(".Dockerfile")
        || name.ends_with(".dockerfile");
    let compose = (name.starts_with("docker-compose.") || name.starts_with("compose."))
        && (name.ends_with(".yml") || name.ends_with(".yaml"));
    if dockerfile {
        Some(Known::new(FileKind::Dockerfile, Client::Container, None))
    } else if compose {
        Some(Known::new(FileKind::Compose, Client::Container, YAML))
    } else {
        None
    }
}

fn scope_of(path: &str, name: &str, kind: FileKind) -> Option<Scope> {
    if kind == FileKind::Workflow {
        Some(Scope::Ci)
    } else if name == "settings.local.json" || name == "CLAUDE.local.md" {
        Some(Scope::Local)
    } else if path == "managed-settings.json" || path == "managed-mcp.json" {
        Some(Scope::System)
    } else {
        None
    }
}

fn ends_at_segment(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn contains_at_segment(path: &str, directory: &str) -> bool {
    path.find(directory)
        .is_some_and(|at| at == 0 || path.as_bytes()[at - 1] == b'/')
}

#[cfg(test)]
mod tests {
    use super::{FileKind, known};
    use crate::client::Client;
    use crate::model::Scope;

    #[test]
    fn the_longest_name_counts() {
        for (path, kind, client) in [
            (".mcp.json", FileKind::Settings, Client::Shared),
            ("a/b/.cursor/mcp.json", FileKind::Settings, Client::Cursor),
            (".kiro/settings/mcp.json", FileKind::Settings, Client::Kiro),
            (
                ".github/workflows/claude.yml",
                FileKind::Workflow,
                Client::Workflow,
            ),
            (
                ".claude/settings.local.json",
                FileKind::ClaudeSettings,
                Client::ClaudeCode,
            ),
            (
                ".claude/skills/x/SKILL.md",
                FileKind::Instructions,
                Client::ClaudeCode,
            ),
            (
                "docker-compose.dev.yml",
                FileKind::Compose,
                Client::Container,
            ),
            (".kiro/agents/x.json", FileKind::QAgent, Client::Kiro),
            (
                ".devcontainer/py/devcontainer.json",
                FileKind::Devcontainer,
                Client::Container,
            ),
        ] {
            let found = known(path).unwrap();
            assert_eq!((found.kind, found.client), (kind, client), "{path}");
        }
        for path in [
            "src/main.rs",
            "xmcp.json",
            "settings.json",
            "notes.md",
            "x.github/workflows/a.yml",
            "workflows/a.yml",
        ] {
            assert_eq!(known(path), None, "{path}");
        }
    }

    #[test]
    fn scopes_follow_the_name() {
        assert_eq!(
            known(".claude/settings.local.json").unwrap().scope,
            Some(Scope::Local)
        );
        assert_eq!(known(".claude/settings.json").unwrap().scope, None);
    }
}
