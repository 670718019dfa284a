//! SARIF 2.1.0: one run, stable rule ids, partial fingerprints, regions, security severity and fixes.

use std::fmt;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::stream::{Each, show};
use super::text::plain;
use super::{Report, TOOL};
use crate::model::{Edit, Evidence, FileName, Finding, Place, Severity};
use crate::rules::{RULES, Rule};
use crate::secret::{mask, mask_pointer};

/// The schema's address.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// A log that is made while it is written: `{}` in one line, `{:#}` over several.
#[derive(Clone, Copy, Debug)]
pub struct Sarif<'a>(&'a Report<'a>);

/// The whole report as one log.
#[must_use]
pub fn sarif<'a>(report: &'a Report<'a>) -> Sarif<'a> {
    Sarif(report)
}

impl fmt::Display for Sarif<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

impl Serialize for Sarif<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut log = serializer.serialize_map(Some(3))?;
        log.serialize_entry("$schema", SCHEMA)?;
        log.serialize_entry("runs", &[Run(self.0)])?;
        log.serialize_entry("version", "2.1.0")?;
        log.end()
    }
}

struct Run<'a>(&'a Report<'a>);

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let findings = &self.0.scan().findings;
        let mut run = serializer.serialize_map(Some(5))?;
        run.serialize_entry("columnKind", "unicodeCodePoints")?;
        run.serialize_entry("invocations", &invocations(self.0))?;
        run.serialize_entry("originalUriBaseIds", &bases())?;
        run.serialize_entry("results", &Each(|| findings.iter().filter_map(result)))?;
        run.serialize_entry("tool", &tool())?;
        run.end()
    }
}

fn tool() -> Value {
    let rules: Vec<Value> = RULES.iter().map(rule).collect();
    json!({ "driver": {
        "name": TOOL.0, "semanticVersion": TOOL.1, "version": TOOL.1, "rules": rules,
    } })
}

/// What relative addresses are relative to.
fn bases() -> Value {
    json!({
        "SRCROOT": { "description": { "text": "The repository that was scanned." } },
        "HOME": { "description": { "text": "The home directory of the user who scanned." } },
        "SYSTEM": { "uri": "file:///", "description": { "text": "The root of the file system." } },
    })
}

fn invocations(report: &Report<'_>) -> Value {
    let broken: Vec<Value> = report
        .scan()
        .broken
        .iter()
        .map(|one| {
            json!({
                "level": "warning",
                "message": { "text": plain(&one.why) },
                "locations": [{ "physicalLocation": { "artifactLocation": artifact(&one.file) } }],
            })
        })
        .collect();
    json!([{ "executionSuccessful": true, "toolExecutionNotifications": broken }])
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.id.0,
        "name": rule.id.0,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.reason },
        "help": { "text": rule.help, "markdown": help(rule) },
        "helpUri": rule.references.first().copied().unwrap_or("https://genai.owasp.org/"),
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "security-severity": score(rule.severity),
            "precision": "high",
            "tags": ["security", "ai-agent", rule.severity.word()],
        },
    })
}

fn help(rule: &Rule) -> String {
    let references: Vec<String> = rule
        .references
        .iter()
        .map(|url| format!("- <{url}>"))
        .collect();
    format!("{}\n\n{}", rule.help, references.join("\n"))
}

/// The level the standard has for a severity.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Note => "note",
    }
}

/// The number code scanning sorts by: above 9 critical, 7 high, 4 medium, below low.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Note => "0.1",
    }
}

/// One result; a finding of a rule that is not in the table cannot be stated and does not exist.
fn result(finding: &Finding) -> Option<Value> {
    let index = RULES.iter().position(|rule| rule.id == finding.rule)?;
    let (first, others) = finding.evidence.split_first()?;
    let related: Vec<Value> = others
        .iter()
        .enumerate()
        .map(|(at, one)| {
            let mut location = location(one);
            location["id"] = json!(at + 1);
            location
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.rule.0,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": { "text": plain(&finding.reason) },
        "locations": [location(first)],
        "relatedLocations": related,
        "partialFingerprints": { "nucleusFinding/v1": finding.fingerprint },
        "properties": {
            "security-severity": score(finding.severity), "client": finding.client.name(), "scope": finding.scope.word(),
        },
    });
    if let Some(fix) = finding.fix.as_ref().filter(|fix| is_shareable(&fix.edits)) {
        result["fixes"] = json!([{ "description": { "text": plain(&fix.summary) }, "artifactChanges": changes(&fix.edits) }]);
    }
    if let Some(by) = &finding.suppressed {
        let kind = if by.by == "baseline" {
            "external"
        } else {
            "inSource"
        };
        result["suppressions"] =
            json!([{ "kind": kind, "status": "accepted", "justification": plain(&by.reason) }]);
    }
    Some(result)
}

fn location(evidence: &Evidence) -> Value {
    let mut location = json!({
        "physicalLocation": {
            "artifactLocation": artifact(&evidence.place.file),
            "region": region(&evidence.place, &evidence.shown),
        },
    });
    if !evidence.place.pointer.is_empty() {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": plain(&mask_pointer(&evidence.place.pointer)), "kind": "member" }]);
    }
    location
}

fn region(place: &Place, shown: &str) -> Value {
    let mut region = json!({ "startLine": place.line.max(1), "startColumn": place.column.max(1), "snippet": { "text": plain(shown) } });
    // The standard wants an end that is not before the start.
    if (place.end_line, place.end_column) > (place.line, place.column) {
        region["endLine"] = json!(place.end_line);
        region["endColumn"] = json!(place.end_column.max(1));
    }
    region
}

/// Whether a rewrite may leave this machine. One that still holds what may be a secret stays here: masked, it would write nonsense.
fn is_shareable(edits: &[Edit]) -> bool {
    let is_open = |edit: &Edit| edit.replacement.lines().all(|line| mask("", line) == line);
    !edits.is_empty() && edits.iter().all(is_open)
}

fn changes(edits: &[Edit]) -> Vec<Value> {
    let mut files: Vec<&FileName> = edits.iter().map(|edit| &*edit.file).collect();
    files.sort();
    files.dedup();
    let replacement = |edit: &Edit| {
        json!({
            "deletedRegion": { "byteOffset": edit.span.start, "byteLength": edit.span.end - edit.span.start },
            "insertedContent": { "text": edit.replacement },
        })
    };
    files
        .iter()
        .map(|file| {
            let mut own: Vec<&Edit> = edits
                .iter()
                .filter(|edit| edit.file.as_ref() == *file)
                .collect();
            own.sort_by_key(|edit| (edit.span.start, edit.span.end));
            own.dedup();
            let own: Vec<Value> = own.into_iter().map(replacement).collect();
            json!({ "artifactLocation": artifact(file), "replacements": own })
        })
        .collect()
}

fn artifact(file: &FileName) -> Value {
    let shown = file.shown.as_str();
    let (base, path) = match (shown.strip_prefix("~/"), shown.strip_prefix('/')) {
        (Some(rest), _) => ("HOME", rest),
        (None, Some(rest)) => ("SYSTEM", rest),
        (None, None) => ("SRCROOT", shown),
    };
    json!({ "uri": encoded(path), "uriBaseId": base })
}

/// A path as a relative URI reference.
fn encoded(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
