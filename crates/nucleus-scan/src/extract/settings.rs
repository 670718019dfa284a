//! The shape most clients share: a map of servers under one of a few names, and settings beside it.

use super::{hooks, pattern, servers};
use crate::model::{Agent, Literal, PermissionRule, SandboxState, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Where the servers stand.
const SERVER_KEYS: &[&str] = &[
    "mcpServers",
    "servers",
    "mcp_servers",
    "context_servers",
    "mcp.servers",
    "mcp",
    "extensions",
    "amp.mcpServers",
];

/// Fills an agent; further agents there are none.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    fill_servers(&top, agent);
    hooks::read(&top, agent);
    cursor_permissions(&top, agent);
    modes(&top, agent);
    Vec::new()
}

/// Servers under whichever name is there.
pub(super) fn fill_servers(top: &At<'_>, agent: &mut Agent) {
    for key in SERVER_KEYS {
        let Some(map) = top.get(key) else { continue };
        match map
            .get("servers")
            .or_else(|| map.get("mcpServers"))
            .filter(|inner| inner.is_map())
        {
            Some(inner) => agent.servers.extend(servers::read(&inner)),
            None => agent.servers.extend(servers::read(&map)),
        }
    }
    if agent.servers.is_empty() && is_bare_map(top) {
        agent.servers.extend(servers::read(top));
    }
}

/// A file that is the map of servers itself.
fn is_bare_map(top: &At<'_>) -> bool {
    let entries = top.entries();
    !entries.is_empty()
        && entries.iter().all(|entry| {
            entry.is_map()
                && entry
                    .get_any(&["command", "url", "serverUrl", "httpUrl"])
                    .is_some()
        })
}

/// `permissions.allow` of Cursor's command line: `Shell(git)`, `Read(**)`, `Mcp(server:tool)`.
fn cursor_permissions(top: &At<'_>, agent: &mut Agent) {
    for (key, verdict) in [("allow", Verdict::Allow), ("deny", Verdict::Deny)] {
        for item in top
            .path(&["permissions", key])
            .map(|list| list.items())
            .unwrap_or_default()
        {
            agent
                .permissions
                .rules
                .push(pattern::prefix_rule(verdict, item.literal()));
        }
    }
    for item in top
        .path(&["permissions", "allowed_tools"])
        .map(|list| list.items())
        .unwrap_or_default()
    {
        agent.permissions.rules.push(crush_rule(item.literal()));
    }
}

/// `bash`, `edit`, `mcp_server_tool` of Crush.
fn crush_rule(source: Literal) -> PermissionRule {
    let tool = match source.raw_unmasked() {
        "bash" => ToolKind::Shell,
        "view" | "ls" | "grep" | "glob" => ToolKind::Read,
        "edit" | "write" | "multiedit" => ToolKind::Write,
        "fetch" | "download" => ToolKind::WebFetch,
        other => ToolKind::Other(other.to_owned()),
    };
    PermissionRule {
        verdict: Verdict::Allow,
        tool,
        pattern: None,
        source,
        only_for: String::new(),
    }
}

/// Settings that switch prompts or the sandbox off, in clients that keep them beside the servers.
fn modes(top: &At<'_>, agent: &mut Agent) {
    let is = |key: &str, value: &str| {
        top.get(key).filter(|at| {
            at.scalar()
                .is_some_and(|text| text.eq_ignore_ascii_case(value))
        })
    };
    for (key, value) in [
        ("GOOSE_MODE", "auto"),
        ("approvalMode", "unrestricted"),
        ("sessionDefaultAutonomyLevel", "auto-high"),
        ("autonomyMode", "auto-high"),
    ] {
        agent
            .permissions
            .bypass
            .extend(is(key, value).map(|at| at.setting()));
    }
    let asking = ["approve", "smart_approve", "chat"];
    agent.permissions.asks.extend(
        top.get("GOOSE_MODE")
            .filter(|at| at.scalar().is_some_and(|mode| asking.contains(&mode)))
            .map(|at| at.setting()),
    );
    for (key, value) in [("type", "insecure_none"), ("sandboxMode", "disabled")] {
        if let Some(at) = is(key, value) {
            agent.permissions.sandbox.state = SandboxState::Off;
            agent.permissions.sandbox.because.push(at.setting());
        }
    }
    for command in top
        .get("commandAllowlist")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        agent.permissions.rules.push(pattern::command_rule(
            Verdict::Allow,
            command.literal(),
            pattern::Match::Prefix,
        ));
    }
}
