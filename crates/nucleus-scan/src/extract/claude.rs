//! Claude Code: settings at every scope, the user's state file, and manifests of plugins.

use super::pattern::claude_rule;
use super::{blank, hooks, servers};
use crate::model::{Agent, Hook, HookAction, Literal, Sandbox, SandboxState, Verdict};
use crate::read::{At, SourceFile};

/// Fills an agent; the state file yields one more for each project it remembers.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    one(&top, agent);
    top.get("projects")
        .map(|projects| projects.entries())
        .unwrap_or_default()
        .iter()
        .map(|project| remembered(file, project))
        .collect()
}

fn one(top: &At<'_>, agent: &mut Agent) {
    if let Some(map) = top.get("mcpServers") {
        agent.servers.extend(servers::read(&map));
    }
    permissions(top, agent);
    agent.permissions.sandbox = top
        .get("sandbox")
        .map(|sandbox| read_sandbox(&sandbox))
        .unwrap_or_default();
    hooks::read(top, agent);
    helpers(top, agent);
}

/// Commands the client runs by itself to show or to get something.
const HELPERS: &[&str] = &[
    "statusLine",
    "subagentStatusLine",
    "fileSuggestion",
    "apiKeyHelper",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
    "otelHeadersHelper",
    "proxyAuthHelper",
];

fn helpers(top: &At<'_>, agent: &mut Agent) {
    for key in HELPERS {
        let Some(at) = top.get(key) else { continue };
        let command = if at.is_map() {
            at.get("command")
        } else {
            Some(at)
        };
        let literal = command
            .filter(|at| at.text().is_some())
            .map(|at| at.literal());
        agent.hooks.extend(literal.map(|literal| Hook {
            event: (*key).to_owned(),
            matcher: String::new(),
            action: HookAction::Command(literal),
        }));
    }
}

/// What the state file keeps for one project.
fn remembered(file: &SourceFile, project: &At<'_>) -> Agent {
    let mut agent = Agent {
        name: format!("Claude Code in {}", project.key()),
        place: project.entry_place(),
        ..blank(file)
    };
    if let Some(map) = project.get("mcpServers") {
        agent.servers.extend(servers::read(&map));
    }
    for tool in project
        .get("allowedTools")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        agent
            .permissions
            .rules
            .push(claude_rule(Verdict::Allow, tool.literal()));
    }
    agent
}

fn permissions(top: &At<'_>, agent: &mut Agent) {
    let into = &mut agent.permissions;
    for (key, verdict) in [
        ("allow", Verdict::Allow),
        ("ask", Verdict::Ask),
        ("deny", Verdict::Deny),
    ] {
        for item in top
            .path(&["permissions", key])
            .map(|list| list.items())
            .unwrap_or_default()
        {
            into.rules.push(claude_rule(verdict, item.literal()));
        }
    }
    for tool in top
        .get("allowedTools")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        into.rules.push(claude_rule(Verdict::Allow, tool.literal()));
    }
    match top
        .path(&["permissions", "defaultMode"])
        .or_else(|| top.get("defaultMode"))
    {
        Some(mode) if mode.text() == Some("bypassPermissions") => into.bypass.push(mode.setting()),
        Some(mode) if matches!(mode.text(), Some("acceptEdits" | "auto")) => {
            into.auto_accept.push(mode.setting());
            into.asks.push(mode.setting());
        }
        Some(mode) => into.asks.push(mode.setting()),
        None => {}
    }
    for key in ["dangerouslySkipPermissions", "bypassPermissions"] {
        into.bypass.extend(
            top.get(key)
                .filter(|at| at.truth() == Some(true))
                .map(|at| at.setting()),
        );
    }
    for item in top
        .path(&["permissions", "additionalDirectories"])
        .map(|list| list.items())
        .unwrap_or_default()
    {
        into.extra_directories.push(item.literal());
    }
    into.project_servers.extend(
        top.get("enableAllProjectMcpServers")
            .filter(|at| at.truth() == Some(true))
            .map(|at| at.setting()),
    );
}

fn read_sandbox(at: &At<'_>) -> Sandbox {
    let mut sandbox = Sandbox::default();
    let truth = |key: &str| at.get(key).and_then(|at| at.truth());
    match at
        .get("enabled")
        .map(|enabled| (enabled.truth(), enabled.setting()))
    {
        Some((Some(true), _)) => sandbox.state = SandboxState::On,
        Some((Some(false), setting)) => {
            sandbox.state = SandboxState::Off;
            sandbox.because.push(setting);
        }
        _ => {}
    }
    let mut weakens: Vec<Literal> = Vec::new();
    if truth("enableWeakerNestedSandbox") == Some(true) {
        weakens.extend(at.get("enableWeakerNestedSandbox").map(|at| at.setting()));
    }
    weakens.extend(list(at, &["network", "allowedDomains"], &["*", "*:*"]));
    weakens.extend(list(
        at,
        &["filesystem", "allowWrite"],
        &["/", "//", "~", "~/", "/**", "//**", "~/**"],
    ));
    weakens.extend(list(at, &["excludedCommands"], &["*"]));
    // Where it cannot start, commands run without it; or a command may ask to run outside.
    for (key, open) in [
        ("failIfUnavailable", false),
        ("allowUnsandboxedCommands", true),
    ] {
        weakens.extend(
            at.get(key)
                .filter(|at| at.truth() == Some(open))
                .map(|at| at.setting()),
        );
    }
    if !weakens.is_empty() && sandbox.state != SandboxState::Off {
        sandbox.state = SandboxState::Weakened;
    }
    sandbox.because.extend(weakens);
    sandbox
}

/// The items of a list that are one of some values.
fn list(at: &At<'_>, path: &[&str], values: &[&str]) -> Vec<Literal> {
    let items = at.path(path).map(|list| list.items()).unwrap_or_default();
    items
        .iter()
        .filter(|item| item.text().is_some_and(|text| values.contains(&text)))
        .map(At::literal)
        .collect()
}
