//! Collects findings of one file.

use crate::client::Client;
use crate::hash::short_hex;
use crate::model::{Edit, Evidence, Finding, Fix, Literal, Place, RuleId, Scope};
use crate::read::SourceFile;

use super::table::rule;

/// The findings of one file, while it is judged.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a SourceFile,
    findings: Vec<Finding>,
}

/// A literal as evidence.
pub(crate) fn evidence(literal: &Literal) -> Evidence {
    Evidence {
        place: literal.place().clone(),
        shown: shorten(&literal.shown()),
    }
}

/// A place with the text that stands there.
pub(crate) fn shown_at(place: Place, shown: &str) -> Evidence {
    Evidence {
        place,
        shown: shorten(&crate::secret::mask("", shown)),
    }
}

/// The most characters of one piece of evidence.
const MAX_SHOWN: usize = 160;

fn shorten(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(MAX_SHOWN) {
        Some((at, _)) => format!("{}…", &one_line[..at]),
        None => one_line,
    }
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a SourceFile) -> Self {
        Self {
            file,
            findings: Vec::new(),
        }
    }

    /// Adds a finding. Without evidence there is none. A second one of the same rule and subject joins the first.
    pub(crate) fn add(
        &mut self,
        id: RuleId,
        subject: Option<&str>,
        reason: impl Into<String>,
        evidence: Vec<Evidence>,
    ) {
        self.add_with_edits(id, subject, reason, evidence, Vec::new());
    }

    /// Adds a finding with the rewrite that settles it.
    pub(crate) fn add_with_edits(
        &mut self,
        id: RuleId,
        subject: Option<&str>,
        reason: impl Into<String>,
        evidence: Vec<Evidence>,
        edits: Vec<Edit>,
    ) {
        let Some(rule) = rule(id) else { return };
        if evidence.is_empty() {
            return;
        }
        if let Some(known) = self
            .findings
            .iter_mut()
            .find(|known| known.rule == id && known.agent.as_deref() == subject)
        {
            known.evidence.extend(
                evidence
                    .into_iter()
                    .filter(|new| !known.evidence.contains(new))
                    .collect::<Vec<_>>(),
            );
            if let Some(fix) = &mut known.fix {
                fix.edits.extend(edits);
            }
            return;
        }
        self.findings.push(Finding {
            rule: id,
            severity: rule.severity,
            reason: reason.into(),
            evidence,
            fix: Some(Fix {
                summary: rule.help.to_owned(),
                edits,
            }),
            client: self.client(),
            agent: subject.map(str::to_owned),
            scope: self.scope(),
            suppressed: None,
            fingerprint: String::new(),
        });
    }

    fn client(&self) -> Client {
        self.file.client
    }

    fn scope(&self) -> Scope {
        self.file.scope
    }

    /// Whether a rule has fired.
    pub(crate) fn has(&self, id: RuleId) -> bool {
        self.findings.iter().any(|finding| finding.rule == id)
    }

    /// The findings, each with its fingerprint.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        let mut seen = std::collections::HashMap::new();
        for finding in &mut self.findings {
            finding.evidence.sort();
            finding.fingerprint = fingerprint(finding, &self.file.name.shown);
            let nth = seen.entry(finding.fingerprint.clone()).or_insert(0_usize);
            *nth += 1;
            if *nth > 1 {
                finding.fingerprint = short_hex(&[&finding.fingerprint, &nth.to_string()], 12);
            }
        }
        self.findings
    }
}

/// Over rule, file, subject and what stands there, but not where in the file.
pub(crate) fn fingerprint(finding: &Finding, file: &str) -> String {
    let mut parts = vec![
        finding.rule.0,
        file,
        finding.agent.as_deref().unwrap_or_default(),
    ];
    let mut shown: Vec<&str> = finding
        .evidence
        .iter()
        .map(|evidence| evidence.shown.as_str())
        .collect();
    shown.sort_unstable();
    parts.extend(shown);
    short_hex(&parts, 12)
}
