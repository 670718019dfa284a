//! Paths and their patterns.

use portcullis::glob::PathPattern;
use portcullis::path::RelPath;

use super::{Case, one_of, some_of};
use crate::random::Random;

/// Whether a pattern names a path.
pub(super) fn matching(random: &mut Random) -> Case {
    let names = [
        "a", "b", "ab", "*", "**", "?", "a*", "*b", "?b", "a?b", "a*b", "*a*", "a!(b)", "a!(b|bb)",
    ];
    let slash = one_of(random, &["", "", "/"]);
    let pattern = format!(
        "{slash}{}{}",
        some_of(random, 4, &names, "/"),
        one_of(random, &["", "", "/"])
    );
    let path = some_of(random, 5, &["a", "b", "ab", "bb", "abb", "aab", "ba"], "/");
    let question = format!("pattern {pattern:?} path {path:?}");
    let engine = PathPattern::parse(&pattern)
        .ok()
        .zip(RelPath::parse(&path).ok());
    match engine {
        Some((parsed, parsed_path)) => Case::new(
            question,
            parsed.matches(&parsed_path),
            names_path(&pattern, &path),
        ),
        None => Case::new(question, (), ()),
    }
}

/// `.gitignore`: a name without inner slash matches at any depth, and what matches a directory matches all below it.
fn names_path(pattern: &str, path: &str) -> bool {
    let is_anchored = pattern.trim_end_matches('/').contains('/');
    let mut wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    if !is_anchored {
        wanted.insert(0, "**");
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    // Some directory on the way, or the path itself.
    (0..=names.len()).any(|length| segments(&wanted, &names[..length]))
}

fn segments(wanted: &[&str], names: &[&str]) -> bool {
    match (wanted, names) {
        ([], _) => names.is_empty(),
        (["**", rest @ ..], _) => (0..=names.len()).any(|skip| segments(rest, &names[skip..])),
        ([first, rest @ ..], [name, tail @ ..]) => segment(first, name) && segments(rest, tail),
        _ => false,
    }
}

fn segment(wanted: &str, name: &str) -> bool {
    match wanted.split_once("!(") {
        Some((head, others)) => {
            let others: Vec<&str> = others.trim_end_matches(')').split('|').collect();
            name.strip_prefix(head)
                .is_some_and(|tail| !others.contains(&tail))
        }
        None => letters(wanted.as_bytes(), name.as_bytes()),
    }
}

fn letters(wanted: &[u8], name: &[u8]) -> bool {
    match (wanted, name) {
        ([], _) => name.is_empty(),
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| letters(rest, &name[skip..])),
        ([w, rest @ ..], [c, tail @ ..]) => (*w == b'?' || w == c) && letters(rest, tail),
        _ => false,
    }
}

/// Where a path leads.
pub(super) fn reading(random: &mut Random) -> Case {
    let names = ["a", "b", ".", "..", "", "...", "a b", ".a"];
    let text = format!(
        "{}{}",
        one_of(random, &["", "", "", "/", "./"]),
        some_of(random, 6, &names, "/")
    );
    let engine = RelPath::parse(&text)
        .ok()
        .map(|path| path.as_str().to_owned());
    Case::new(format!("path {text:?}"), engine, resolved(&text))
}

/// Walks the names from the workspace; nothing may leave it, and an absolute path is none of it.
fn resolved(text: &str) -> Option<String> {
    if text.starts_with('/') {
        return None;
    }
    let mut here: Vec<&str> = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                here.pop()?;
            }
            // A name that ends in a dot means another on Windows.
            name if name.ends_with(['.', ' ']) => return None,
            name => here.push(name),
        }
    }
    Some(here.join("/"))
}
