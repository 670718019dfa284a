//! Configuration inside other texts: settings in an input of a workflow's step, servers in a script, lists of tools.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{gemini, servers};
use crate::extract::blank;
use crate::model::{Agent, Place};
use crate::read::{At, LineIndex, SourceFile, Syntax, read_text};

/// Keys of objects that configure an agent.
const KEYS: &[&str] = &[
    "\"mcpServers\"",
    "\"coreTools\"",
    "\"permissions\"",
    "\"sandbox\"",
    "\"tools\"",
];

/// The agents that objects inside a text configure. Places are those of the outer file.
pub(crate) fn documents(at: &At<'_>) -> Vec<Agent> {
    let Some(text) = at.text() else {
        return Vec::new();
    };
    let words = Words::of(at);
    let mut agents = Vec::new();
    let mut from = 0;
    for word in keys(text) {
        if word < from {
            continue;
        }
        let Some(start) = text[from..word].find('{').map(|open| from + open) else {
            from = word;
            continue;
        };
        let end = closing(text, start);
        agents.extend(object(at, &words, &text[start..end]));
        from = end.max(word + 1);
    }
    agents
}

/// Where such keys stand, in order.
fn keys(text: &str) -> Vec<usize> {
    let mut found: Vec<usize> = KEYS
        .iter()
        .flat_map(|key| text.match_indices(key).map(|(at, _)| at))
        .collect();
    found.sort_unstable();
    found
}

/// The byte after the brace that closes the one at `start`.
fn closing(text: &str, start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().skip(start) {
        match byte {
            b'{' => depth += 1,
            b'}' => {
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

fn object(at: &At<'_>, words: &Words<'_>, text: &str) -> Option<Agent> {
    let outer = at.file;
    let document = read_text(text, Syntax::Json);
    let inner = SourceFile {
        name: Arc::clone(&outer.name),
        text: text.to_owned(),
        lines: LineIndex::new(text),
        kind: outer.kind,
        client: outer.client,
        scope: outer.scope,
        root: outer.root.clone(),
        root_shown: outer.root_shown.clone(),
        document: Some(document),
    };
    let mut agent = blank(outer);
    let top = inner.top()?;
    gemini::one(&top, &mut agent);
    if agent.servers.is_empty() {
        agent.servers.extend(
            top.get("mcpServers")
                .map(|map| servers::read(&map))
                .unwrap_or_default(),
        );
    }
    for (key, verdict) in [
        ("allow", crate::model::Verdict::Allow),
        ("deny", crate::model::Verdict::Deny),
    ] {
        for item in top
            .path(&["permissions", key])
            .map(|list| list.items())
            .unwrap_or_default()
        {
            agent
                .permissions
                .rules
                .push(super::claude_rule(verdict, item.literal()));
        }
    }
    relocate(&mut agent, at, words);
    Some(agent)
}

/// Moves every place of an agent to where its text stands in the outer file.
fn relocate(agent: &mut Agent, at: &At<'_>, words: &Words<'_>) {
    agent.for_each_literal(&mut |literal| {
        let found = words.place(literal.raw_unmasked());
        literal.move_to(found);
    });
    for server in &mut agent.servers {
        server.place = words.place(&server.name);
    }
    agent.place = at.place();
}

/// The longest text without quotes, a number or a word, that is looked for.
const MAX_PLAIN_BYTES: usize = 16;
/// The most of them: each look is as long as the text.
const MAX_PLAIN: usize = 64;

/// The quoted texts of an outer value as the file has it, each by where it stands first.
struct Words<'a> {
    file: &'a SourceFile,
    outer: Place,
    quoted: HashMap<&'a str, usize>,
    looks: Cell<usize>,
}

impl<'a> Words<'a> {
    fn of(at: &At<'a>) -> Self {
        let outer = at.place();
        let span: Range<usize> = outer.span.into();
        let mut quoted = HashMap::new();
        let mut from = span.start;
        for part in at.file.text.get(span).unwrap_or_default().split('"') {
            quoted.entry(part.trim_end_matches('\\')).or_insert(from);
            from += part.len() + 1;
        }
        Self {
            file: at.file,
            outer,
            quoted,
            looks: Cell::new(0),
        }
    }

    /// Where a text stands; the whole value where it cannot be found, as behind an escape.
    fn place(&self, text: &str) -> Place {
        if let Some(start) = self.quoted.get(text).filter(|_| !text.is_empty()) {
            return self
                .file
                .place(*start..*start + text.len(), &self.outer.pointer);
        }
        let looks = self.looks.replace(self.looks.get() + 1);
        if text.len() > MAX_PLAIN_BYTES || looks >= MAX_PLAIN {
            return self.outer.clone();
        }
        self.file.place_in(&self.outer, text)
    }
}

/// The entries of a list of tools written in one text: `Bash(git log:*),Read Edit`, with where each stands.
pub(crate) fn tool_list(text: &str) -> Vec<(Range<usize>, String)> {
    let mut entries = Vec::new();
    let (mut depth, mut start) = (0_usize, None);
    for (at, c) in text.char_indices().chain([(text.len(), ',')]) {
        let cut =
            depth == 0 && (c == ',' || c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']'));
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (cut || at == text.len(), start) {
            (true, Some(from)) => {
                entries.push((from..at, text[from..at].to_owned()));
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::tool_list;

    #[test]
    fn lists_of_tools_are_cut_outside_brackets() {
        let entries: Vec<String> = tool_list("Bash(git log:*), Read,\n  \"Bash(a, b)\" View")
            .into_iter()
            .map(|(_, entry)| entry)
            .collect();
        assert_eq!(entries, ["Bash(git log:*)", "Read", "Bash(a, b)", "View"]);
    }
}
