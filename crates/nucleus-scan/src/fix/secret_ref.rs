//! A secret becomes a reference to the environment, in the spelling its client understands.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::codex::Tables;
use crate::client::Client;
use crate::discover::FileKind;
use crate::hash::short_hex;
use crate::model::{Edit, Variable};
use crate::read::{At, SourceFile};
use crate::secret;

/// Names of maps of servers.
const CONTAINERS: &[&str] = &[
    "mcpServers",
    "servers",
    "mcp_servers",
    "mcp.servers",
    "amp.mcpServers",
    "mcp",
];

/// Parts of a server in which its client replaces references.
const PARTS: &[&str] = &["env", "environment", "headers", "http_headers", "args"];

/// The rewrites of the secrets of one file. No two secrets that differ come to share a variable.
pub(crate) struct References<'a> {
    file: &'a SourceFile,
    known: Option<(Names<'a>, Tables<'a>)>,
}

/// What the rewrite of one secret comes to.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    /// Empty where there is no safe rewrite.
    pub(crate) edits: Vec<Edit>,
    /// The variables the edits refer to.
    pub(crate) variables: Vec<Variable>,
    /// Why there is none, where that is worth a sentence; never a secret.
    pub(crate) why_not: Option<String>,
}

impl<'a> References<'a> {
    pub(crate) fn of(file: &'a SourceFile) -> Self {
        Self { file, known: None }
    }

    /// The rewrite of one secret; none where the client has no such reference in that place.
    pub(crate) fn edits(&mut self, leaf: &At<'a>, key: &str, found: Range<usize>) -> Reference {
        let file = self.file;
        let is_codex = file.kind == FileKind::CodexToml && file.client == Client::Codex;
        if !is_codex && spelled(file, "").is_none() {
            return Reference::default();
        }
        let (names, tables) = self
            .known
            .get_or_insert_with(|| (Names::of(file), Tables::of(file)));
        if is_codex {
            let variable = |entry: &At<'_>| variable(server_of(entry)?, entry.key());
            return match tables.edits(leaf, names, &variable) {
                Ok((edits, named)) => Reference::to(edits, &named),
                Err(why) => Reference::left(why.to_owned()),
            };
        }
        let named = server_of(leaf).and_then(|server| variable(server, key));
        let place = located(leaf, &found);
        let (Some(name), Some(span)) = (named, place) else {
            return Reference::default();
        };
        let value = leaf
            .text()
            .and_then(|text| text.get(found))
            .unwrap_or_default();
        let named = [(name, value)];
        let name = &named[0].0;
        if !names.take(&named) {
            let shown = secret::mask("", name);
            return Reference::left(format!(
                "`--fix` leaves it, because `{shown}` stands for something else in this file"
            ));
        }
        let replacement = spelled(file, name).unwrap_or_default();
        let edit = Edit {
            file: Arc::clone(&file.name),
            span: span.into(),
            replacement,
        };
        Reference::to(vec![edit], &named)
    }
}

impl Reference {
    fn to(edits: Vec<Edit>, named: &[(String, &str)]) -> Self {
        let one = |(name, value): &(String, &str)| Variable {
            name: name.clone(),
            digest: short_hex(&["variable", value], 32),
        };
        Self {
            edits,
            variables: named.iter().map(one).collect(),
            why_not: None,
        }
    }

    fn left(why: String) -> Self {
        Self {
            why_not: Some(why),
            ..Self::default()
        }
    }
}

/// A variable as the client of a file refers to it.
fn spelled(file: &SourceFile, name: &str) -> Option<String> {
    let no_reference = matches!(
        file.kind,
        FileKind::Workflow
            | FileKind::Pipeline
            | FileKind::Environment
            | FileKind::Workload
            | FileKind::PodSpec
            | FileKind::Compose
            | FileKind::Devcontainer
            | FileKind::Dockerfile
            | FileKind::Instructions
            | FileKind::CodexToml
    );
    if no_reference {
        return None;
    }
    match file.client {
        Client::OpenCode => Some(format!("{{env:{name}}}")),
        Client::Cursor | Client::VsCode | Client::Windsurf | Client::Roo | Client::Cline => {
            Some(format!("${{env:{name}}}"))
        }
        Client::Shared
        | Client::ClaudeCode
        | Client::GeminiCli
        | Client::Kiro
        | Client::AmazonQ
        | Client::QwenCode
        | Client::CopilotCli => Some(format!("${{{name}}}")),
        _ => None,
    }
}

/// The bytes of a part of a text in the file; none where an escape hides where it stands.
fn located(leaf: &At<'_>, part: &Range<usize>) -> Option<Range<usize>> {
    let (start, raw) = (
        leaf.node.span.start,
        leaf.file.text.get(leaf.node.span.clone())?,
    );
    let text = leaf.text()?;
    let inner = secret::bare(raw);
    if raw[inner.clone()] == *text {
        let from = start + inner.start;
        return Some(from + part.start..from + part.end);
    }
    let found = text.get(part.clone()).filter(|found| !found.is_empty())?;
    let mut places = raw.match_indices(found);
    let (at, _) = places.next()?;
    places
        .next()
        .is_none()
        .then(|| start + at..start + at + found.len())
}

/// The server a value belongs to, where it stands in a part of it that takes references.
fn server_of<'p>(leaf: &'p At<'_>) -> Option<&'p str> {
    let parts: Vec<&str> = leaf.pointer().split('/').collect();
    let mut at = parts.iter().position(|part| CONTAINERS.contains(part))?;
    // `mcp.servers` in the settings of an editor.
    if parts[at] == "mcp" && matches!(parts.get(at + 1), Some(&"servers" | &"mcpServers")) {
        at += 1;
    }
    let server = *parts.get(at + 1)?;
    let within = parts.get(at + 2..)?;
    (within.iter().any(|part| PARTS.contains(part)) || within.last() == Some(&"url"))
        .then_some(server)
}

/// The variable's name: the key where it is one, else made of server and key. One that a shell can export.
fn variable(server: &str, key: &str) -> Option<String> {
    let is_variable = key.bytes().any(|b| b.is_ascii_uppercase())
        && key
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let name = if is_variable {
        key.to_owned()
    } else {
        let last = match plain(key).as_str() {
            "" | "AUTHORIZATION" | "HEADER" => "TOKEN".to_owned(),
            other => other.to_owned(),
        };
        format!("{}_{last}", plain(server))
    };
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name
    };
    is_name(&name).then_some(name)
}

fn plain(text: &str) -> String {
    let one = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let all: String = text.chars().map(one).collect();
    all.trim_matches('_').to_owned()
}

/// Whether a shell can export a variable of this name.
pub(super) fn is_name(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The variables of one file with what each stands for; nothing where the file refers to it already and only its user knows.
pub(super) struct Names<'a>(HashMap<String, Option<&'a str>>);

impl<'a> Names<'a> {
    /// Those the file refers to.
    fn of(file: &'a SourceFile) -> Self {
        let mut known = HashMap::new();
        let mut before = "";
        let mut at = 0;
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for word in file.text.split(|c: char| !is_word(c)) {
            // Two bytes are enough to see `$` or `${`, and the word before to see `env:`.
            let sign = &file.text.as_bytes()[at.max(2) - 2..at];
            let is_reference = sign.ends_with(b"$")
                || sign.ends_with(b"${")
                || (sign.ends_with(b":") && before == "env");
            if is_reference && is_name(word) {
                known.insert(word.to_owned(), None);
            }
            if !word.is_empty() {
                before = word;
            }
            let next = at + word.len();
            at = next + file.text[next..].chars().next().map_or(0, char::len_utf8);
        }
        if file.kind == FileKind::CodexToml {
            known.extend(passed_on(file).map(|name| (name, None)));
        }
        Self(known)
    }

    /// Whether every variable is free or stands for the same value; then they are taken.
    pub(super) fn take(&mut self, named: &[(String, &'a str)]) -> bool {
        let mut new: HashMap<&str, &'a str> = HashMap::new();
        for (name, value) in named {
            let old = match self.0.get(name) {
                Some(None) => return false,
                Some(Some(old)) => Some(*old),
                None => new.insert(name, value),
            };
            if old.is_some_and(|old| old != *value) {
                return false;
            }
        }
        let all = named
            .iter()
            .map(|(name, value)| (name.clone(), Some(*value)));
        self.0.extend(all);
        true
    }
}

/// Texts that Codex reads as names of variables.
fn passed_on(file: &SourceFile) -> impl Iterator<Item = String> {
    let leaves = file.top().map(|top| top.leaves()).unwrap_or_default();
    leaves.into_iter().filter_map(|leaf| {
        let pointer = leaf.pointer();
        let is_named = ["/env_vars/", "/env_http_headers/"]
            .iter()
            .any(|part| pointer.contains(part))
            || pointer.ends_with("/bearer_token_env_var");
        leaf.text().filter(|_| is_named).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::{is_name, variable};

    #[test]
    fn a_made_name_is_one_that_a_shell_can_export() {
        for (server, key, name) in [
            ("db", "", "DB_TOKEN"),
            ("db", "--api-key", "DB_API_KEY"),
            ("21st-dev", "", "_21ST_DEV_TOKEN"),
            ("a", "2FA_TOKEN", "_2FA_TOKEN"),
            ("~1home~1me", "", "1HOME_1ME_TOKEN"),
        ] {
            let made = variable(server, key).unwrap();
            assert!(is_name(&made), "{made}");
            assert_eq!(made.trim_start_matches('_'), name.trim_start_matches('_'));
        }
        for odd in ["", "_", "1A", "A-B", "Ä"] {
            assert!(!is_name(odd), "{odd}");
        }
    }
}
