//! The report for a terminal: worst first, grouped by agent, with the path drawn.

use std::fmt::Write as _;

use portcullis::{Exposure, Label};

use super::text::{plain, wrapped};
use super::{Report, counted};
use crate::model::{Finding, Severity};
use crate::project::{Gate, Path, Projection};

/// How a piece of the report is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A severity.
    Of(Severity),
    /// A heading or name.
    Strong,
    /// What can be skipped.
    Dim,
    /// All is well.
    Good,
}

/// The widest line in characters.
const WIDTH: usize = 96;

type Paint<'a> = &'a dyn Fn(Tone, &str) -> String;

/// The whole report; `paint` colours or returns the text as it is.
#[must_use]
pub fn terminal(report: &Report<'_>, paint: Paint<'_>) -> String {
    let mut out = String::new();
    let scan = report.scan();
    let seen = format!(
        "{}, {}",
        counted(scan.files_seen.len(), "file"),
        counted(report.projections().len(), "agent")
    );
    let totals = if report.open().is_empty() {
        paint(Tone::Good, "nothing found")
    } else {
        report.totals()
    };
    let _ = writeln!(
        out,
        "{} {seen}: {totals}",
        paint(Tone::Strong, "nucleus audit")
    );
    for (agent, findings) in groups(report) {
        let _ = writeln!(out, "\n{}", paint(Tone::Strong, &plain(&agent)));
        for finding in findings {
            out.push_str(&one(finding, paint));
        }
    }
    if !report.projections().is_empty() {
        out.push_str(&reach(report.projections(), paint));
    }
    if report.suppressed() > 0 {
        let line = format!(
            "{} not counted: a baseline or a comment says why",
            counted(report.suppressed(), "finding")
        );
        let _ = writeln!(out, "\n{}", paint(Tone::Dim, &line));
    }
    out
}

/// Findings by agent, in the order of each agent's worst.
fn groups<'a>(report: &Report<'a>) -> Vec<(String, Vec<&'a Finding>)> {
    let mut groups: Vec<(String, Vec<&Finding>)> = Vec::new();
    for finding in report.open() {
        let name = format!("{} ({})", finding.client.name(), finding.scope.word());
        match groups.iter_mut().find(|(own, _)| *own == name) {
            Some((_, findings)) => findings.push(finding),
            None => groups.push((name, vec![finding])),
        }
    }
    groups
}

fn one(finding: &Finding, paint: Paint<'_>) -> String {
    let mut out = String::new();
    let word = format!("{:<8}", finding.severity.word());
    let place = finding
        .evidence
        .first()
        .map(|first| first.place.to_string())
        .unwrap_or_default();
    let _ = writeln!(
        out,
        "  {} {}  {}",
        paint(Tone::Of(finding.severity), &word),
        paint(Tone::Strong, finding.rule.0),
        plain(&place)
    );
    for line in wrapped(&plain(&finding.reason), WIDTH - 11) {
        let _ = writeln!(out, "           {line}");
    }
    match &finding.path {
        Some(path) => out.push_str(&diagram(path, paint)),
        None => out.push_str(&evidence(finding, paint)),
    }
    if let Some(fix) = &finding.fix {
        let lines = wrapped(&plain(&fix.summary), WIDTH - 16);
        for (at, line) in lines.iter().enumerate() {
            let head = if at == 0 { "fix:" } else { "    " };
            let _ = writeln!(out, "           {} {line}", paint(Tone::Dim, head));
        }
    }
    out
}

fn evidence(finding: &Finding, paint: Paint<'_>) -> String {
    let mut out = String::new();
    for one in finding.evidence.iter().take(4) {
        let shown: String = plain(&one.shown).chars().take(72).collect();
        let _ = writeln!(
            out,
            "           {} {shown}",
            paint(Tone::Dim, &format!("{:>4} |", one.place.line))
        );
    }
    let more = finding.evidence.len().saturating_sub(4);
    if more > 0 {
        let _ = writeln!(
            out,
            "           {}",
            paint(Tone::Dim, &format!("     | and {more} more"))
        );
    }
    out
}

/// Three boxes and two arrows.
fn diagram(path: &Path, paint: Paint<'_>) -> String {
    let titles = ["a stranger's words", "your data", "the way out"];
    let names: Vec<String> = path
        .steps()
        .iter()
        .map(|step| short(&plain(&step.power.name), 24))
        .collect();
    let places: Vec<String> = path
        .steps()
        .iter()
        .map(|step| {
            let place = &step.power.place;
            let file = place.file.shown.rsplit('/').next().unwrap_or_default();
            short(&plain(&format!("{file}:{}", place.line)), 24)
        })
        .collect();
    let widths: Vec<usize> = (0..3)
        .map(|at| {
            width(titles[at])
                .max(width(&names[at]))
                .max(width(&places[at]))
        })
        .collect();
    let row = |cells: [&str; 3], between: &str, tone: Tone| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, &to)| paint(tone, &format!("{cell}{}", " ".repeat(to - width(cell)))))
            .collect();
        format!("           {}\n", cells.join(between).trim_end())
    };
    let text = |cells: &[String]| -> [String; 3] {
        [cells[0].clone(), cells[1].clone(), cells[2].clone()]
    };
    let (names, places) = (text(&names), text(&places));
    let mut out = row([titles[0], titles[1], titles[2]], "      ", Tone::Dim);
    out.push_str(&row(
        [&names[0], &names[1], &names[2]],
        " ───▶ ",
        Tone::Strong,
    ));
    out.push_str(&row(
        [&places[0], &places[1], &places[2]],
        "      ",
        Tone::Dim,
    ));
    if let Gate::Asks(reasons) = path.gate {
        let why: Vec<&str> = reasons.iter().map(portcullis::Reason::sentence).collect();
        let line = format!(
            "under `nucleus run` the last step asks you first: {}",
            why.join("; ")
        );
        for line in wrapped(&line, WIDTH - 11) {
            out.push_str(&format!("           {}\n", paint(Tone::Dim, &line)));
        }
    }
    out
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn short(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

/// One line per agent: which legs it reaches.
fn reach(projections: &[Projection], paint: Paint<'_>) -> String {
    let mut out = format!(
        "\n{}\n",
        paint(Tone::Strong, "what each agent can reach with nobody asked")
    );
    for one in projections {
        let name = format!(
            "{} ({})",
            one.client.name(),
            short(&one.files.join(", "), 48)
        );
        let legs: Vec<String> = [
            Label::UntrustedContent,
            Label::PrivateData,
            Label::ExfilVector,
        ]
        .into_iter()
        .map(|label| leg(one, label, paint))
        .collect();
        let unknown = one
            .powers
            .iter()
            .filter(|power| power.is_server() && !power.is_known())
            .count();
        let note = if unknown == 0 {
            String::new()
        } else {
            paint(
                Tone::Dim,
                &format!("  ({} unknown: worst case)", counted(unknown, "server")),
            )
        };
        let _ = writeln!(out, "  {}\n    {}{note}", plain(&name), legs.join("  "));
    }
    out
}

fn leg(projection: &Projection, label: Label, paint: Paint<'_>) -> String {
    let word = match label {
        Label::PrivateData => "private data",
        Label::UntrustedContent => "untrusted content",
        Label::ExfilVector => "a way out",
    };
    let is_in = |legs: Exposure| legs.contains(label);
    if is_in(projection.legs) {
        paint(
            Tone::Of(if projection.legs.is_trifecta() {
                Severity::Critical
            } else {
                Severity::Medium
            }),
            &format!("● {word}"),
        )
    } else if is_in(projection.worst) {
        format!("◐ {word}")
    } else {
        paint(Tone::Dim, &format!("○ {word}"))
    }
}
