//! Collects findings of one file.

use std::collections::{HashMap, HashSet};

use crate::client::Client;
use crate::fix::Reference;
use crate::hash::short_hex;
use crate::launch::Registry;
use crate::model::{Evidence, Finding, Fix, Literal, Place, RuleId, Scope, Unpinned};
use crate::read::SourceFile;

use super::table::{UNPINNED_PACKAGE, rule};

/// The findings of one file, while it is judged.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    file: &'a SourceFile,
    findings: Vec<Finding>,
    /// Where the finding of a rule and a subject stands.
    index: HashMap<(RuleId, Option<String>), usize>,
    fired: HashSet<RuleId>,
}

/// A literal as evidence.
pub(crate) fn evidence(literal: &Literal) -> Evidence {
    Evidence {
        place: literal.place().clone(),
        shown: shorten(&literal.shown()),
    }
}

/// A setting as evidence, with its key.
pub(crate) fn setting(literal: &Literal) -> Evidence {
    Evidence {
        place: literal.place().clone(),
        shown: shorten(&literal.shown_with_key()),
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
            index: HashMap::new(),
            fired: HashSet::new(),
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
        self.joined(id, subject, reason.into(), evidence);
    }

    /// Adds a finding about a secret with the rewrite that settles it, or why there is none.
    pub(crate) fn add_with_reference(
        &mut self,
        id: RuleId,
        subject: Option<&str>,
        reason: &str,
        evidence: Evidence,
        reference: Reference,
    ) {
        let Some(fix) = self.joined(id, subject, reason.to_owned(), vec![evidence]) else {
            return;
        };
        fix.edits.extend(reference.edits);
        fix.variables.extend(reference.variables);
        if let Some(why) = reference
            .why_not
            .filter(|_| !fix.summary.contains("`--fix`"))
        {
            fix.summary = format!("{}; {why}", fix.summary.trim_end_matches('.'));
        }
    }

    /// Adds a finding about a package that has no version, and which registry would know one.
    pub(crate) fn add_unpinned(
        &mut self,
        subject: Option<&str>,
        reason: impl Into<String>,
        evidence: Evidence,
        registry: Registry,
    ) {
        let place = evidence.place.clone();
        if let Some(fix) = self.joined(UNPINNED_PACKAGE, subject, reason.into(), vec![evidence]) {
            fix.unpinned.push(Unpinned { place, registry });
        }
    }

    /// The way out of a finding, new or joined.
    fn joined(
        &mut self,
        id: RuleId,
        subject: Option<&str>,
        reason: String,
        evidence: Vec<Evidence>,
    ) -> Option<&mut Fix> {
        let rule = rule(id)?;
        if evidence.is_empty() {
            return None;
        }
        let subject = subject.map(crate::secret::mask_name);
        let next = self.findings.len();
        let nth = *self.index.entry((id, subject.clone())).or_insert(next);
        if nth == next {
            self.fired.insert(id);
            let fix = Fix {
                summary: rule.help.to_owned(),
                edits: Vec::new(),
                unpinned: Vec::new(),
                variables: Vec::new(),
            };
            self.findings.push(Finding {
                rule: id,
                severity: rule.severity,
                reason,
                evidence,
                fix: Some(fix),
                client: self.client(),
                agent: subject,
                scope: self.scope(),
                suppressed: None,
                path: None,
                fingerprint: String::new(),
            });
        } else {
            self.findings[nth].evidence.extend(evidence);
        }
        self.findings[nth].fix.as_mut()
    }

    fn client(&self) -> Client {
        self.file.client
    }

    fn scope(&self) -> Scope {
        self.file.scope
    }

    /// Whether a rule has fired.
    pub(crate) fn has(&self, id: RuleId) -> bool {
        self.fired.contains(&id)
    }

    /// The findings, each with its fingerprint.
    pub(crate) fn finish(mut self) -> Vec<Finding> {
        let mut seen = HashMap::new();
        for finding in &mut self.findings {
            finding.evidence.sort();
            finding.evidence.dedup();
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
