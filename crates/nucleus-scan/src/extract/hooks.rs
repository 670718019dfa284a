//! Hooks, as Claude Code, Codex, Gemini CLI, Copilot, Cursor, Windsurf and Kiro write them.

use crate::model::{Agent, Hook, HookAction};
use crate::read::{At, SourceFile};

/// Fills an agent from a file that holds hooks alone.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    if let Some(top) = file.top() {
        read(&top, agent);
        kiro(&top, agent);
    }
    Vec::new()
}

/// Reads `hooks: {event: [{matcher, hooks: [{type, command}]}]}` and the flatter forms of it.
pub(super) fn read(top: &At<'_>, agent: &mut Agent) {
    for event in top
        .get("hooks")
        .map(|hooks| hooks.entries())
        .unwrap_or_default()
    {
        for group in event.items() {
            let matcher = group
                .get("matcher")
                .and_then(|at| at.text())
                .unwrap_or_default();
            let inner = group
                .get("hooks")
                .map(|hooks| hooks.items())
                .unwrap_or_default();
            if inner.is_empty() {
                one(event.key(), matcher, &group, agent);
            }
            for hook in inner {
                one(event.key(), matcher, &hook, agent);
            }
        }
        if event.text().is_some() {
            push(event.key(), "", HookAction::Command(event.literal()), agent);
        }
    }
}

fn one(event: &str, matcher: &str, hook: &At<'_>, agent: &mut Agent) {
    if hook.get("disabled").and_then(|at| at.truth()) == Some(true) {
        return;
    }
    for key in ["command", "bash", "powershell", "cmd", "run"] {
        if let Some(command) = hook.get(key).filter(|at| at.text().is_some()) {
            push(
                event,
                matcher,
                HookAction::Command(command.literal()),
                agent,
            );
        }
    }
    if let Some(url) = hook.get("url").filter(|at| at.text().is_some()) {
        push(event, matcher, HookAction::Http(url.literal()), agent);
    }
    if let Some(prompt) = hook.get("prompt").filter(|at| at.text().is_some()) {
        push(event, matcher, HookAction::Prompt(prompt.literal()), agent);
    }
}

/// A hook of Kiro: `{when: {type}, then: {type, command | prompt}}`.
fn kiro(top: &At<'_>, agent: &mut Agent) {
    if top.get("enabled").and_then(|at| at.truth()) == Some(false) {
        return;
    }
    let event = top
        .path(&["when", "type"])
        .and_then(|at| at.text())
        .unwrap_or_default();
    if let Some(then) = top.get("then") {
        one(event, "", &then, agent);
    }
}

fn push(event: &str, matcher: &str, action: HookAction, agent: &mut Agent) {
    agent.hooks.push(Hook {
        event: event.to_owned(),
        matcher: matcher.to_owned(),
        action,
    });
}
