//! Secrets in the TOML of Codex: the file then names the variables that are passed on, and no value.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::secret_ref::Names;
use crate::model::Edit;
use crate::read::{At, SourceFile};
use crate::secret;

/// Why a table stays as it is where its shape is not one of the two that are rewritten.
const OTHER_SHAPE: &str = "`--fix` leaves it, because its table is not written on lines of its own";

/// Why it stays where its variables have another meaning already.
const OTHER_VALUE: &str =
    "`--fix` leaves it, because a variable of that name stands for something else in this file";

/// Why it stays where a variable of such a name cannot be set.
const NO_NAME: &str = "`--fix` leaves it, because no variable can have the name of its entry";

/// The tables of secrets of one file that were not rewritten yet, by pointer.
#[derive(Default)]
pub(super) struct Tables<'a>(HashMap<String, Table<'a>>);

/// The environment or the headers of one server.
struct Table<'a> {
    server: At<'a>,
    at: At<'a>,
}

/// What changes of one table.
struct Change<'a> {
    server: &'a At<'a>,
    at: &'a At<'a>,
    secrets: Vec<At<'a>>,
    rest: Vec<At<'a>>,
}

impl<'a> Tables<'a> {
    /// Every table of the file that may hold secrets.
    pub(super) fn of(file: &'a SourceFile) -> Self {
        let servers = file.top().and_then(|top| top.get("mcp_servers"));
        let mut tables = HashMap::new();
        for server in servers.map(|at| at.entries()).unwrap_or_default() {
            for key in ["env", "http_headers"] {
                if let Some(at) = server.get(key) {
                    let server = server.clone();
                    tables.insert(at.pointer().to_owned(), Table { server, at });
                }
            }
        }
        Self(tables)
    }

    /// The rewrites that take every secret out of the table a value stands in, once for each table.
    ///
    /// # Errors
    /// Says why a table stays as it is: its shape is not one that can be rewritten safely, or a variable has another value already.
    pub(super) fn edits(
        &mut self,
        leaf: &At<'_>,
        names: &mut Names<'a>,
        variable: &dyn Fn(&At<'_>) -> Option<String>,
    ) -> Result<(Vec<Edit>, Named<'a>), &'static str> {
        let parent = leaf
            .pointer()
            .rsplit_once('/')
            .map_or("", |(parent, _)| parent);
        let Some(table) = self.0.remove(parent) else {
            return Ok(Default::default());
        };
        let Table { server, at } = &table;
        let is_env = at.key() == "env";
        let is_moved = if is_env { holds_secret } else { is_secret };
        let (secrets, rest): (Vec<At<'a>>, Vec<At<'a>>) =
            at.entries().into_iter().partition(is_moved);
        if secrets.is_empty() || is_inline(server) {
            return Err(OTHER_SHAPE);
        }
        let variables = if is_env { own_names } else { made_names };
        let named = variables(&secrets, variable).ok_or(NO_NAME)?;
        let change = Change {
            server,
            at,
            secrets,
            rest,
        };
        let edits = match (is_env, is_inline(at)) {
            (true, true) => change.inline_env(),
            (true, false) => change.own_table(),
            (false, true) => change.headers(&named),
            (false, false) => None,
        };
        let edits = edits.ok_or(OTHER_SHAPE)?;
        if !names.take(&named) {
            return Err(OTHER_VALUE);
        }
        Ok((edits, named))
    }
}

/// Variables with what each stands for.
pub(super) type Named<'a> = Vec<(String, &'a str)>;

/// A variable that is passed on has the name of its entry.
fn own_names<'a>(secrets: &[At<'a>], _: &dyn Fn(&At<'_>) -> Option<String>) -> Option<Named<'a>> {
    let one = |secret: &At<'a>| {
        let name = secret.key();
        super::secret_ref::is_name(name)
            .then(|| (name.to_owned(), secret.text().unwrap_or_default()))
    };
    secrets.iter().map(one).collect()
}

/// A variable that a header is read from has a name of its own.
fn made_names<'a>(
    secrets: &[At<'a>],
    variable: &dyn Fn(&At<'_>) -> Option<String>,
) -> Option<Named<'a>> {
    let one = |secret: &At<'a>| {
        let value = secret.text().unwrap_or_default();
        let value = if is_bearer(secret) {
            value.trim_start_matches("Bearer ")
        } else {
            value
        };
        variable(secret).map(|name| (name, value))
    };
    secrets.iter().map(one).collect()
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

fn is_bearer(entry: &At<'_>) -> bool {
    entry.key().eq_ignore_ascii_case("authorization")
        && entry
            .text()
            .is_some_and(|value| value.starts_with("Bearer "))
}

fn is_inline(table: &At<'_>) -> bool {
    text(table.file, table.node.span.clone()).starts_with('{')
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

impl Change<'_> {
    /// The rest of an inline table, which can be written again: it stands alone on one line, and nothing in it has parts of its own.
    fn kept(&self) -> Option<Vec<&str>> {
        let whole = raw(self.at);
        let plain = self.rest.iter().all(|entry| entry.scalar().is_some());
        (begins_line(self.at) && plain && !whole.contains('\n'))
            .then(|| self.rest.iter().map(raw).collect())
    }

    fn keys(&self) -> Vec<String> {
        self.secrets
            .iter()
            .map(|secret| quoted(secret.key()))
            .collect()
    }

    /// `env = { A = "secret", B = "b" }` becomes `env = { B = "b" }` and `env_vars = ["A"]`.
    fn inline_env(&self) -> Option<Vec<Edit>> {
        let kept = self.kept()?;
        let env = (!kept.is_empty()).then(|| format!("env = {{ {} }}", kept.join(", ")));
        let own: Range<usize> = self.at.entry_place().span.into();
        let file = self.at.file;
        let keys = self.keys().join(", ");
        if let Some(list) = self.server.get("env_vars") {
            // The list may stand in any shape; what is written into it comes first.
            let start = list.node.span.start + 1;
            let is_plain = list.is_list() && text(file, start - 1..start) == "[";
            return env.filter(|_| is_plain).map(|env| {
                vec![
                    edit(file, own, env),
                    edit(file, start..start, format!("{keys}, ")),
                ]
            });
        }
        let list = format!("env_vars = [{keys}]");
        let lines: Vec<String> = env.into_iter().chain([list]).collect();
        Some(vec![edit(file, own, lines.join(&line_break(self.at)))])
    }

    /// Entries of `[mcp_servers.NAME.env]` become comments, and the server's own table names the variables.
    fn own_table(&self) -> Option<Vec<Edit>> {
        let command = self.server.get("command")?;
        let fits = self.server.get("env_vars").is_none()
            && begins_line(&command)
            && self.secrets.iter().all(begins_line);
        if !fits {
            return None;
        }
        let at = command.entry_place().span.start;
        let list = format!(
            "env_vars = [{}]{}",
            self.keys().join(", "),
            line_break(&command)
        );
        let mut edits = vec![edit(command.file, at..at, list)];
        edits.extend(self.secrets.iter().map(|secret| {
            let comment = format!("# {}: passed on by env_vars", secret.key());
            edit(secret.file, secret.entry_place().span.into(), comment)
        }));
        Some(edits)
    }

    /// `Authorization` becomes `bearer_token_env_var`, other headers `env_http_headers`.
    fn headers(&self, names: &[(String, &str)]) -> Option<Vec<Edit>> {
        let kept = self.kept()?;
        let known = ["bearer_token_env_var", "env_http_headers"];
        if self.server.get_any(&known).is_some() {
            return None;
        }
        let mut lines: Vec<String> = Vec::new();
        let mut named: Vec<String> = Vec::new();
        for (secret, (name, _)) in self.secrets.iter().zip(names) {
            if is_bearer(secret) {
                lines.push(format!("bearer_token_env_var = {}", quoted(name)));
            } else {
                named.push(format!("{} = {}", quoted(secret.key()), quoted(name)));
            }
        }
        if !named.is_empty() {
            lines.push(format!("env_http_headers = {{ {} }}", named.join(", ")));
        }
        if !kept.is_empty() {
            lines.push(format!("http_headers = {{ {} }}", kept.join(", ")));
        }
        let own: Range<usize> = self.at.entry_place().span.into();
        Some(vec![edit(
            self.at.file,
            own,
            lines.join(&line_break(self.at)),
        )])
    }
}

/// What stands before an entry on its line.
fn before<'a>(entry: &At<'a>) -> &'a str {
    let start = entry.entry_place().span.start;
    let all = text(entry.file, 0..start);
    all.rfind('\n').map_or(all, |at| &all[at + 1..])
}

/// Whether an entry is the first thing on its line: neither behind a dot of its key nor within an inline table.
fn begins_line(entry: &At<'_>) -> bool {
    let before = before(entry);
    before.trim_start_matches('\u{feff}').trim().is_empty()
}

/// The end of an entry's line as the file writes it, and the white space the entry begins with.
fn line_break(entry: &At<'_>) -> String {
    let end = entry.entry_place().span.end;
    let rest = text(entry.file, end..entry.file.text.len());
    let is_crlf = match rest.find('\n') {
        Some(at) => rest[..at].ends_with('\r'),
        None => entry.file.text[..end].contains("\r\n"),
    };
    let indent = before(entry).trim_start_matches('\u{feff}');
    format!("{}{indent}", if is_crlf { "\r\n" } else { "\n" })
}
