//! Reads names out of Rocq and Rust sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Failure;
use crate::root::read;

/// Words that leave something unproved or unchecked, wherever they stand outside a comment.
const FORBIDDEN: [&str; 15] = [
    "Admitted",
    "admit",
    "give_up",
    "Axiom",
    "Axioms",
    "Parameter",
    "Parameters",
    "Conjecture",
    "Abort",
    "bypass_check",
    "Guard",
    "Positivity",
    "Universe",
    "type_in_type",
    "native_compute",
];

/// Words that open a statement whose name counts.
const STATEMENTS: [&str; 5] = ["Theorem", "Lemma", "Corollary", "Proposition", "Fact"];

/// The text with comments blanked; lines keep their numbers.
fn without_comments(text: &str) -> String {
    let mut depth = 0_usize;
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(char) = rest.next() {
        match (char, rest.peek()) {
            ('(', Some('*')) => {
                depth += 1;
                rest.next();
            }
            ('*', Some(')')) if depth > 0 => {
                depth -= 1;
                rest.next();
            }
            ('\n', _) => out.push('\n'),
            (_, _) if depth > 0 => out.push(' '),
            (char, _) => out.push(char),
        }
    }
    out
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|char: char| !(char.is_alphanumeric() || char == '_' || char == '\''))
        .filter(|word| !word.is_empty())
}

/// Line and word of everything forbidden.
pub(super) fn forbidden(text: &str) -> Vec<(usize, String)> {
    let text = without_comments(text);
    text.lines()
        .enumerate()
        .flat_map(|(index, line)| words(line).map(move |word| (index + 1, word)))
        .filter(|(_, word)| FORBIDDEN.contains(word))
        .map(|(line, word)| (line, word.to_owned()))
        .collect()
}

/// The names after the words given, each at the beginning of a sentence.
fn names_after(text: &str, openers: &[&str]) -> Vec<String> {
    let text = without_comments(text);
    let mut names = Vec::new();
    let mut is_next = false;
    for word in words(&text) {
        if is_next {
            names.push(word.to_owned());
        }
        is_next = openers.contains(&word);
    }
    names
}

/// The names of all theorems and lemmas.
pub(super) fn theorems(text: &str) -> Vec<String> {
    names_after(text, &STATEMENTS)
}

/// The names of all hypotheses.
pub(super) fn hypotheses(text: &str) -> Vec<String> {
    names_after(text, &["Hypothesis", "Hypotheses"])
}

/// The names of the laws that the Rust sources declare.
pub(super) fn laws(directory: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut laws = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            laws.extend(declared(&read(&path)?));
        }
    }
    Ok(laws)
}

/// Every law with the sentence above it.
pub(super) fn law_sentences(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = declared(line).next() {
            found.push((name, sentence(&lines[..index], "///", "")));
        }
    }
    found
}

/// Every theorem with the comment right above it, or nothing.
pub(super) fn theorem_sentences(text: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let is_statement = STATEMENTS
            .iter()
            .any(|word| line.starts_with(&format!("{word} ")));
        if let Some(name) = is_statement.then(|| words(line).nth(1)).flatten() {
            found.push((name.to_owned(), sentence(&lines[..index], "(**", "*)")));
        }
    }
    found
}

/// The comment of one or more lines that ends right above.
fn sentence(above: &[&str], opens: &str, closes: &str) -> String {
    let is_comment =
        |line: &&&str| line.trim_start().starts_with(opens) && line.trim_end().ends_with(closes);
    let mut lines: Vec<&str> = above.iter().rev().take_while(is_comment).copied().collect();
    lines.reverse();
    let bare = lines.iter().map(|line| {
        line.trim()
            .trim_start_matches(opens)
            .trim_end_matches(closes)
            .trim()
    });
    bare.collect::<Vec<_>>().join(" ")
}

/// A law is declared by `law_name(` at the beginning of a line, as the `laws!` macro takes it.
fn declared(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let (name, _) = line.trim_start().split_once('(')?;
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (name.starts_with("law_") && is_name).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_hide_nothing_and_show_nothing() {
        let text = "(* Admitted (* nested *) still *) Theorem a : True.\nAdmitted. (* x *)";
        assert_eq!(forbidden(text), [(2, "Admitted".to_owned())]);
        assert_eq!(theorems(text), ["a"]);
    }

    #[test]
    fn laws_are_declarations_and_not_mentions() {
        let text = "    law_one(a: Level) {\n    // law_two(\n    x(law_three(a))\n";
        assert_eq!(declared(text).collect::<Vec<_>>(), ["law_one"]);
    }
}
