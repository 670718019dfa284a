//! A labelled collection: precision and recall by rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;

use nucleus_scan::{Options, RULES, Roots, Severity, scan};
use serde_json::Value;

use crate::score::{Cell, Scores};

/// The ids the labels use: ours of the same name, in the order of the table.
const VOCABULARY: usize = 26;

/// The collection's size, said when it is absent.
const FILES: usize = 97;

/// Judges every file; true when every threshold holds, or there is nothing to judge.
pub(crate) fn judge(collection: &Path, verbose: bool) -> Result<bool, String> {
    let Ok(labels) = std::fs::read_to_string(collection.join("labels.jsonl")) else {
        println!(
            "SKIPPED: labelled collection, {FILES} files (missing: {})",
            collection.display()
        );
        return Ok(true);
    };
    let mut scores = Scores::default();
    let mut spent = std::time::Duration::ZERO;
    for line in labels.lines().filter(|line| !line.trim().is_empty()) {
        let label: Value =
            serde_json::from_str(line).map_err(|error| format!("labels.jsonl: {error}"))?;
        let id = label["id"]
            .as_str()
            .ok_or("labels.jsonl: an entry has no id")?;
        let expected = expected(&label);
        let started = Instant::now();
        let found = found(&collection.join("files").join(id));
        spent += started.elapsed();
        one(id, &expected, &found, verbose, &mut scores);
    }
    scores.print();
    println!("scanned {} files in {} ms", scores.files, spent.as_millis());
    let holds = scores.holds();
    println!(
        "{}: labelled collection",
        if holds { "PASSED" } else { "FAILED" }
    );
    Ok(holds)
}

/// Rule to whether its label is firm.
fn expected(label: &Value) -> BTreeMap<String, bool> {
    let findings = label["findings"].as_array().cloned().unwrap_or_default();
    findings
        .iter()
        .filter_map(|one| {
            Some((
                one["rule"].as_str()?.to_owned(),
                one["confidence"] == "firm",
            ))
        })
        .collect()
}

fn found(root: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let known: BTreeSet<&str> = RULES
        .iter()
        .take(VOCABULARY)
        .map(|rule| rule.id.0)
        .collect();
    for finding in scan(
        &Roots {
            projects: vec![root.to_owned()],
            ..Roots::default()
        },
        &Options::default(),
    )
    .findings
    {
        if known.contains(finding.rule.0) {
            found.entry(finding.rule.0).or_default().extend(
                finding
                    .evidence
                    .iter()
                    .map(|evidence| format!("{} {}", evidence.place.line, evidence.shown)),
            );
        }
    }
    found
}

fn one(
    id: &str,
    expected: &BTreeMap<String, bool>,
    found: &BTreeMap<&'static str, Vec<String>>,
    verbose: bool,
    scores: &mut Scores,
) {
    scores.files += 1;
    if expected.is_empty() && !found.is_empty() {
        scores.dirtied.push(format!(
            "{id}: {}",
            found.keys().copied().collect::<Vec<_>>().join(", ")
        ));
    }
    for rule in RULES.iter().take(VOCABULARY) {
        let label = expected.get(rule.id.0).copied();
        let cell = Cell {
            is_grave: rule.severity >= Severity::High,
            label,
            is_found: found.contains_key(rule.id.0),
        };
        scores.add(rule.id.0, cell);
        if verbose && cell.is_found != label.is_some() {
            println!(
                "{id} {}: {} {:?}",
                rule.id,
                if cell.is_found {
                    "extra"
                } else if label == Some(true) {
                    "MISSED firm"
                } else {
                    "missed"
                },
                found
                    .get(rule.id.0)
                    .map(|found| &found[..found.len().min(3)])
            );
        }
    }
}
