//! Package manifests: scripts that change agents when the package is installed, and scripts that start one.

use crate::read::{At, SourceFile};

use super::command;
use super::line::script;
use super::report::{Report, evidence};
use super::surroundings::Surroundings;
use super::table::AGENT_POSTINSTALL;

/// Words of agents in names and paths.
const AGENT_WORDS: &[&str] = &[
    "claude", "codex", "cursor", "gemini", "opencode", "mcp", "copilot", "windsurf", "agent",
    "agents", "skill", "skills", "hook", "hooks", "kiro", "cline",
];

/// Judges the scripts of a manifest.
pub(super) fn judge(file: &SourceFile, surroundings: &Surroundings, report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    for entry in top
        .get("scripts")
        .map(|scripts| scripts.entries())
        .unwrap_or_default()
    {
        let Some(text) = entry.text() else { continue };
        let literal = entry.literal_as("");
        if matches!(entry.key(), "preinstall" | "install" | "postinstall")
            && changes_agents(file, &top, text, surroundings)
        {
            report.add(
                AGENT_POSTINSTALL,
                Some(entry.key()),
                "installing the package registers something with an agent",
                vec![evidence(&literal)],
            );
        }
        for line in script(file, &literal) {
            command::flags(&line, false, Some(entry.key()), report);
        }
    }
}

/// Whether a script of the installation writes hooks, skills or registrations: by its own words, or by those of the file it runs.
fn changes_agents(
    file: &SourceFile,
    top: &At<'_>,
    text: &str,
    surroundings: &Surroundings,
) -> bool {
    const ORDINARY: &[&str] = &[
        "husky",
        "patch-package",
        "lefthook",
        "simple-git-hooks",
        "prisma",
        "electron-builder",
        "node-gyp",
        "prebuild-install",
        "lerna",
        "ngcc",
        "nuxt",
        "playwright",
        "git config",
        "githooks",
        "git-hooks",
    ];
    if ORDINARY.iter().any(|word| text.contains(word)) {
        return false;
    }
    let own = words(text);
    let strong = own.iter().any(|word| {
        matches!(
            word.as_str(),
            "claude" | "codex" | "gemini" | "opencode" | "mcp" | "copilot" | "skill" | "skills"
        )
    });
    let script = text.split_whitespace().find(|word| {
        [".js", ".mjs", ".cjs", ".ts", ".sh", ".py"]
            .iter()
            .any(|end| word.ends_with(end))
    });
    if let Some(content) = script.and_then(|script| surroundings.text(&file.name.path, script)) {
        return writes_registration(&content);
    }
    let weak = own.iter().any(|word| AGENT_WORDS.contains(&word.as_str()));
    strong || (weak && is_for_agents(top)) || script.is_some_and(|script| is_agent_bin(top, script))
}

/// A script that names an agent's configuration and writes files.
fn writes_registration(content: &str) -> bool {
    let names = [
        ".claude",
        "mcpServers",
        ".codex",
        ".gemini",
        ".cursor/",
        "claude mcp add",
        "settings.json",
        "opencode.json",
    ]
    .iter()
    .any(|name| content.contains(name));
    let writes = [
        "writeFile",
        "copyFile",
        "cpSync",
        "mkdir",
        "symlink",
        "fs.cp",
        "execSync",
        "spawn",
        "> ",
        "cp ",
        "open(",
        "appendFile",
    ]
    .iter()
    .any(|call| content.contains(call));
    names && writes
}

fn is_for_agents(top: &At<'_>) -> bool {
    let name = top.get("name").and_then(|at| at.text()).unwrap_or_default();
    let keywords = top
        .get("keywords")
        .map(|list| list.items())
        .unwrap_or_default();
    let mut all: Vec<String> = words(name);
    all.extend(keywords.iter().filter_map(|at| at.text()).flat_map(words));
    all.iter()
        .any(|word| AGENT_WORDS[..10].contains(&word.as_str()))
}

/// A script that the manifest also offers as a command for agents.
fn is_agent_bin(top: &At<'_>, script: &str) -> bool {
    let plain = script.trim_start_matches("./");
    let bins = top
        .get("bin")
        .map(|bins| bins.entries())
        .unwrap_or_default();
    bins.iter().any(|bin| {
        bin.text()
            .is_some_and(|path| path.trim_start_matches("./") == plain)
            && words(bin.key())
                .iter()
                .any(|word| matches!(word.as_str(), "hooks" | "hook" | "skills"))
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}
