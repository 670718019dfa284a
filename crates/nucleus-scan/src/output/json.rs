//! The report as JSON, version 1.

use std::fmt;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use super::stream::{Each, show};
use super::{Report, TOOL, WORST_FIRST};
use crate::model::{Evidence, Finding};
use crate::project::{Origin, Path, Power, Projection};
use crate::rules::rule;
use crate::secret::mask_pointer;

/// A report that is made while it is written: `{}` in one line, `{:#}` over several.
#[derive(Clone, Copy, Debug)]
pub struct Json<'a>(&'a Report<'a>);

/// The whole report.
#[must_use]
pub fn json<'a>(report: &'a Report<'a>) -> Json<'a> {
    Json(report)
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (report, scan) = (self.0, self.0.scan());
        let broken = || {
            let all = scan.broken.iter();
            all.map(|one| json!({ "file": one.file.shown, "why": one.why }))
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("agents", &Each(|| report.projections().iter().map(agent)))?;
        map.serialize_entry("broken", &Each(broken))?;
        map.serialize_entry("findings", &Each(|| scan.findings.iter().map(finding)))?;
        map.serialize_entry("summary", &summary(report))?;
        map.serialize_entry("tool", &json!({ "name": TOOL.0, "version": TOOL.1 }))?;
        map.serialize_entry("version", &1)?;
        map.end()
    }
}

fn summary(report: &Report<'_>) -> Value {
    let counts: serde_json::Map<String, Value> = WORST_FIRST
        .iter()
        .map(|severity| (severity.word().to_owned(), json!(report.count(*severity))))
        .collect();
    let files = report.scan().files_seen.len();
    json!({ "files": files, "findings": counts, "suppressed": report.suppressed() })
}

fn finding(one: &Finding) -> Value {
    let known = rule(one.rule);
    json!({
        "rule": one.rule.0,
        "severity": one.severity.word(),
        "title": known.map(|rule| rule.title),
        "reason": one.reason,
        "evidence": one.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "fix": one.fix.as_ref().map(|fix| json!({ "summary": fix.summary, "automatic": !fix.edits.is_empty() })),
        "references": known.map(|rule| rule.references),
        "client": one.client.name(),
        "agent": one.agent,
        "scope": one.scope.word(),
        "fingerprint": one.fingerprint,
        "suppressed": one.suppressed.as_ref().map(|by| json!({ "by": by.by, "reason": by.reason })),
    })
}

fn evidence(one: &Evidence) -> Value {
    json!({
        "file": one.place.file.shown, "line": one.place.line, "column": one.place.column,
        "end_line": one.place.end_line, "end_column": one.place.end_column,
        "pointer": mask_pointer(&one.place.pointer), "shown": one.shown,
    })
}

fn agent(one: &Projection) -> Value {
    let levels: Vec<&str> = portcullis::Operation::ALL
        .into_iter()
        .filter(|op| one.envelope.level(*op) != portcullis::Level::Never)
        .map(portcullis::Operation::name)
        .collect();
    json!({
        "client": one.client.name(),
        "root": one.root,
        "files": one.files,
        "legs": labels(one.legs),
        "worst_case": labels(one.worst),
        "operations": levels,
        "envelope": one.envelope.digest().to_string(),
        "powers": one.powers.iter().map(power).collect::<Vec<_>>(),
        "path": one.path.as_ref().map(path),
    })
}

fn power(one: &Power) -> Value {
    let (origin, catalog) = match &one.origin {
        Origin::Builtin => ("builtin", None),
        Origin::Default => ("default", None),
        Origin::Monitor => ("monitor", None),
        Origin::Catalog(id) => ("catalog", Some(id)),
        Origin::Named(id) => ("name", Some(id)),
        Origin::Unknown => ("unknown", None),
    };
    json!({
        "name": one.name, "known_by": origin, "catalog": catalog, "kind": one.kind.name(),
        "legs": labels(one.legs), "place": one.place.to_string(),
        "tools": one.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(),
    })
}

fn path(one: &Path) -> Value {
    let steps: Vec<Value> = one
        .steps()
        .iter()
        .map(|step| json!({ "leg": step.leg.name(), "through": step.power.name, "place": step.power.place.to_string() }))
        .collect();
    json!({ "sentence": one.sentence, "steps": steps })
}

fn labels(legs: portcullis::Exposure) -> Vec<&'static str> {
    legs.iter().map(portcullis::Label::name).collect()
}
