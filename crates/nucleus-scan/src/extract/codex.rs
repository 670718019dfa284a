//! Codex: `config.toml` with its profiles, and rules for commands. Others that write the same TOML are read alike.

use super::{blank, hooks, servers};
use crate::model::{Agent, Literal, PermissionRule, SandboxState, ToolKind, Verdict};
use crate::read::{At, SourceFile};

/// Fills an agent from a configuration file.
pub(super) fn fill(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    for key in ["mcp_servers", "mcpServers"] {
        agent.servers.extend(
            top.get(key)
                .map(|map| servers::read(&map))
                .unwrap_or_default(),
        );
    }
    let profiles = top.get("profiles").map(|profiles| profiles.entries());
    let profiles = profiles.unwrap_or_default();
    let name = top.get("profile").and_then(|name| name.text());
    let (selected, others): (Vec<_>, Vec<_>) = profiles
        .iter()
        .partition(|profile| Some(profile.key()) == name);
    one(&top, selected.first().copied(), agent);
    for profile in selected {
        one(profile, None, agent);
    }
    hooks::read(&top, agent);
    others
        .into_iter()
        .map(|profile| unselected(file, profile))
        .collect()
}

/// A profile somebody may ask for.
fn unselected(file: &SourceFile, profile: &At<'_>) -> Agent {
    let mut agent = Agent {
        name: format!(
            "{}, profile {}",
            file.client.name(),
            crate::secret::mask_name(profile.key())
        ),
        place: profile.entry_place(),
        is_selected: false,
        ..blank(file)
    };
    one(profile, None, &mut agent);
    agent
}

/// Reads the settings of one table, less those that a profile over it states too.
fn one(at: &At<'_>, over: Option<&At<'_>>, agent: &mut Agent) {
    let own = |key: &str| {
        let is_stated = over.is_some_and(|over| over.get(key).is_some());
        at.get(key).filter(|_| !is_stated)
    };
    let into = &mut agent.permissions;
    match own("approval_policy") {
        Some(policy) if policy.text() == Some("never") => into.bypass.push(policy.setting()),
        Some(policy) => into.asks.push(policy.setting()),
        None => {}
    }
    for key in ["auto_approve", "yolo", "skip_confirmation"] {
        into.bypass.extend(
            at.get(key)
                .filter(|at| at.truth() == Some(true))
                .map(|at| at.setting()),
        );
    }
    match own("sandbox_mode") {
        Some(mode) if mode.text() == Some("danger-full-access") => {
            weaken(agent, SandboxState::Off, mode.setting())
        }
        Some(_) if agent.permissions.sandbox.state == SandboxState::Unstated => {
            agent.permissions.sandbox.state = SandboxState::On
        }
        _ => {}
    }
    if let Some(network) = at
        .path(&["sandbox_workspace_write", "network_access"])
        .filter(|at| at.truth() == Some(true))
    {
        weaken(agent, SandboxState::Weakened, network.setting());
    }
    if let Some(roots) = at.path(&["sandbox_workspace_write", "writable_roots"]) {
        agent
            .permissions
            .extra_directories
            .extend(roots.items().iter().map(At::literal));
    }
    for permission in at
        .get("permissions")
        .map(|at| at.entries())
        .unwrap_or_default()
    {
        let network = permission
            .path(&["network", "enabled"])
            .filter(|at| at.truth() == Some(true));
        let limited = permission.path(&["network", "domains"]).is_some()
            || permission.path(&["network", "allowed_domains"]).is_some();
        if let Some(network) = network.filter(|_| !limited) {
            weaken(agent, SandboxState::Weakened, network.setting());
        }
        for entry in permission
            .get("filesystem")
            .map(|at| at.entries())
            .unwrap_or_default()
        {
            if matches!(entry.scalar(), Some("read" | "write")) {
                agent.permissions.extra_directories.push(Literal::new(
                    "",
                    entry.key(),
                    entry.entry_place(),
                ));
            }
        }
    }
}

fn weaken(agent: &mut Agent, state: SandboxState, because: Literal) {
    let sandbox = &mut agent.permissions.sandbox;
    if sandbox.state != SandboxState::Off {
        sandbox.state = state;
    }
    sandbox.because.push(because);
}

/// Fills an agent from `prefix_rule(pattern = ["git", "push"], decision = "allow")` lines.
pub(super) fn fill_rules(file: &SourceFile, agent: &mut Agent) -> Vec<Agent> {
    let mut from = 0;
    while let Some(at) = file.text[from..].find("prefix_rule(").map(|at| from + at) {
        let end = at + call_end(&file.text[at..]);
        let call = &file.text[at..end];
        agent.permissions.rules.extend(prefix_call(file, call, at));
        from = end.max(at + 1);
    }
    Vec::new()
}

/// The end of the call a text begins with: behind its closing bracket, outside quotes and comments.
fn call_end(text: &str) -> usize {
    let (mut depth, mut quote, mut is_comment, mut is_escaped) = (0_usize, None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match (byte, quote) {
            _ if is_escaped => is_escaped = false,
            (b'\n', _) => (is_comment, quote) = (false, None),
            _ if is_comment => {}
            (b'\\', Some(_)) => is_escaped = true,
            (_, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (b'"' | b'\'', None) => quote = Some(byte),
            (b'#', None) => is_comment = true,
            (b'(', None) => depth += 1,
            (b')', None) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

fn prefix_call(file: &SourceFile, call: &str, at: usize) -> Option<PermissionRule> {
    if file.text[..at]
        .rsplit('\n')
        .next()
        .is_some_and(|line| line.trim_start().starts_with('#'))
    {
        return None;
    }
    let list = call.split_once("pattern")?.1;
    let list = list.get(list.find('[')? + 1..list.find(']')?)?;
    let words: Vec<&str> = list
        .split(',')
        .map(|word| word.trim().trim_matches(['"', '\'']))
        .filter(|word| !word.is_empty())
        .collect();
    let verdict = if call.contains("\"forbidden\"") {
        Verdict::Deny
    } else if call.contains("\"prompt\"") {
        Verdict::Ask
    } else {
        Verdict::Allow
    };
    let source = Literal::new("", call, file.place(at..at + call.len(), ""));
    Some(PermissionRule {
        verdict,
        tool: ToolKind::Shell,
        pattern: Some(format!("{} *", words.join(" "))),
        source,
        only_for: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::call_end;

    #[test]
    fn a_call_ends_at_its_own_closing_bracket() {
        for call in [
            "prefix_rule(pattern = [\"git\"])",
            "prefix_rule(\n  pattern = [(\"a\"), \")\", '\\')'], # )\n)",
        ] {
            let text = format!("{call}\nprefix_rule(\n  pattern = [\"rm\"],\n)\n");
            assert_eq!(&text[..call_end(&text)], call);
        }
        assert_eq!(call_end("prefix_rule(["), "prefix_rule([".len());
    }
}
