//! Refuses a document that names a test, a bench or a page which does not exist.
//!
//! A test is named as `` `path/to/file.rs::function` `` and a bench as `` `bench:ID` ``. A row
//! that says **pending** or **not tested yet** may name what is still to be written; once it
//! exists, the output asks for the word to be removed. A row of a claim table that names
//! neither and says neither is refused too: silence is not evidence.

mod links;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::root::{read, root, table};
use crate::{Failure, bench, report};

/// The documents whose tables make claims.
const DOCUMENTS: [&str; 3] = [
    "SPECIFICATION.md",
    "docs/assurance/gaps.md",
    "docs/assurance/network-attacks.md",
];
/// Words with which a row admits that nothing settles it yet.
const ADMISSIONS: [&str; 2] = ["pending", "not tested yet"];

/// Checks the documents; true when every named test and bench exists.
pub(crate) fn run() -> Result<bool, Failure> {
    let benches: bench::Table = table("bench.toml")?;
    let benches: BTreeSet<&str> = benches.claims().collect();
    let mut findings = Vec::new();
    let mut named = 0;
    for document in DOCUMENTS {
        let text = read(&root().join(document))?;
        let judged = check(document, &text, &benches, &root());
        named += judged.named;
        findings.extend(judged.findings);
        judged
            .ready
            .iter()
            .for_each(|note| println!("gaps: note: {note}"));
    }
    let pages = pages()?;
    for page in &pages {
        let name = page.to_string_lossy();
        findings.extend(links::dead(&name, &read(&root().join(page))?, &root()));
    }
    let looked_at = format!("{named} tests and benches named, {} pages", pages.len());
    Ok(report("gaps", &looked_at, &findings))
}

/// Every tracked Markdown page that people read, less the fixtures of the gates.
fn pages() -> Result<Vec<PathBuf>, Failure> {
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "*.md"])
        .current_dir(root())
        .output()?;
    if !listed.status.success() {
        return Err("`git ls-files` failed: the pages are those that are tracked".into());
    }
    let names = String::from_utf8(listed.stdout)?;
    let is_page = |name: &&str| !name.contains("fixtures/") && root().join(name).is_file();
    Ok(names.lines().filter(is_page).map(PathBuf::from).collect())
}

#[derive(Debug, Default)]
struct Judged {
    named: usize,
    findings: Vec<String>,
    /// Rows whose admission is no longer true.
    ready: Vec<String>,
}

fn check(document: &str, text: &str, benches: &BTreeSet<&str>, root: &Path) -> Judged {
    let mut judged = Judged::default();
    for (number, row) in rows(text) {
        let place = format!("{document}:{number}");
        let admits = ADMISSIONS.iter().any(|admission| row.contains(admission));
        let references = references(row);
        if references.is_empty() && !admits {
            judged
                .findings
                .push(format!("{place} names no test and does not say so"));
        }
        judged.named += references.len();
        let found: Vec<bool> = references
            .iter()
            .map(|r| exists(r, benches, root))
            .collect();
        if admits && !found.is_empty() && found.iter().all(|is_there| *is_there) {
            judged.ready.push(format!(
                "{place} says it is pending, but everything it names exists"
            ));
        }
        let missing = references
            .iter()
            .zip(&found)
            .filter(|(_, is_there)| !admits && !**is_there);
        judged.findings.extend(
            missing.map(|(name, _)| format!("{place} names `{name}`, which does not exist")),
        );
    }
    judged
}

/// The body rows of the Markdown tables of a document, with their line numbers.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_body = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        if !line.starts_with('|') {
            is_body = false;
            return None;
        }
        if line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ')) {
            is_body = true;
            return None;
        }
        is_body.then_some((index + 1, line))
    })
}

/// What a row names between backticks that is a test or a bench.
fn references(row: &str) -> Vec<&str> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted
        .filter(|text| text.starts_with("bench:") || is_test(text))
        .collect()
}

fn is_test(text: &str) -> bool {
    text.split_once("::").is_some_and(|(path, function)| {
        (path.ends_with(".rs") || path.ends_with(".py")) && !function.contains(' ')
    })
}

/// Whether `path::function` names a test of this repository.
pub(crate) fn exists_test(reference: &str, root: &Path) -> bool {
    is_test(reference) && exists(reference, &BTreeSet::new(), root)
}

fn exists(reference: &str, benches: &BTreeSet<&str>, root: &Path) -> bool {
    if let Some(bench) = reference.strip_prefix("bench:") {
        return benches.contains(bench);
    }
    let Some((path, function)) = reference.split_once("::") else {
        return false;
    };
    read(&root.join(path)).is_ok_and(|text| has_test(&text, path, function))
}

/// Whether the file has a test function of that name: in Rust one that is marked as a test.
fn has_test(text: &str, path: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().collect();
    if path.ends_with(".py") {
        return lines
            .iter()
            .any(|line| line.trim_start().starts_with(&format!("def {function}(")));
    }
    let header = format!("fn {function}(");
    let mut at = lines.iter().enumerate().filter(|(_, line)| {
        line.trim_start()
            .trim_start_matches("async ")
            .starts_with(&header)
    });
    at.any(|(index, _)| is_marked(&lines[..index]))
}

/// Whether the attributes right above a function make it a test.
fn is_marked(above: &[&str]) -> bool {
    above
        .iter()
        .rev()
        .map(|line| line.trim())
        .take_while(|line| line.starts_with("#[") || line.starts_with("//") || line.ends_with(")]"))
        .any(|line| line.starts_with("#[") && line.contains("test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged() -> Judged {
        let directory = root().join("xtask/fixtures/gaps");
        let text = read(&directory.join("claims.md")).unwrap();
        check("claims.md", &text, &BTreeSet::from(["decide"]), &directory)
    }

    #[test]
    fn missing_tests_and_benches_and_silence_are_refused() {
        assert_eq!(
            judged().findings,
            [
                "claims.md:8 names `sample.rs::no_such_test`, which does not exist",
                "claims.md:9 names `sample.rs::helper_is_no_test`, which does not exist",
                "claims.md:10 names `no_such_file.rs::real_test`, which does not exist",
                "claims.md:11 names `bench:no_such_bench`, which does not exist",
                "claims.md:12 names no test and does not say so",
            ]
        );
    }

    #[test]
    fn an_admission_that_is_no_longer_true_is_noted() {
        assert_eq!(
            judged().ready,
            ["claims.md:14 says it is pending, but everything it names exists"]
        );
    }
}
