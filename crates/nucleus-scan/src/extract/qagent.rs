//! Agents of Amazon Q and Kiro: servers, the tools that run unasked, and limits on single tools.

use super::pattern::{Match, command};
use super::{hooks, servers};
use crate::model::{Agent, Literal, PermissionRule, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Fills an agent.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    if let Some(name) = top.get("name").and_then(|at| at.text()) {
        agent.name = name.to_owned();
    }
    agent.servers.extend(
        top.get("mcpServers")
            .map(|map| servers::read(&map))
            .unwrap_or_default(),
    );
    hooks::read(&top, agent);
    for tool in top
        .get("allowedTools")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        allowed(tool.literal(), agent);
    }
    commands(&top, agent);
    paths(&top, agent);
    Vec::new()
}

/// `fs_read`, `execute_bash`, `@server`, `@server/tool`, `*`.
fn allowed(source: Literal, agent: &mut Agent) {
    let text = source.raw_unmasked().to_owned();
    let tool = match text.as_str() {
        "*" | "@builtin" => ToolKind::Any,
        "execute_bash" | "shell" | "execute_cmd" => ToolKind::Shell,
        "fs_read" | "read" | "glob" | "grep" | "code" => ToolKind::Read,
        "fs_write" | "write" => ToolKind::Write,
        "web_fetch" | "fetch" => ToolKind::WebFetch,
        "web_search" => ToolKind::WebSearch,
        other => match other.strip_prefix('@') {
            Some(rest) => {
                let (server, tool) = rest
                    .split_once('/')
                    .map_or((rest, None), |(server, tool)| (server, Some(tool)));
                ToolKind::Mcp {
                    server: server.to_owned(),
                    tool: tool.filter(|tool| *tool != "*").map(str::to_owned),
                }
            }
            None => ToolKind::Other(other.to_owned()),
        },
    };
    if tool == ToolKind::Write {
        agent.permissions.auto_accept.push(source.clone());
    }
    agent.permissions.rules.push(PermissionRule {
        verdict: Verdict::Allow,
        tool,
        pattern: None,
        source,
        only_for: String::new(),
    });
}

/// `toolsSettings.fs_read.allowedPaths`: an absolute path is one of the disk.
fn paths(top: &At<'_>, agent: &mut Agent) {
    for (name, tool) in [
        ("fs_read", ToolKind::Read),
        ("read", ToolKind::Read),
        ("fs_write", ToolKind::Write),
        ("write", ToolKind::Write),
    ] {
        let list = top.path(&["toolsSettings", name, "allowedPaths"]);
        for item in list.map(|list| list.items()).unwrap_or_default() {
            let Some(path) = item.text() else { continue };
            let pattern = match path.starts_with('/') {
                true => format!("/{path}"),
                false => path.to_owned(),
            };
            agent.permissions.rules.push(PermissionRule {
                verdict: Verdict::Allow,
                tool: tool.clone(),
                pattern: Some(pattern),
                source: item.literal(),
                only_for: String::new(),
            });
        }
    }
}

/// `toolsSettings.execute_bash.allowedCommands`, regular expressions over the whole command.
fn commands(top: &At<'_>, agent: &mut Agent) {
    for tool in ["execute_bash", "shell"] {
        for item in top
            .path(&["toolsSettings", tool, "allowedCommands"])
            .map(|list| list.items())
            .unwrap_or_default()
        {
            let text = item
                .text()
                .unwrap_or_default()
                .trim_start_matches('^')
                .trim_end_matches('$');
            let plain = match text.strip_suffix(".*") {
                Some("") => String::new(),
                Some(prefix) => format!("{} *", prefix.trim_end()),
                None => text.to_owned(),
            };
            let rule = PermissionRule {
                verdict: Verdict::Allow,
                tool: ToolKind::Shell,
                pattern: command(&plain, Match::Glob),
                source: item.literal(),
                only_for: String::new(),
            };
            agent.permissions.rules.push(rule);
        }
    }
}
