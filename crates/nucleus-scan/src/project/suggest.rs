//! The smallest policy that serves what is configured and leaves no way through all three legs unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use portcullis::{Operation, OperationSet, Sinks};
use serde_json::json;

use super::Projection;
use super::power::{OfferedTool, Origin, Power};
use crate::client::Client;

/// A policy text, and the allow list for the client itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// `permissions.toml`.
    pub policy: String,
    /// What to put into the client's own configuration, with the name of the file.
    pub snippet: String,
}

/// What every coding agent does with its own tools, and at which level.
const WORK: &[(Operation, &str)] = &[
    (Operation::ReadFiles, "always"),
    (Operation::GlobSearch, "always"),
    (Operation::GrepSearch, "always"),
    (Operation::WriteFiles, "low_risk"),
    (Operation::EditFiles, "low_risk"),
    (Operation::RunBash, "low_risk"),
    (Operation::GitCommit, "low_risk"),
];

/// The suggestion for one projected agent.
///
/// Tools without a sink run unasked, tools that send or change something ask each time, as do those that write beyond the
/// workspace, and servers that the catalog does not know are left out: each of their calls asks.
#[must_use]
pub fn suggest(projection: &Projection) -> Suggestion {
    let tools = Tools::of(projection);
    Suggestion {
        policy: policy(projection, &tools),
        snippet: snippet(projection.client, &tools),
    }
}

/// Tools by server, apart by whether they have a sink.
#[derive(Default)]
struct Tools<'a> {
    quiet: BTreeMap<&'a str, BTreeSet<&'a str>>,
    loud: BTreeMap<&'a str, BTreeSet<&'a str>>,
    unknown: BTreeSet<&'a str>,
    operations: OperationSet,
}

impl<'a> Tools<'a> {
    fn of(projection: &'a Projection) -> Self {
        let mut tools = Self::default();
        for power in projection.powers.iter().filter(|power| power.is_server()) {
            match power.origin {
                // Only what is known to be the publisher's server is trusted to do what the catalog says.
                Origin::Monitor => {}
                Origin::Catalog(_) if is_plain(&power.name) => tools.add(power),
                _ => {
                    tools.unknown.insert(&power.name);
                }
            }
        }
        tools
    }

    fn add(&mut self, power: &'a Power) {
        for tool in &power.tools {
            self.operations = self.operations.union(tool.effects.operations);
            let side = if is_quiet(tool, power) {
                &mut self.quiet
            } else {
                &mut self.loud
            };
            side.entry(&power.name).or_default().insert(&tool.name);
        }
    }
}

/// Whether a policy can spell the name; one that it cannot is listed nowhere, so its tools ask.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// What writes a file; beyond the workspace that is a change like any other outside.
const WRITES: OperationSet = OperationSet::of(Operation::WriteFiles).with(Operation::EditFiles);

/// A tool may stand in several groups: each of them must be without a sink, without commands, and write in the workspace alone.
fn is_quiet(tool: &OfferedTool, power: &Power) -> bool {
    let runs = OperationSet::of(Operation::RunBash);
    let loud = if power.leads_beyond_workspace {
        runs.union(WRITES)
    } else {
        runs
    };
    power
        .tools
        .iter()
        .filter(|other| other.name == tool.name)
        .all(|other| {
            other.effects.sinks == Sinks::default() && !other.effects.operations.intersects(loud)
        })
}

fn policy(projection: &Projection, tools: &Tools<'_>) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# For {} as configured in {}.",
        projection.client.name(),
        one_line(&projection.files.join(", "))
    );
    text.push_str("# Quiet tools run; everything that sends or changes something outside asks first.\n# Keep it outside the repository, where the agent cannot write, and name it with `--config`.\nversion = 1\n\n[capabilities]\n");
    let stated: OperationSet = WORK
        .iter()
        .fold(OperationSet::EMPTY, |all, (op, _)| all.with(*op));
    for (operation, level) in WORK {
        let _ = writeln!(text, "{} = \"{level}\"", operation.name());
    }
    for operation in tools.operations.iter().filter(|op| !stated.contains(*op)) {
        let _ = writeln!(text, "{} = \"low_risk\"", operation.name());
    }
    text.push_str(
        "\n[tools]\n# these send nothing and change nothing outside the workspace\nlisted = [",
    );
    for (server, names) in &tools.quiet {
        for name in names {
            let _ = write!(text, "\n  {},", quoted(&format!("{server}/{name}")));
        }
    }
    text.push_str(if tools.quiet.is_empty() {
        "]\n"
    } else {
        "\n]\n"
    });
    text.push_str("blocked = []\n");
    for (server, names) in &tools.loud {
        let names: Vec<&str> = names.iter().copied().collect();
        let _ = writeln!(
            text,
            "# asks each time: {}/{{{}}}",
            one_line(server),
            one_line(&names.join(", "))
        );
    }
    for server in &tools.unknown {
        let _ = writeln!(
            text,
            "# asks each time: every tool of {}, which the catalog does not know",
            one_line(server)
        );
    }
    text.push_str("\n[flow]\n# asks before any way out once private data and a stranger's words were both seen\nmode = \"default\"\n");
    text
}

fn snippet(client: Client, tools: &Tools<'_>) -> String {
    match client {
        Client::ClaudeCode | Client::Shared => claude(tools),
        Client::Codex => codex(tools),
        Client::GeminiCli | Client::QwenCode => gemini(tools),
        _ => general(client, tools),
    }
}

fn claude(tools: &Tools<'_>) -> String {
    let names = |side: &BTreeMap<&str, BTreeSet<&str>>| -> Vec<String> {
        side.iter()
            .flat_map(|(server, names)| {
                names
                    .iter()
                    .map(move |name| format!("mcp__{server}__{name}"))
            })
            .collect()
    };
    let asked = names(&tools.loud)
        .into_iter()
        .chain(tools.unknown.iter().map(|server| format!("mcp__{server}")));
    let rules = json!({ "permissions": { "allow": names(&tools.quiet), "ask": asked.collect::<Vec<_>>() } });
    format!(".claude/settings.json\n{rules:#}\n")
}

fn codex(tools: &Tools<'_>) -> String {
    let mut text = String::from(".codex/config.toml\n");
    for (server, names) in &tools.quiet {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(
            text,
            "[mcp_servers.{}]\nenabled_tools = [{}]",
            quoted(server),
            names.join(", ")
        );
    }
    text
}

fn gemini(tools: &Tools<'_>) -> String {
    let servers: BTreeMap<&str, _> = tools
        .quiet
        .iter()
        .map(|(server, names)| (*server, json!({ "includeTools": names, "trust": false })))
        .collect();
    format!(
        ".gemini/settings.json\n{:#}\n",
        json!({ "mcpServers": servers })
    )
}

fn general(client: Client, tools: &Tools<'_>) -> String {
    let list = json!({ "allow": tools.quiet, "ask": tools.loud, "unknown": tools.unknown });
    format!("tools of {}, by server\n{list:#}\n", client.name())
}

/// A TOML text; JSON's escapes are among TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007F")
}

/// No name of a file or server starts a line of its own in a policy.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{one_line, quoted};

    #[test]
    fn a_name_cannot_add_a_line() {
        assert_eq!(
            one_line("a\nrun_bash = \"always\""),
            "a run_bash = \"always\""
        );
        assert_eq!(quoted("a\"\n]"), "\"a\\\"\\n]\"");
    }
}
