//! The corpus of our own: each rule fires where it should and nowhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nucleus_scan::{Options, RULES, Roots, scan};

/// The fewest cases of a rule.
const LEAST: usize = 3;

/// Judges every case; true when all hold and every rule has enough of them.
pub(crate) fn judge(own: &Path) -> Result<bool, String> {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for rule in RULES {
        let (fires, quiet) = counts.entry(rule.id.0).or_default();
        for case in cases(&own.join(rule.id.0))? {
            let name = case
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let found = scan(
                &root_of(&case),
                &Options {
                    today: "2026-01-01".to_owned(),
                },
            )
            .findings;
            let fired = found
                .iter()
                .any(|finding| finding.rule == rule.id && finding.suppressed.is_none());
            let expected = name.starts_with("fires");
            *(if expected { &mut *fires } else { &mut *quiet }) += 1;
            if fired != expected {
                wrong.push(format!(
                    "{}/{name}: {}",
                    rule.id,
                    if fired { "fired" } else { "did not fire" }
                ));
            }
        }
    }
    let thin: Vec<String> = counts
        .iter()
        .filter(|(_, (fires, quiet))| fires + quiet < LEAST || *fires == 0 || *quiet == 0)
        .map(|(rule, (fires, quiet))| format!("{rule}: {fires} that fire, {quiet} that do not; at least {LEAST} files are wanted, of both kinds"))
        .collect();
    let total: usize = counts.values().map(|(fires, quiet)| fires + quiet).sum();
    println!(
        "own corpus: {total} cases of {} rules, {} wrong",
        counts.len(),
        wrong.len()
    );
    wrong
        .iter()
        .chain(&thin)
        .for_each(|line| println!("  {line}"));
    println!(
        "{}: own corpus",
        if wrong.is_empty() && thin.is_empty() {
            "PASSED"
        } else {
            "FAILED"
        }
    );
    Ok(wrong.is_empty() && thin.is_empty())
}

/// A case with a `repo` and a `home` is scanned as both.
fn root_of(case: &Path) -> Roots {
    let (repo, home) = (case.join("repo"), case.join("home"));
    if repo.is_dir() {
        return Roots {
            projects: vec![repo],
            home: home.is_dir().then_some(home),
            ..Roots::default()
        };
    }
    Roots {
        projects: vec![case.to_owned()],
        ..Roots::default()
    }
}

/// The cases of a rule, in order.
fn cases(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Ok(Vec::new());
    };
    let mut cases: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    match cases.iter().find(|case| {
        !case.file_name().is_some_and(|name| {
            name.to_string_lossy().starts_with("fires")
                || name.to_string_lossy().starts_with("quiet")
        })
    }) {
        Some(odd) => Err(format!(
            "`{}` is named neither fires nor quiet",
            odd.display()
        )),
        None => Ok(cases),
    }
}
