//! Any text as any file the configuration scanner knows: judged or refused, never a crash; what is read is read within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_scan::fuzz::{judge_as, read_all};

/// One name for each reader and family of rules; the first byte picks one.
const NAMES: &[&str] = &[
    ".mcp.json",
    ".claude/settings.json",
    ".codex/config.toml",
    ".codex/rules/a.rules",
    ".gemini/settings.json",
    "opencode.json",
    ".vscode/settings.json",
    ".kiro/agents/a.json",
    ".cursor/hooks.json",
    "CLAUDE.md",
    ".github/workflows/a.yml",
    ".devcontainer/devcontainer.json",
    "Dockerfile",
    "docker-compose.yml",
    "package.json",
    "permissions.toml",
    ".continue/config.yaml",
    ".nucleus/pod.yaml",
    "k8s/agent.yaml",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(rest);
    let _ = read_all(&text);
    let _ = judge_as(NAMES[usize::from(*first) % NAMES.len()], &text);
});
