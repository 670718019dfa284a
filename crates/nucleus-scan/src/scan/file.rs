//! Reads and judges one file: what it comes to touches the scan only once it is whole.

use std::path::Path;
use std::sync::Arc;

use super::Job;
use super::load::{self, Loaded};
use crate::discover::Known;
use crate::extract;
use crate::fix;
use crate::model::{Agent, Broken, Evidence, FileName, Finding, Fix, Scan};
use crate::read::SourceFile;
use crate::rules::{self, Report, Surroundings};
use crate::suppress::{self, Comment};

/// A text on which judging panics, in unit tests alone: no known text does.
#[cfg(test)]
pub(super) const PANICS: &str = "a text on which judging panics";

/// What one file comes to; nothing of it where the file is of no interest.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) opened: Option<Arc<FileName>>,
    pub(super) broken: Vec<Broken>,
    pub(super) findings: Vec<Finding>,
    pub(super) agents: Vec<Agent>,
    pub(super) comments: Vec<Comment>,
}

impl Outcome {
    /// Adds it to the scan.
    pub(super) fn join(self, scan: &mut Scan, comments: &mut Vec<Comment>) {
        scan.files_seen.extend(self.opened);
        scan.broken.extend(self.broken);
        scan.findings.extend(self.findings);
        scan.agents.extend(self.agents);
        comments.extend(self.comments);
    }

    /// A file that could not be read, as a finding.
    pub(super) fn broken(broken: Broken, finding: Finding) -> Self {
        Self {
            opened: Some(Arc::clone(&broken.file)),
            broken: vec![broken],
            findings: vec![finding],
            ..Self::default()
        }
    }
}

/// Reads and judges one file.
pub(super) fn outcome(
    job: &Job<'_>,
    relative: &Path,
    known: Option<Known>,
    real: &Path,
) -> Outcome {
    match load::load(job.root, relative, known, real) {
        Loaded::File(file) => judged(job, &file),
        Loaded::Broken(broken, finding) => Outcome::broken(broken, *finding),
        Loaded::Nothing => Outcome::default(),
    }
}

fn judged(job: &Job<'_>, file: &SourceFile) -> Outcome {
    #[cfg(test)]
    assert!(file.text != PANICS, "judging panics on this text");
    let agents = extract::agents(file);
    let mut report = Report::new(file);
    let broken = faults(file, &mut report);
    rules::judge(file, &agents, &job.surroundings, &mut report);
    let comments = suppress::comments(file, job.options, &mut report);
    let mut findings = report.finish();
    for finding in &mut findings {
        add_pins(file, finding, &job.surroundings);
    }
    Outcome {
        opened: Some(Arc::clone(&file.name)),
        broken,
        findings,
        agents,
        comments,
    }
}

/// What in the file could not be understood.
fn faults(file: &SourceFile, report: &mut Report<'_>) -> Vec<Broken> {
    let mut broken = Vec::new();
    for fault in file.document.iter().flat_map(|document| &document.faults) {
        let place = file.place(fault.at..fault.at, "");
        report.add(
            rules::UNREADABLE_CONFIG,
            None,
            "the file cannot be understood as a whole; what could be read was checked",
            vec![Evidence {
                place,
                shown: fault.what.clone(),
            }],
        );
        broken.push(Broken {
            file: Arc::clone(&file.name),
            why: fault.what.clone(),
        });
    }
    broken
}

fn add_pins(file: &SourceFile, finding: &mut Finding, surroundings: &Surroundings) {
    let Some(Fix {
        edits, unpinned, ..
    }) = &mut finding.fix
    else {
        return;
    };
    let pins = unpinned
        .iter()
        .filter_map(|one| fix::pin(file, one, surroundings));
    edits.extend(pins);
}
