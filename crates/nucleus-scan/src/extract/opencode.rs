//! opencode: servers, plugins and a permission table in which the last rule that matches counts.

use super::servers;
use crate::model::{Agent, Literal, PermissionRule, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Fills an agent.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    agent.servers.extend(
        top.get("mcp")
            .map(|map| servers::read(&map))
            .unwrap_or_default(),
    );
    for plugin in top
        .get("plugin")
        .map(|list| list.one_or_many())
        .unwrap_or_default()
    {
        let package = plugin.items().into_iter().next().unwrap_or(plugin);
        agent.plugins.push(package.literal());
    }
    if let Some(table) = top.get("permission") {
        permission(&table, "", agent);
    }
    for key in ["agent", "mode"] {
        for sub in top
            .get(key)
            .map(|agents| agents.entries())
            .unwrap_or_default()
        {
            if let Some(table) = sub
                .get("permission")
                .filter(|_| sub.get("disable").and_then(|at| at.truth()) != Some(true))
            {
                permission(&table, sub.key(), agent);
            }
        }
    }
    for tool in top
        .get("tools")
        .map(|tools| tools.entries())
        .unwrap_or_default()
    {
        if tool.truth() == Some(false) {
            agent
                .builtins
                .exclude
                .push(Literal::new("", tool.key(), tool.entry_place()));
        }
    }
    Vec::new()
}

fn permission(table: &At<'_>, only_for: &str, agent: &mut Agent) {
    if let Some(verdict) = table.text().and_then(verdict) {
        push(
            agent,
            verdict,
            ToolKind::Any,
            None,
            table.setting(),
            only_for,
        );
        if verdict == Verdict::Allow {
            agent.permissions.bypass.push(table.setting());
        }
        return;
    }
    for entry in table.entries() {
        let tool = tool(entry.key());
        if let Some(verdict) = entry.text().and_then(verdict) {
            if tool == ToolKind::Any && verdict == Verdict::Allow {
                agent.permissions.bypass.push(entry.setting());
            }
            push(agent, verdict, tool, None, entry.setting(), only_for);
            continue;
        }
        for rule in entry.entries() {
            if let Some(verdict) = rule.text().and_then(verdict) {
                let pattern = (!matches!(rule.key(), "*" | "**")).then(|| rule.key().to_owned());
                push(
                    agent,
                    verdict,
                    tool.clone(),
                    pattern,
                    Literal::new(
                        "",
                        &format!(
                            "{}.{}: {}",
                            entry.key(),
                            rule.key(),
                            rule.text().unwrap_or_default()
                        ),
                        rule.entry_place(),
                    ),
                    only_for,
                );
            }
        }
    }
}

fn push(
    agent: &mut Agent,
    verdict: Verdict,
    tool: ToolKind,
    pattern: Option<String>,
    source: Literal,
    only_for: &str,
) {
    agent.permissions.rules.push(PermissionRule {
        verdict,
        tool,
        pattern,
        source,
        only_for: only_for.to_owned(),
    });
}

fn verdict(text: &str) -> Option<Verdict> {
    match text {
        "allow" => Some(Verdict::Allow),
        "ask" => Some(Verdict::Ask),
        "deny" => Some(Verdict::Deny),
        _ => None,
    }
}

fn tool(key: &str) -> ToolKind {
    match key {
        "*" => ToolKind::Any,
        "bash" => ToolKind::Shell,
        "read" | "glob" | "grep" | "list" | "lsp" => ToolKind::Read,
        "edit" | "write" | "patch" => ToolKind::Write,
        "webfetch" => ToolKind::WebFetch,
        "websearch" | "codesearch" => ToolKind::WebSearch,
        "external_directory" => ToolKind::OutsideDirectory,
        other => ToolKind::Other(other.to_owned()),
    }
}
