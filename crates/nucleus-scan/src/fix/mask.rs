//! A file as it may be shown: every secret in it masked, whether a rule speaks of it or not.

use std::ops::Range;

use crate::read::{Kind, Node, Syntax, read_text};
use crate::rules::Naming;
use crate::secret;

/// The text with every secret masked: what its tree assigns, and what a line by itself gives away.
pub(super) fn masked(text: &str, syntax: Option<Syntax>) -> String {
    let mut ranges = Vec::new();
    if let Some(syntax) = syntax {
        in_tree(text, &read_text(text, syntax).root, &mut ranges);
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        in_line(line, at, &mut ranges);
        at += line.len();
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for range in joined(ranges) {
        between(&text[at..range.start], &mut out);
        out.push_str(&secret::mask_one(&text[range.clone()]));
        at = range.end;
    }
    between(&text[at..], &mut out);
    out
}

/// Ranges in order, each that overlaps the one before made one with it.
fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What is left between secrets; what is random enough to be one is masked too.
fn between(text: &str, out: &mut String) {
    for line in text.split_inclusive('\n') {
        out.push_str(&secret::mask("", line));
    }
}

/// Secrets among the texts of a tree.
fn in_tree(text: &str, root: &Node, ranges: &mut Vec<Range<usize>>) {
    let mut naming = Naming::default();
    let mut todo = vec![("", root)];
    while let Some((own, node)) = todo.pop() {
        match &node.kind {
            Kind::Map(entries) => {
                let inner = entries.iter().rev();
                todo.extend(inner.map(|entry| (entry.key.as_str(), &entry.value)));
            }
            Kind::List(items) => todo.extend(items.iter().rev().map(|item| ("", item))),
            Kind::Text(value) => {
                let name = naming.name(own, Some(value)).unwrap_or_default();
                for found in secret::find(name, value) {
                    in_node(text, node, value, found, ranges);
                }
            }
            _ => {
                let _ = naming.name(own, None);
            }
        }
    }
}

/// Where a part of a value stands. Where the text spells the value in another way, everywhere the part stands, or else the whole value.
fn in_node(
    text: &str,
    node: &Node,
    value: &str,
    found: Range<usize>,
    ranges: &mut Vec<Range<usize>>,
) {
    let start = node.span.start;
    let Some(raw) = text.get(node.span.clone()) else {
        return;
    };
    let bare = secret::bare(raw);
    if raw[bare.clone()] == *value {
        ranges.push(start + bare.start + found.start..start + bare.start + found.end);
        return;
    }
    let part = &value[found];
    let before = ranges.len();
    let places = raw.match_indices(part).filter(|_| !part.is_empty());
    ranges.extend(places.map(|(at, _)| start + at..start + at + part.len()));
    if ranges.len() == before {
        ranges.push(start + bare.start..start + bare.end);
    }
}

/// Secrets a line shows by their shape, or by a name before `=` or `:`.
fn in_line(line: &str, at: usize, ranges: &mut Vec<Range<usize>>) {
    let shift = |range: Range<usize>| at + range.start..at + range.end;
    ranges.extend(secret::find("", line).into_iter().map(shift));
    ranges.extend(environment(line).into_iter().map(shift));
    let mut from = 0;
    while let Some(sign) = line[from..].find(['=', ':']).map(|sign| from + sign) {
        let name = name_before(&line[from..sign]);
        from = sign + 1;
        if secret::is_secret_key(name) {
            let value = value_after(line, from);
            let found = secret::find(name, &line[value.clone()]);
            ranges.extend(
                found
                    .into_iter()
                    .map(|part| at + value.start + part.start..at + value.start + part.end),
            );
            from = value.end;
        }
    }
}

/// `ENV NAME value` of a Dockerfile.
fn environment(line: &str) -> Vec<Range<usize>> {
    let Some((name, value)) = line
        .trim_start()
        .strip_prefix("ENV ")
        .and_then(|rest| rest.trim_start().split_once(' '))
    else {
        return Vec::new();
    };
    let start = line.len() - value.trim_start().len();
    let value = line[start..].trim_end();
    secret::find(name, value)
        .into_iter()
        .map(|part| start + part.start..start + part.end)
        .collect()
}

/// The last word of a text, quotes and spaces behind it left out.
fn name_before(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_word(*c))
        .last();
    start.map_or("", |(start, _)| &text[start..])
}

/// A value that begins somewhere on a line: to the quote that closes it, else to the next space or comma.
fn value_after(line: &str, from: usize) -> Range<usize> {
    let rest = &line[from..];
    let start = from + rest.len() - rest.trim_start().len();
    let value = &line[start..];
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (start, end) = match quote {
        Some(quote) => (start + 1, value[1..].find(quote)),
        None => (
            start,
            value.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']')),
        ),
    };
    start..end.map_or(line.len(), |end| start + end)
}

#[cfg(test)]
mod tests {
    use super::masked;
    use crate::read::Syntax;

    #[test]
    fn a_value_is_masked_by_its_name_in_each_spelling() {
        for line in [
            "ENV DB_PASSWORD=hunter2hunter2",
            "ENV DB_PASSWORD hunter2hunter2",
            "password: hunter2hunter2",
            "// \"DB_PASSWORD\": \"hunter2hunter2\",",
            "# DB_PASSWORD = 'hunter2hunter2'",
        ] {
            let shown = masked(line, None);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        let text =
            "FROM node:22\nENV MODE=fast\n\"args\": [\"-y\", \"@scope/a@1.2.3\"], // kept\r\n";
        assert_eq!(masked(text, None), text);
        let text = "{ \"a\": [\"-y\", 1, null], \"password\": \"${PASSWORD}\" }\n";
        assert_eq!(masked(text, Some(Syntax::Json)), text);
    }

    #[test]
    fn a_value_that_is_spelled_with_escapes_is_masked_whole() {
        let text = r#"{"DB_PASSWORD": "hunter2\u0068unter2"}"#;
        let shown = masked(text, Some(Syntax::Json));
        assert!(!shown.contains("unter2"), "{shown}");
    }
}
