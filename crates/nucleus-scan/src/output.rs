//! Reports: one [`Report`] for the terminal, as JSON, SARIF, Markdown, HTML and a badge.
//!
//! Every text of a scanned file passes through [`plain`] or a stricter escape first: a configuration file cannot
//! write to the terminal, into a comment's markup or into a page.

mod badge;
mod html;
mod json;
mod markdown;
mod sarif;
mod stream;
mod terminal;
mod text;

pub use badge::badge;
pub use html::html;
pub use json::{Json, json};
pub use markdown::markdown;
pub use sarif::{Sarif, sarif};
pub use terminal::{Tone, terminal};
pub use text::{lines, plain};

use crate::model::{Finding, Scan, Severity};
use crate::project::{Projection, project};

/// The name and version of the program that scanned.
pub const TOOL: (&str, &str) = ("nucleus audit", env!("CARGO_PKG_VERSION"));

/// Severities, worst first.
pub const WORST_FIRST: [Severity; 5] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Note,
];

/// A scan with what follows from it.
#[derive(Debug)]
pub struct Report<'a> {
    scan: &'a Scan,
    projections: Vec<Projection>,
}

impl<'a> Report<'a> {
    /// The report of a scan.
    #[must_use]
    pub fn of(scan: &'a Scan) -> Self {
        Self {
            projections: project(&scan.agents),
            scan,
        }
    }

    /// The scan.
    #[must_use]
    pub fn scan(&self) -> &'a Scan {
        self.scan
    }

    /// The agents, each with all its files.
    #[must_use]
    pub fn projections(&self) -> &[Projection] {
        &self.projections
    }

    /// Findings that count, worst first.
    #[must_use]
    pub fn open(&self) -> Vec<&'a Finding> {
        let mut open: Vec<&Finding> = self
            .scan
            .findings
            .iter()
            .filter(|one| one.suppressed.is_none())
            .collect();
        open.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then_with(|| place_of(a).cmp(&place_of(b)))
        });
        open
    }

    /// How many findings of this severity count.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.open()
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    }

    /// How many findings a baseline or a comment takes out.
    #[must_use]
    pub fn suppressed(&self) -> usize {
        self.scan.findings.len() - self.open().len()
    }

    /// Whether a finding that counts is at least this bad. Notes never fail a run unless they are asked for.
    #[must_use]
    pub fn fails_at(&self, threshold: Severity) -> bool {
        self.open().iter().any(|one| one.severity >= threshold)
    }

    /// `1 critical, 2 medium`, or `nothing found`.
    #[must_use]
    pub fn totals(&self) -> String {
        let some = |severity: &Severity| {
            let count = self.count(*severity);
            (count > 0).then(|| format!("{count} {severity}"))
        };
        let counts: Vec<String> = WORST_FIRST.iter().filter_map(some).collect();
        if counts.is_empty() {
            "nothing found".to_owned()
        } else {
            counts.join(", ")
        }
    }
}

fn place_of(finding: &Finding) -> Option<&crate::model::Place> {
    finding.evidence.first().map(|first| &first.place)
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{count} {word}s")
    }
}
