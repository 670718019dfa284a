//! Secrets in the TOML of Codex: the file then names the variables that are passed on, and no value.

use std::ops::Range;
use std::sync::Arc;

use crate::model::Edit;
use crate::read::{At, SourceFile};
use crate::secret;

/// The rewrites that take every secret out of the environment or the headers of the server a value stands in.
///
/// Called for each secret of a server it yields the same edits each time, so that they are made once.
/// Empty where the shape is none it knows, such as a list of variables that is already there beside inline tables.
pub(super) fn edits(leaf: &At<'_>, variable: &dyn Fn(&str) -> Option<String>) -> Vec<Edit> {
    let parts: Vec<&str> = leaf.pointer().split('/').collect();
    let ["", "mcp_servers", server, table, _] = parts.as_slice() else {
        return Vec::new();
    };
    let Some(server) = leaf
        .file
        .top()
        .and_then(|top| top.path(&["mcp_servers", server]))
    else {
        return Vec::new();
    };
    let Some(at) = server.get(table) else {
        return Vec::new();
    };
    let is_moved = if *table == "env" {
        holds_secret
    } else {
        is_secret
    };
    let (secrets, rest): (Vec<At<'_>>, Vec<At<'_>>) = at.entries().into_iter().partition(is_moved);
    if secrets.is_empty() {
        return Vec::new();
    }
    let is_inline = text(leaf.file, at.node.span.clone()).starts_with('{');
    match *table {
        "env" if is_inline => inline_env(&server, &at, &secrets, &rest),
        "env" => own_table(&server, &secrets),
        "http_headers" if is_inline => headers(&server, &at, &secrets, &rest, variable),
        _ => Vec::new(),
    }
}

/// A value with a secret anywhere in it: a variable is passed on whole.
fn holds_secret(entry: &At<'_>) -> bool {
    !secret::find(entry.key(), entry.text().unwrap_or_default()).is_empty()
}

/// A whole value, or what stands behind `Bearer `.
fn is_secret(entry: &At<'_>) -> bool {
    let value = entry.text().unwrap_or_default();
    secret::find(entry.key(), value)
        .iter()
        .any(|range| range.end == value.len())
}

fn text(file: &SourceFile, span: Range<usize>) -> &str {
    file.text.get(span).unwrap_or_default()
}

fn edit(file: &SourceFile, span: Range<usize>, replacement: String) -> Edit {
    Edit {
        file: Arc::clone(&file.name),
        span: span.into(),
        replacement,
    }
}

fn raw<'a>(entry: &At<'a>) -> &'a str {
    text(entry.file, entry.entry_place().span.into())
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// `env = { A = "secret", B = "b" }` becomes `env = { B = "b" }` and `env_vars = ["A"]`.
fn inline_env(server: &At<'_>, at: &At<'_>, secrets: &[At<'_>], rest: &[At<'_>]) -> Vec<Edit> {
    let names: Vec<String> = secrets.iter().map(|secret| quoted(secret.key())).collect();
    let kept: Vec<&str> = rest.iter().map(raw).collect();
    let env = (!kept.is_empty()).then(|| format!("env = {{ {} }}", kept.join(", ")));
    let own: Range<usize> = at.entry_place().span.into();
    if let Some(list) = server.get("env_vars").filter(At::is_list) {
        let Some(env) = env else {
            return Vec::new();
        };
        let start = list.node.span.start + 1;
        return vec![
            edit(at.file, own, env),
            edit(at.file, start..start, format!("{}, ", names.join(", "))),
        ];
    }
    let list = format!("env_vars = [{}]", names.join(", "));
    let line = env.map_or_else(
        || list.clone(),
        |env| format!("{env}\n{}{list}", indent(at)),
    );
    vec![edit(at.file, own, line)]
}

/// Entries of `[mcp_servers.NAME.env]` become comments, and the server's own table names the variables.
fn own_table(server: &At<'_>, secrets: &[At<'_>]) -> Vec<Edit> {
    let Some(command) = server
        .get("command")
        .filter(|_| server.get("env_vars").is_none())
    else {
        return Vec::new();
    };
    let place: Range<usize> = command.entry_place().span.into();
    let before = text(server.file, 0..place.start);
    let is_own_line = before
        .rsplit('\n')
        .next()
        .is_some_and(|start| start.trim().is_empty());
    if !is_own_line {
        return Vec::new();
    }
    let names: Vec<String> = secrets.iter().map(|secret| quoted(secret.key())).collect();
    let list = format!("env_vars = [{}]\n{}", names.join(", "), indent(&command));
    let mut edits = vec![edit(server.file, place.start..place.start, list)];
    edits.extend(secrets.iter().map(|secret| {
        let comment = format!("# {}: passed on by env_vars", secret.key());
        edit(secret.file, secret.entry_place().span.into(), comment)
    }));
    edits
}

/// `Authorization` becomes `bearer_token_env_var`, other headers `env_http_headers`.
fn headers(
    server: &At<'_>,
    at: &At<'_>,
    secrets: &[At<'_>],
    rest: &[At<'_>],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<Edit> {
    if server
        .get_any(&["bearer_token_env_var", "env_http_headers"])
        .is_some()
    {
        return Vec::new();
    }
    let mut lines: Vec<String> = Vec::new();
    let mut named: Vec<String> = Vec::new();
    for secret in secrets {
        let Some(name) = variable(secret.key()) else {
            return Vec::new();
        };
        let is_bearer = secret
            .text()
            .is_some_and(|value| value.starts_with("Bearer "));
        if is_bearer && secret.key().eq_ignore_ascii_case("authorization") {
            lines.push(format!("bearer_token_env_var = {}", quoted(&name)));
        } else {
            named.push(format!("{} = {}", quoted(secret.key()), quoted(&name)));
        }
    }
    if !named.is_empty() {
        lines.push(format!("env_http_headers = {{ {} }}", named.join(", ")));
    }
    let kept: Vec<&str> = rest.iter().map(raw).collect();
    if !kept.is_empty() {
        lines.push(format!("http_headers = {{ {} }}", kept.join(", ")));
    }
    let own: Range<usize> = at.entry_place().span.into();
    vec![edit(at.file, own, lines.join(&format!("\n{}", indent(at))))]
}

/// The white space before an entry on its line.
fn indent<'a>(entry: &At<'a>) -> &'a str {
    let start = entry.entry_place().span.start;
    let line = text(entry.file, 0..start)
        .rsplit('\n')
        .next()
        .unwrap_or_default();
    &line[..line.len() - line.trim_start().len()]
}
