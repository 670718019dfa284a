//! Settings of editors that carry an agent: VS Code with its extensions, Zed, Amp; and the same settings inside a devcontainer.

use super::pattern::{Match, command, command_rule};
use super::{servers, settings};
use crate::model::{Agent, Literal, PermissionRule, SandboxState, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Settings that switch every prompt off when they are true.
const BYPASS: &[&str] = &[
    "chat.tools.autoApprove",
    "chat.tools.global.autoApprove",
    "amp.dangerouslyAllowAll",
    "agent.always_allow_tool_actions",
    "claude-code.dangerouslySkipPermissions",
    "claudeCode.dangerouslySkipPermissions",
    "roo-cline.alwaysAllowExecute",
    "cursor.yoloMode",
];

/// Lists of commands that run unasked when a command begins with one of them.
const COMMAND_LISTS: &[&str] = &[
    "roo-cline.allowedCommands",
    "windsurf.cascadeCommandsAllowList",
    "cline.allowedCommands",
    "kiroAgent.trustedCommands",
    "amp.commands.allowlist",
];

/// Fills an agent from a settings file.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    one(&top, agent);
    // A workspace keeps its settings one level deeper.
    let inner = top.get("settings").filter(|_| top.get("folders").is_some());
    if let Some(inner) = inner {
        one(&inner, agent);
    }
    Vec::new()
}

/// Fills an agent from the editor's part of a devcontainer.
pub(super) fn fill_devcontainer(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(vscode) = file
        .top()
        .and_then(|top| top.path(&["customizations", "vscode"]))
    else {
        return Vec::new();
    };
    if let Some(inner) = vscode.get("settings") {
        one(&inner, agent);
    }
    if let Some(map) = vscode.path(&["mcp", "servers"]) {
        agent.servers.extend(servers::read(&map));
    }
    Vec::new()
}

fn one(top: &At<'_>, agent: &mut Agent) {
    settings::fill_servers(top, agent);
    let into = &mut agent.permissions;
    for key in BYPASS {
        into.bypass.extend(
            top.get(key)
                .filter(|at| at.truth() == Some(true))
                .map(|at| at.setting()),
        );
    }
    into.bypass.extend(
        top.path(&["agent", "always_allow_tool_actions"])
            .filter(|at| at.truth() == Some(true))
            .map(|at| at.setting()),
    );
    into.bypass.extend(
        top.get("claudeCode.initialPermissionMode")
            .filter(|at| at.text() == Some("bypassPermissions"))
            .map(|at| at.setting()),
    );
    into.bypass.extend(
        top.get("windsurf.cascadeCommandsExecutionPolicy")
            .filter(|at| at.text() == Some("turbo"))
            .map(|at| at.setting()),
    );
    into.auto_accept.extend(
        top.get("claudeCode.initialPermissionMode")
            .filter(|at| at.text() == Some("acceptEdits"))
            .map(|at| at.setting()),
    );
    into.auto_accept.extend(
        top.get("chat.tools.edits.autoApprove")
            .and_then(|map| map.get("**/*"))
            .filter(|at| at.truth() == Some(true))
            .map(|at| at.setting()),
    );
    for key in COMMAND_LISTS {
        for item in top.get(key).map(|list| list.items()).unwrap_or_default() {
            into.rules
                .push(command_rule(Verdict::Allow, item.literal(), Match::Prefix));
        }
    }
    terminal(top, agent);
    if let Some(sandbox) = top
        .get("chat.tools.terminal.sandbox.enabled")
        .filter(|at| at.truth() == Some(false))
    {
        agent.permissions.sandbox.state = SandboxState::Off;
        agent.permissions.sandbox.because.push(sandbox.setting());
    }
}

/// `chat.tools.terminal.autoApprove: {"git": true, "/^npm/": true, "rm": false}`.
fn terminal(top: &At<'_>, agent: &mut Agent) {
    for entry in top
        .get("chat.tools.terminal.autoApprove")
        .map(|map| map.entries())
        .unwrap_or_default()
    {
        let on = entry
            .truth()
            .or_else(|| entry.get("approve").and_then(|at| at.truth()));
        let verdict = match on {
            Some(true) => Verdict::Allow,
            Some(false) => Verdict::Ask,
            None => continue,
        };
        let source = Literal::new("", entry.key(), entry.entry_place());
        let pattern = match regex(entry.key()) {
            Some(inner) => pattern_of(inner),
            None => Some(entry.key()),
        };
        let rule = PermissionRule {
            verdict,
            tool: ToolKind::Shell,
            pattern: pattern.and_then(|text| command(text, Match::Prefix)),
            source,
            only_for: String::new(),
        };
        agent.permissions.rules.push(rule);
    }
}

/// What stands between the slashes of `/^git\b.*/i`.
fn regex(key: &str) -> Option<&str> {
    let (inner, flags) = key.strip_prefix('/')?.rsplit_once('/')?;
    flags
        .bytes()
        .all(|b| b.is_ascii_lowercase())
        .then_some(inner)
}

/// The plain text a regular expression begins with; the expression itself where it begins with none, `None` where all fits.
fn pattern_of(regex: &str) -> Option<&str> {
    let inner = regex.strip_prefix('^').unwrap_or(regex);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    if matches!(
        inner,
        "" | ".*" | ".+" | "." | "(.*)" | "[\\s\\S]*" | "[\\s\\S]+"
    ) {
        return None;
    }
    let end = inner
        .find(['\\', '(', '[', '.', '*', '+', '?', '$', '|'])
        .unwrap_or(inner.len());
    Some(if end == 0 { inner } else { &inner[..end] })
}

#[cfg(test)]
mod tests {
    use super::{pattern_of, regex};

    #[test]
    fn an_expression_is_known_by_what_it_begins_with() {
        for (key, pattern) in [
            ("/.*/", None),
            ("/^.*$/", None),
            ("/^.+$/i", None),
            ("//", None),
            ("/^git\\b/", Some("git")),
            ("/^npm (test|run)/", Some("npm ")),
            ("/^(git|npm)/", Some("(git|npm)")),
        ] {
            assert_eq!(pattern_of(regex(key).unwrap()), pattern, "{key}");
        }
        assert_eq!(regex("git"), None);
        assert_eq!(regex("/usr/bin/Git"), None);
    }
}
