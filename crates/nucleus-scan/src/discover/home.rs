//! Files at user and system scope: fixed names, looked at one by one; the home itself is never walked.

use std::path::{Path, PathBuf};

use super::candidate::Candidate;
use super::names::known;

/// Names beneath the home.
const HOME: &[&str] = &[
    ".mcp.json",
    ".claude.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/CLAUDE.md",
    ".claude/.mcp.json",
    ".claude/mcp.json",
    ".config/Claude/claude_desktop_config.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    "AppData/Roaming/Claude/claude_desktop_config.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".codex/AGENTS.md",
    ".codex/AGENTS.override.md",
    ".cursor/mcp.json",
    ".cursor/cli-config.json",
    ".cursor/hooks.json",
    ".cursor/sandbox.json",
    ".config/Code/User/mcp.json",
    ".config/Code/User/settings.json",
    "Library/Application Support/Code/User/mcp.json",
    "Library/Application Support/Code/User/settings.json",
    "AppData/Roaming/Code/User/mcp.json",
    "AppData/Roaming/Code/User/settings.json",
    ".config/Code - Insiders/User/mcp.json",
    ".config/Code - Insiders/User/settings.json",
    "Library/Application Support/Code - Insiders/User/mcp.json",
    "Library/Application Support/Code - Insiders/User/settings.json",
    "AppData/Roaming/Code - Insiders/User/mcp.json",
    "AppData/Roaming/Code - Insiders/User/settings.json",
    ".config/VSCodium/User/mcp.json",
    ".config/VSCodium/User/settings.json",
    "Library/Application Support/VSCodium/User/mcp.json",
    "Library/Application Support/VSCodium/User/settings.json",
    "AppData/Roaming/VSCodium/User/mcp.json",
    "AppData/Roaming/VSCodium/User/settings.json",
    ".vscode-server/data/Machine/settings.json",
    ".vscode-server/data/User/mcp.json",
    ".config/Cursor/User/settings.json",
    "Library/Application Support/Cursor/User/settings.json",
    "AppData/Roaming/Cursor/User/settings.json",
    ".config/Windsurf/User/settings.json",
    "Library/Application Support/Windsurf/User/settings.json",
    "AppData/Roaming/Windsurf/User/settings.json",
    ".config/github-copilot/intellij/mcp.json",
    ".copilot/mcp-config.json",
    ".copilot/config.json",
    ".gemini/settings.json",
    ".gemini/GEMINI.md",
    ".gemini/antigravity/mcp_config.json",
    ".qwen/settings.json",
    ".config/opencode/opencode.json",
    ".config/opencode/opencode.jsonc",
    ".config/opencode/AGENTS.md",
    ".codeium/windsurf/mcp_config.json",
    ".codeium/mcp_config.json",
    ".kiro/settings/mcp.json",
    ".aws/amazonq/mcp.json",
    ".aws/amazonq/default.json",
    ".config/zed/settings.json",
    "Library/Application Support/Zed/settings.json",
    ".config/amp/settings.json",
    ".config/goose/config.yaml",
    "AppData/Roaming/Block/goose/config/config.yaml",
    ".continue/config.json",
    ".continue/config.yaml",
    ".factory/mcp.json",
    ".factory/settings.json",
    ".factory/config.json",
    ".lmstudio/mcp.json",
    ".kimi/mcp.json",
    ".kimi/config.toml",
    ".vibe/config.toml",
    ".qoder/mcp.json",
    ".qoder/settings.json",
    ".config/Qoder/SharedClientCache/mcp.json",
    "Library/Application Support/Qoder/SharedClientCache/mcp.json",
    "AppData/Roaming/Qoder/SharedClientCache/mcp.json",
    ".config/Trae/User/mcp.json",
    "Library/Application Support/Trae/User/mcp.json",
    "AppData/Roaming/Trae/User/mcp.json",
    ".trae/mcp.json",
    ".openclaw/openclaw.json",
    ".config/crush/crush.json",
    ".junie/mcp/mcp.json",
    ".config/nucleus/permissions.toml",
    ".config/nucleus/policy.toml",
    ".cline/data/settings/cline_mcp_settings.json",
    ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
    "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
    "AppData/Roaming/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "AppData/Roaming/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
];

/// Directories beneath the home whose files are looked at, this many levels deep.
const HOME_DIRECTORIES: &[(&str, usize)] = &[
    (".claude/agents", 2),
    (".claude/commands", 3),
    (".claude/rules", 2),
    (".claude/skills", 3),
    (".claude/plugins/cache", 5),
    (".codex/rules", 1),
    (".codex/prompts", 1),
    (".codex/skills", 3),
    (".gemini/commands", 2),
    (".gemini/extensions", 2),
    (".config/opencode/agent", 2),
    (".config/opencode/agents", 2),
    (".config/opencode/command", 2),
    (".config/opencode/commands", 2),
    (".factory/droids", 1),
    (".cursor/rules", 2),
    (".cursor/commands", 2),
    (".aws/amazonq/cli-agents", 1),
    (".aws/amazonq/agents", 1),
    (".kiro/agents", 1),
    (".kiro/steering", 1),
    (".continue/mcpServers", 1),
    (".continue/agents", 1),
    (".continue/assistants", 1),
    (".openclaw/skills", 3),
    (".openclaw/workspace", 3),
    (".config/Code/User/profiles", 2),
    ("Library/Application Support/Code/User/profiles", 2),
    ("AppData/Roaming/Code/User/profiles", 2),
    (".agents/skills", 3),
];

/// Names beneath the root of the system.
const SYSTEM: &[&str] = &[
    "etc/claude-code/managed-settings.json",
    "etc/claude-code/managed-mcp.json",
    "etc/claude-code/CLAUDE.md",
    "Library/Application Support/ClaudeCode/managed-settings.json",
    "Library/Application Support/ClaudeCode/managed-mcp.json",
    "Program Files/ClaudeCode/managed-settings.json",
    "Program Files/ClaudeCode/managed-mcp.json",
    "ProgramData/ClaudeCode/managed-settings.json",
    "ProgramData/ClaudeCode/managed-mcp.json",
    "etc/codex/config.toml",
    "etc/codex/requirements.toml",
    "etc/codex/managed_config.toml",
    "etc/gemini-cli/settings.json",
    "etc/gemini-cli/system-defaults.json",
    "etc/opencode/opencode.json",
    "etc/nucleus/policy.toml",
    "Library/Application Support/GeminiCli/settings.json",
    "Library/Application Support/GeminiCli/system-defaults.json",
];

/// Directories beneath the root of the system whose files are looked at.
const SYSTEM_DIRECTORIES: &[(&str, usize)] = &[
    ("etc/claude-code/managed-settings.d", 1),
    (
        "Library/Application Support/ClaudeCode/managed-settings.d",
        1,
    ),
    ("Program Files/ClaudeCode/managed-settings.d", 1),
    ("ProgramData/ClaudeCode/managed-settings.d", 1),
];

/// Most entries looked at beneath one directory of the home.
const MAX_ENTRIES: usize = 5_000;

/// A variable that moves a directory of the home, and what it moves.
struct Movable {
    variable: &'static str,
    directory: &'static str,
    /// Files beside the directory that move into it.
    beside: &'static [&'static str],
}

const MOVABLE: &[Movable] = &[
    Movable {
        variable: "CLAUDE_CONFIG_DIR",
        directory: ".claude",
        beside: &[".claude.json"],
    },
    Movable {
        variable: "CODEX_HOME",
        directory: ".codex",
        beside: &[],
    },
    Movable {
        variable: "COPILOT_HOME",
        directory: ".copilot",
        beside: &[],
    },
    Movable {
        variable: "XDG_CONFIG_HOME",
        directory: ".config",
        beside: &[],
    },
];

/// Variables by which clients move a directory of the home.
pub const MOVING_VARIABLES: [&str; 4] = [
    MOVABLE[0].variable,
    MOVABLE[1].variable,
    MOVABLE[2].variable,
    MOVABLE[3].variable,
];

impl Movable {
    fn of(variable: &str) -> Option<&'static Self> {
        MOVABLE.iter().find(|one| one.variable == variable)
    }

    /// What a name beneath the home is within the directory, if it moves with it.
    fn inside<'a>(&self, name: &'a str) -> Option<&'a str> {
        let within = name
            .strip_prefix(self.directory)
            .and_then(|rest| rest.strip_prefix('/'));
        within.or_else(|| self.beside.contains(&name).then_some(name))
    }
}

/// Files of the user, relative to the home, less those that these variables move elsewhere.
pub(crate) fn home_files(home: &Path, moved: &[String]) -> Vec<Candidate> {
    let mut files = found(home, HOME, HOME_DIRECTORIES);
    let moved: Vec<&Movable> = moved.iter().filter_map(|name| Movable::of(name)).collect();
    let stays = |file: &Candidate| {
        let name = file.relative.to_string_lossy();
        moved.iter().all(|one| one.inside(&name).is_none())
    };
    files.retain(stays);
    files
}

/// Files of the directory that a variable names, relative to it: known by the names they have beneath the home.
pub(crate) fn moved_files(variable: &str, directory: &Path) -> Vec<Candidate> {
    let Some(movable) = Movable::of(variable) else {
        return Vec::new();
    };
    let names: Vec<&str> = HOME
        .iter()
        .filter_map(|name| movable.inside(name))
        .collect();
    let directories: Vec<(&str, usize)> = HOME_DIRECTORIES
        .iter()
        .filter_map(|(name, depth)| Some((movable.inside(name)?, *depth)))
        .collect();
    let usual = |file: Candidate| {
        let name = file.relative.to_str()?;
        let usual = if movable.beside.contains(&name) {
            name.to_owned()
        } else {
            format!("{}/{name}", movable.directory)
        };
        Some(Candidate {
            known: Some(known(&usual)?),
            ..file
        })
    };
    let files = all(directory, &names, &directories);
    files.into_iter().filter_map(usual).collect()
}

/// The directory of the home that a variable moves.
pub(crate) fn usual_directory(variable: &str) -> Option<&'static str> {
    Movable::of(variable).map(|one| one.directory)
}

/// Files of the system, relative to its root.
pub(crate) fn system_files(root: &Path) -> Vec<Candidate> {
    found(root, SYSTEM, SYSTEM_DIRECTORIES)
}

/// What is there and known by its name.
fn found(root: &Path, names: &[&str], directories: &[(&str, usize)]) -> Vec<Candidate> {
    let mut files = all(root, names, directories);
    files.retain(|file| file.known.is_some());
    files
}

fn all(root: &Path, names: &[&str], directories: &[(&str, usize)]) -> Vec<Candidate> {
    let mut files = present(root, names);
    for (directory, depth) in directories {
        let mut left = MAX_ENTRIES;
        list(root, Path::new(directory), *depth, &mut left, &mut files);
    }
    files.sort_by(|a, b| a.relative.cmp(&b.relative));
    files.dedup_by(|a, b| a.relative == b.relative);
    files
}

fn present(root: &Path, names: &[&str]) -> Vec<Candidate> {
    names
        .iter()
        .filter(|name| root.join(name).symlink_metadata().is_ok())
        .map(|name| named(PathBuf::from(name)))
        .collect()
}

/// A file of that name; the directories above it may be links.
fn named(relative: PathBuf) -> Candidate {
    Candidate {
        known: relative.to_str().and_then(known),
        relative,
        is_link: true,
    }
}

fn list(root: &Path, directory: &Path, depth: usize, left: &mut usize, files: &mut Vec<Candidate>) {
    let Ok(entries) = std::fs::read_dir(root.join(directory)) else {
        return;
    };
    for entry in entries.flatten() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let path = directory.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 1 => list(root, &path, depth - 1, left, files),
            Ok(kind) if kind.is_file() => {
                files.push(named(path));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HOME, HOME_DIRECTORIES, SYSTEM, SYSTEM_DIRECTORIES};
    use crate::discover::known;

    #[test]
    fn every_name_that_is_looked_at_is_one_that_is_read() {
        for name in HOME.iter().chain(SYSTEM) {
            assert!(known(name).is_some(), "{name}");
        }
        for (directory, _) in HOME_DIRECTORIES.iter().chain(SYSTEM_DIRECTORIES) {
            let read = ["md", "mdc", "json", "yaml", "rules", "toml"];
            let mut names = read.iter().map(|end| format!("{directory}/x.{end}"));
            let inside = ["SKILL.md", ".mcp.json", "gemini-extension.json", "mcp.json"];
            let mut inner = inside.iter().map(|name| format!("{directory}/x/{name}"));
            let is_read = |name: String| known(&name).is_some();
            assert!(names.any(is_read) || inner.any(is_read), "{directory}");
        }
    }
}
