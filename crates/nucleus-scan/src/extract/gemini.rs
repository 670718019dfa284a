//! Gemini CLI and its descendants.

use super::pattern::prefix_rule;
use super::{hooks, servers};
use crate::model::{Agent, Literal, SandboxState, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Fills an agent.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    if let Some(top) = file.top() {
        one(&top, agent);
    }
    Vec::new()
}

/// Reads a settings object, wherever it stands.
pub(super) fn one(top: &At<'_>, agent: &mut Agent) {
    if let Some(map) = top.get("mcpServers") {
        agent.servers.extend(servers::read(&map));
    }
    hooks::read(top, agent);
    tools(top, agent);
    mode(top, agent);
    sandbox(top, agent);
    for item in top
        .path(&["context", "includeDirectories"])
        .or_else(|| top.get("includeDirectories"))
        .map(|list| list.items())
        .unwrap_or_default()
    {
        agent.permissions.extra_directories.push(item.literal());
    }
}

fn items<'a>(top: &At<'a>, nested: [&str; 2], flat: &[&str]) -> Vec<At<'a>> {
    let list = top.path(&nested).or_else(|| top.get_any(flat));
    list.map(|list| list.items()).unwrap_or_default()
}

fn tools(top: &At<'_>, agent: &mut Agent) {
    for item in items(
        top,
        ["tools", "allowed"],
        &["tools.allowed", "allowedTools", "autoAccept.tools"],
    ) {
        let rule = prefix_rule(Verdict::Allow, item.literal());
        if rule.tool == ToolKind::Write {
            agent.permissions.auto_accept.push(item.literal());
        }
        agent.permissions.rules.push(rule);
    }
    for item in items(
        top,
        ["tools", "exclude"],
        &["tools.exclude", "excludeTools"],
    ) {
        agent
            .permissions
            .rules
            .push(prefix_rule(Verdict::Deny, item.literal()));
        agent.builtins.exclude.push(item.literal());
    }
    let core = items(top, ["tools", "core"], &["tools.core", "coreTools"]);
    if !core.is_empty() {
        agent.builtins.include = Some(core.iter().map(At::literal).collect());
    }
}

fn mode(top: &At<'_>, agent: &mut Agent) {
    let stated = [
        top.path(&["general", "defaultApprovalMode"]),
        top.path(&["tools", "approvalMode"]),
        top.get("approvalMode"),
        top.get("defaultApprovalMode"),
    ];
    for mode in stated.into_iter().flatten() {
        match mode.text() {
            Some("yolo") => agent.permissions.bypass.push(mode.setting()),
            Some("auto_edit" | "autoEdit" | "auto-edit") => {
                agent.permissions.auto_accept.push(mode.setting())
            }
            _ => {}
        }
    }
    for accept in [top.get("autoAccept"), top.path(&["tools", "autoAccept"])]
        .into_iter()
        .flatten()
    {
        if accept.truth() == Some(true) {
            agent.permissions.auto_accept.push(accept.setting());
        }
    }
    if let Some(yolo) = top.get("yolo").filter(|at| at.truth() == Some(true)) {
        agent.permissions.bypass.push(yolo.setting());
    }
}

fn sandbox(top: &At<'_>, agent: &mut Agent) {
    for at in [top.get("sandbox"), top.path(&["tools", "sandbox"])]
        .into_iter()
        .flatten()
    {
        let state = match at.truth() {
            Some(false) => SandboxState::Off,
            Some(true) => SandboxState::On,
            None if at.text().is_some() => SandboxState::On,
            None => continue,
        };
        agent.permissions.sandbox.state = state;
        if state == SandboxState::Off {
            agent.permissions.sandbox.because.push(Literal::new(
                at.key(),
                "false",
                at.entry_place(),
            ));
        }
    }
}
