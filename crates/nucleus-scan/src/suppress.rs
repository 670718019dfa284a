//! Findings that do not count: comments with a reason, and baselines.

mod baseline;

pub use baseline::Baseline;

use std::collections::HashMap;

use crate::model::{Evidence, FileName, Finding, Place, Suppression};
use crate::read::SourceFile;
use crate::rules::{Report, SUPPRESSION_WITHOUT_REASON};
use crate::scan::Options;

/// The word a comment starts with: `nucleus-ignore RULE: reason [until=YYYY-MM-DD]`.
const MARK: &str = "nucleus-ignore";

/// One comment that counts.
#[derive(Clone, Debug)]
pub(crate) struct Comment {
    place: Place,
    rule: String,
    reason: String,
}

/// The comments of a file that count. One without a reason, or that has run out, is a finding instead.
pub(crate) fn comments(
    file: &SourceFile,
    options: &Options,
    report: &mut Report<'_>,
) -> Vec<Comment> {
    let mut out = Vec::new();
    for (at, _) in file.text.match_indices(MARK) {
        let place = file.place(at..at + MARK.len(), "");
        let (rule, reason, until) = parts(&file.text[at + MARK.len()..]);
        let expired = until.is_some_and(|until| {
            !is_date(until) || (!options.today.is_empty() && until < options.today.as_str())
        });
        if reason.is_empty() || expired {
            let why = if expired {
                "has run out, or its date is not YYYY-MM-DD"
            } else {
                "has no reason"
            };
            report.add(
                SUPPRESSION_WITHOUT_REASON,
                None,
                "a suppression does not count",
                vec![Evidence {
                    place,
                    shown: format!("{MARK} {rule}: {why}"),
                }],
            );
        } else {
            out.push(Comment {
                place,
                rule: rule.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }
    out
}

/// Rule, reason and date of what follows the mark.
fn parts(rest: &str) -> (&str, &str, Option<&str>) {
    let rest = rest
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches("*/")
        .trim_end_matches("-->")
        .trim();
    let (rule, reason) = rest.split_once(':').unwrap_or((rest, ""));
    let (reason, until) = match reason.split_once("until=") {
        Some((reason, until)) => (reason, Some(until.trim().trim_end_matches(']'))),
        None => (reason, None),
    };
    (
        rule.trim(),
        reason.trim().trim_end_matches('[').trim(),
        until,
    )
}

/// Takes out of the count what a comment covers: every place of the finding on its own line or the next.
pub(crate) fn apply(comments: &[Comment], findings: &mut [Finding]) {
    let by_line: HashMap<(&str, &FileName, u32), &Comment> = comments
        .iter()
        .map(|comment| {
            let place = &comment.place;
            ((comment.rule.as_str(), &*place.file, place.line), comment)
        })
        .collect();
    for finding in findings {
        let Some(first) = finding.evidence.first() else {
            continue;
        };
        let (rule, file) = (finding.rule.0, &*first.place.file);
        let above = [first.place.line, first.place.line.saturating_sub(1)];
        let mut comments = above
            .into_iter()
            .filter_map(|line| by_line.get(&(rule, file, line)));
        if let Some(comment) = comments.find(|comment| covers(comment, finding)) {
            finding.suppressed = Some(Suppression {
                reason: comment.reason.clone(),
                by: comment.place.to_string(),
            });
        }
    }
}

/// Whether every place of a finding is on the line of a comment or the next.
fn covers(comment: &Comment, finding: &Finding) -> bool {
    let lines = comment.place.line..=comment.place.line.saturating_add(1);
    finding.evidence.iter().all(|evidence| {
        evidence.place.file == comment.place.file && lines.contains(&evidence.place.line)
    })
}

/// `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                *byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        })
}
