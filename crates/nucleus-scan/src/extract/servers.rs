//! MCP servers, in every spelling the clients have for the same few things.

use crate::model::{Literal, Server, ToolFilter, Transport};
use crate::read::At;

/// Reads a map of servers by name, or a list of servers that carry their name.
pub(super) fn read(at: &At<'_>) -> Vec<Server> {
    let named = at
        .entries()
        .into_iter()
        .filter(At::is_map)
        .map(|entry| server(entry.key(), &entry));
    let listed = at.items().into_iter().filter(At::is_map).map(|item| {
        server(
            item.get("name")
                .and_then(|name| name.text())
                .unwrap_or("unnamed"),
            &item,
        )
    });
    named.chain(listed).collect()
}

/// Reads one server.
fn server(name: &str, at: &At<'_>) -> Server {
    Server {
        name: crate::secret::mask_name(name),
        transport: transport(at),
        place: at.entry_place(),
        enabled: is_enabled(at),
        tools: tools(at),
    }
}

fn is_enabled(at: &At<'_>) -> bool {
    let off = |key: &str, value: bool| at.get(key).and_then(|at| at.truth()) == Some(value);
    !(off("disabled", true) || off("enabled", false) || off("isActive", false))
}

fn transport(at: &At<'_>) -> Transport {
    if let Some(url) = at
        .get_any(&["url", "serverUrl", "httpUrl", "uri", "endpoint", "baseUrl"])
        .filter(|url| url.text().is_some())
    {
        let mut headers: Vec<Literal> = ["headers", "http_headers", "httpHeaders"]
            .iter()
            .filter_map(|key| at.get(key))
            .flat_map(|map| assigned(&map))
            .collect();
        if let Some(inner) = at.path(&["requestOptions", "headers"]) {
            headers.extend(assigned(&inner));
        }
        return Transport::Http {
            url: url.literal(),
            headers,
        };
    }
    match command(at) {
        Some((command, args)) => Transport::Stdio {
            command,
            args,
            env: env(at),
        },
        None => builtin(at).map_or(Transport::Unstated, Transport::Builtin),
    }
}

/// An extension that Goose brings itself: `{type: builtin, name: developer}`.
fn builtin(at: &At<'_>) -> Option<String> {
    let kind = at.get("type").and_then(|kind| kind.text())?;
    let name = at.get("name").and_then(|name| name.text());
    matches!(kind, "builtin" | "platform").then(|| name.unwrap_or(at.key()).to_owned())
}

/// `command` and `args`, a list of both, or a map `{path, args}`.
fn command(at: &At<'_>) -> Option<(Literal, Vec<Literal>)> {
    let command = at.get_any(&["command", "cmd"])?;
    let mut words: Vec<At<'_>> = Vec::new();
    let program = if command.is_list() {
        words = command.items();
        if words.is_empty() {
            return None;
        }
        words.remove(0)
    } else if command.is_map() {
        words = command
            .get("args")
            .map(|args| args.items())
            .unwrap_or_default();
        command.get("path")?
    } else {
        command
    };
    words.extend(
        at.get_any(&["args", "arguments"])
            .map(|args| args.one_or_many())
            .unwrap_or_default(),
    );
    program.scalar()?;
    Some((program.literal(), arguments(&words)))
}

/// Arguments; one that follows a flag is assigned to it, so that `--api-key X` is known for what it is.
pub(super) fn arguments(words: &[At<'_>]) -> Vec<Literal> {
    let mut flag = "";
    let mut out = Vec::with_capacity(words.len());
    for word in words {
        let text = word.scalar().unwrap_or_default();
        out.push(word.literal_as(flag));
        flag = if text.starts_with('-') && !text.contains('=') {
            text
        } else {
            ""
        };
    }
    out
}

fn env(at: &At<'_>) -> Vec<Literal> {
    ["env", "environment", "envs"]
        .iter()
        .filter_map(|key| at.get(key))
        .flat_map(|map| assigned(&map))
        .collect()
}

/// The scalars of a map, each under its key; a list of `NAME=value` likewise.
pub(super) fn assigned(map: &At<'_>) -> Vec<Literal> {
    let mut out: Vec<Literal> = map
        .entries()
        .iter()
        .filter(|entry| entry.scalar().is_some())
        .map(At::literal)
        .collect();
    for item in map.items() {
        if let Some((name, value)) = item.text().and_then(|text| text.split_once('=')) {
            out.push(Literal::new(name, value, item.place_of(value)));
        }
    }
    out
}

fn tools(at: &At<'_>) -> ToolFilter {
    let list = |keys: &[&str]| -> Vec<Literal> {
        keys.iter()
            .filter_map(|key| at.get(key))
            .flat_map(|list| list.one_or_many())
            .map(|item| item.literal())
            .collect()
    };
    let include = at
        .get_any(&[
            "includeTools",
            "enabled_tools",
            "enabledTools",
            "available_tools",
            "tools",
        ])
        .filter(At::is_list);
    let mut auto_approved = list(&[
        "autoApprove",
        "alwaysAllow",
        "auto_approve",
        "autoAllow",
        "always_allow",
    ]);
    for key in ["trust", "autoApproveAll", "alwaysAllowAll"] {
        if let Some(setting) = at.get(key).filter(|setting| setting.truth() == Some(true)) {
            auto_approved.push(Literal::new(key, "*", setting.entry_place()));
        }
    }
    for tool in at
        .get("tools")
        .map(|tools| tools.entries())
        .unwrap_or_default()
    {
        let approved = tool
            .get("approval_mode")
            .and_then(|mode| mode.text())
            .is_some_and(|mode| mode == "approve" || mode == "auto");
        if approved {
            auto_approved.push(Literal::new("", tool.key(), tool.entry_place()));
        }
    }
    ToolFilter {
        include: include.map(|list| list.items().iter().map(At::literal).collect()),
        exclude: list(&[
            "excludeTools",
            "disabled_tools",
            "disabledTools",
            "disallowedTools",
        ]),
        auto_approved,
    }
}
