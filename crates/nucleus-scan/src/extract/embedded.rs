//! Configuration inside other texts: settings in an input of a workflow's step, servers in a script, lists of tools.

use std::ops::Range;
use std::sync::Arc;

use super::{gemini, servers};
use crate::extract::blank;
use crate::model::Agent;
use crate::read::{At, LineIndex, SourceFile, Syntax, read_text};

/// The agents that objects inside a text configure. Places are those of the outer file.
pub(crate) fn documents(at: &At<'_>) -> Vec<Agent> {
    let Some(text) = at.text() else {
        return Vec::new();
    };
    let mut agents = Vec::new();
    let mut from = 0;
    while let Some(word) = [
        "\"mcpServers\"",
        "\"coreTools\"",
        "\"permissions\"",
        "\"sandbox\"",
        "\"tools\"",
    ]
    .iter()
    .filter_map(|word| text[from..].find(word))
    .min()
    .map(|word| from + word)
    {
        let Some(open) = text[from..word].rfind('{').map(|open| from + open) else {
            break;
        };
        let start = outermost(text, from, open);
        let end = closing(text, start);
        agents.extend(object(at, &text[start..end]));
        from = end.max(word + 1);
    }
    agents
}

/// The first brace of the object that is open at `at`.
fn outermost(text: &str, from: usize, at: usize) -> usize {
    text[from..=at].find('{').map_or(at, |first| from + first)
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

fn object(at: &At<'_>, text: &str) -> Option<Agent> {
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
    relocate(&mut agent, at);
    Some(agent)
}

/// Moves every place of an agent to where its text stands in the outer file.
fn relocate(agent: &mut Agent, at: &At<'_>) {
    agent.for_each_literal(&mut |literal| {
        let found = at.place_of(literal.raw_unmasked());
        literal.move_to(found);
    });
    let whole = at.place();
    for server in &mut agent.servers {
        server.place = at.place_of(&server.name);
    }
    agent.place = whole;
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
