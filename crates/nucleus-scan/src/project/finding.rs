//! Findings of the combination analysis.

use portcullis::Label;

use super::power::{Origin, Power};
use super::{Path, Projection};
use crate::hash::short_hex;
use crate::model::{Evidence, FileName, Finding, Fix, RuleId, Scope};
use crate::rules::{TRIFECTA_COMPLETE, UNKNOWN_SERVER, rule};

/// The finding of a complete trifecta among some powers of an agent.
pub(crate) fn complete(
    projection: &Projection,
    powers: &[&Power],
    path: Path,
    scope: Scope,
) -> Finding {
    let mut finding = finding(
        TRIFECTA_COMPLETE,
        projection,
        scope,
        path.sentence.clone(),
        evidence(&path),
        cut(powers),
    );
    finding.path = Some(Box::new(path));
    finding
}

/// One note for each server that is not in the catalog.
pub(crate) fn unknown_servers<'a>(
    projection: &'a Projection,
    scope_of: impl Fn(&FileName) -> Scope + 'a,
) -> impl Iterator<Item = Finding> + 'a {
    let others = projection.legs;
    let is_unknown = |power: &&Power| power.is_server() && !power.is_known();
    projection.powers.iter().filter(is_unknown).map(move |power| {
        let then = if others.is_trifecta() { "" } else { "; if it is, the trifecta is complete" };
        let what = match &power.origin {
            Origin::Named(_) => "is in the tool catalog by its name alone, which proves nothing",
            _ => "is not in the tool catalog",
        };
        let reason = format!(
            "`{}` {what}, so it counts as the worst case: it may read private data, bring in a stranger's words and send data out{then}",
            power.name
        );
        let evidence = vec![Evidence { place: power.place.clone(), shown: power.shown.clone() }];
        let way_out = "Run it behind `nucleus run`, where every call of an unknown tool asks, or describe its tools in the catalog.";
        let scope = scope_of(&power.place.file);
        finding(UNKNOWN_SERVER, projection, scope, reason, evidence, way_out.to_owned())
    })
}

fn evidence(path: &Path) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = Vec::new();
    for step in path.steps() {
        let found = Evidence {
            place: step.power.place.clone(),
            shown: step.power.shown.clone(),
        };
        if !evidence.contains(&found) {
            evidence.push(found);
        }
    }
    evidence.sort();
    evidence
}

/// The cut that costs least: the leg with the fewest suppliers, all of them named; of two alike, the later step.
fn cut(powers: &[&Power]) -> String {
    let suppliers = |leg: Label| -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for power in powers.iter().filter(|power| power.legs.contains(leg)) {
            if !names.contains(&power.name.as_str()) {
                names.push(&power.name);
            }
        }
        names
    };
    let legs = [
        Label::ExfilVector,
        Label::PrivateData,
        Label::UntrustedContent,
    ];
    let least = legs
        .into_iter()
        .min_by_key(|leg| suppliers(*leg).len())
        .unwrap_or(Label::ExfilVector);
    let names: Vec<String> = suppliers(least)
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let names = names.join(" and ");
    let how = match least {
        Label::ExfilVector => format!("Deny what sends in {names}"),
        Label::PrivateData => format!("Deny what reads private data in {names}"),
        Label::UntrustedContent => format!("Deny what brings in a stranger's words in {names}"),
    };
    format!(
        "{how}, or remove it, and the path is cut; or run the agent under `nucleus run`, which asks before the last step."
    )
}

fn finding(
    rule_id: RuleId,
    projection: &Projection,
    scope: Scope,
    reason: String,
    evidence: Vec<Evidence>,
    way_out: String,
) -> Finding {
    let file = evidence
        .first()
        .map_or("", |first| first.place.file.shown.as_str());
    let mut parts = vec![rule_id.0, file];
    parts.extend(evidence.iter().map(|one| one.shown.as_str()));
    let fingerprint = short_hex(&parts, 12);
    Finding {
        rule: rule_id,
        severity: rule(rule_id).map_or(crate::model::Severity::Note, |rule| rule.severity),
        reason,
        fix: Some(Fix {
            summary: way_out,
            edits: Vec::new(),
            unpinned: Vec::new(),
            variables: Vec::new(),
        }),
        client: projection.client,
        agent: None,
        scope,
        suppressed: None,
        fingerprint,
        evidence,
        path: None,
    }
}
