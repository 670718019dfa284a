//! The report as Markdown, for a pull request's comment and a job's summary.

use std::fmt::Write as _;

use super::text::{Piece, pieces, plain};
use super::{Report, TOOL, counted};
use crate::model::{Finding, Severity};
use crate::rules::rule;

/// The first line, by which an older comment is found again.
pub(crate) const MARKER: &str = "<!-- nucleus audit -->";

/// The longest report in bytes: a comment holds 65,536 characters.
const MAX_BYTES: usize = 60_000;

/// The whole report.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let open = report.open();
    let mut out = format!("{MARKER}\n### nucleus audit: {}\n\n", report.totals());
    let agents = counted(report.projections().len(), "agent");
    let _ = writeln!(
        out,
        "{} read, {agents} configured.\n",
        counted(report.scan().files_seen.len(), "file")
    );
    let shown: Vec<&&Finding> = open
        .iter()
        .filter(|one| one.severity > Severity::Note)
        .collect();
    if !shown.is_empty() {
        out.push_str("| severity | rule | where | what | fix |\n| --- | --- | --- | --- | --- |\n");
    }
    let mut left = shown.len();
    for finding in &shown {
        let row = row(finding);
        if out.len() + row.len() > MAX_BYTES {
            break;
        }
        out.push_str(&row);
        left -= 1;
    }
    if left > 0 {
        let _ = writeln!(
            out,
            "\n{} more; the full list is in the JSON and SARIF reports.",
            counted(left, "finding")
        );
    }
    for finding in &shown {
        let drawn = drawing(finding);
        if out.len() + drawn.len() <= MAX_BYTES {
            out.push_str(&drawn);
        }
    }
    let notes = open.len() - shown.len();
    if notes > 0 || report.suppressed() > 0 {
        let _ = writeln!(
            out,
            "\n{}, {} not counted.",
            counted(notes, "note"),
            counted(report.suppressed(), "finding")
        );
    }
    let _ = writeln!(out, "\n<sub>{} {}</sub>", TOOL.0, TOOL.1);
    out
}

fn row(finding: &Finding) -> String {
    let place = finding
        .evidence
        .first()
        .map(|first| first.place.to_string())
        .unwrap_or_default();
    let title = rule(finding.rule).map_or("", |rule| rule.title);
    let fix = finding
        .fix
        .as_ref()
        .map(|fix| sentence(&fix.summary))
        .unwrap_or_default();
    format!(
        "| {} | {} | {} | {} | {fix} |\n",
        finding.severity,
        code(finding.rule.0),
        code(&place),
        if finding.reason.is_empty() {
            words(title)
        } else {
            sentence(&finding.reason)
        },
    )
}

/// The path as a diagram that forges draw.
fn drawing(finding: &Finding) -> String {
    let Some(path) = &finding.path else {
        return String::new();
    };
    let label =
        |at: usize, text: &str| format!("  {}[\"{}\"]\n", ["a", "b", "c"][at], mermaid(text));
    let mut out = String::from("\n```mermaid\nflowchart LR\n");
    let roles = ["a stranger's words", "your data", "the way out"];
    for (at, step) in path.steps().iter().enumerate() {
        out.push_str(&label(at, &format!("{}: {}", roles[at], step.power.name)));
    }
    out.push_str("  a --> b --> c\n```\n");
    out
}

/// Only letters, digits and harmless signs reach the diagram's language.
fn mermaid(text: &str) -> String {
    plain(text)
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || " .:/_-'@()*,".contains(c) {
                c
            } else {
                ' '
            }
        })
        .take(80)
        .collect()
}

/// A sentence with its code spans kept and everything else taken literally.
fn sentence(text: &str) -> String {
    let piece = |piece: &Piece<'_>| match piece {
        Piece::Words(text) => words(text),
        Piece::Code(text) => code(text),
    };
    pieces(text).iter().map(piece).collect()
}

fn code(text: &str) -> String {
    let text = plain(text).replace('`', "'").replace('|', "\\|");
    if text.trim().is_empty() {
        String::new()
    } else {
        format!("`{text}`")
    }
}

/// Words without meaning in Markdown or HTML, and without mentions.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' | '`' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // Forges make links of these without being asked.
    out.replace("://", "&#58;//").replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::{code, mermaid, sentence};

    #[test]
    fn names_cannot_leave_their_cell() {
        assert_eq!(code("a`|<b>"), "`a'\\|<b>`");
        assert_eq!(
            sentence("<img src=x> @all | [x](y) `a|b`"),
            "&lt;img src=x&gt; &#64;all \\| \\[x\\](y) `a\\|b`"
        );
        assert_eq!(sentence("odd ` tick"), "odd \\` tick");
        assert_eq!(
            sentence("see https://x: www.y"),
            "see https&#58;//x: www&#46;y"
        );
        assert_eq!(
            mermaid("x\"]\n click a \"javascript:1\""),
            "x    click a  javascript:1 "
        );
    }
}
