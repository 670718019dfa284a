//! Refuses a second provider of one thing and a second generation of one crate.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::metadata::{Metadata, Package};

/// Crates that do the same job; at most one may be linked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Family {
    name: String,
    members: BTreeSet<String>,
}

/// A second generation that is allowed, and only for these dependents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    name: String,
    version: semver::VersionReq,
    wanted_by: BTreeSet<String>,
    #[expect(
        dead_code,
        reason = "required of whoever adds an exception, read by people"
    )]
    why: String,
}

impl Exception {
    fn covers(&self, metadata: &Metadata, package: &Package) -> bool {
        let dependents = metadata.dependents(&package.id);
        self.name == package.name
            && self.version.matches(&package.version)
            && dependents.iter().all(|name| self.wanted_by.contains(*name))
    }
}

/// Families with more than one member in the graph.
pub(super) fn families(families: &[Family], metadata: &Metadata) -> Vec<String> {
    let present: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut findings = Vec::new();
    for family in families {
        let found: Vec<&str> = family
            .members
            .iter()
            .map(String::as_str)
            .filter(|m| present.contains(m))
            .collect();
        if found.len() > 1 {
            findings.push(format!(
                "more than one {}: {}",
                family.name,
                found.join(", ")
            ));
        }
    }
    findings
}

/// Crates in more than one version, less the exceptions; and exceptions without a use.
pub(super) fn one_each(
    names: &BTreeSet<String>,
    exceptions: &[Exception],
    metadata: &Metadata,
) -> Vec<String> {
    let mut findings: Vec<String> = names
        .iter()
        .filter_map(|name| twice(name, exceptions, metadata))
        .collect();
    for exception in exceptions {
        let matches =
            |p: &Package| p.name == exception.name && exception.version.matches(&p.version);
        if !metadata.packages.iter().any(matches) {
            findings.push(format!(
                "the exception for `{}` {} matches nothing: remove it",
                exception.name,
                exception.version.to_string().trim_start_matches('^'),
            ));
        }
    }
    findings
}

fn twice(name: &str, exceptions: &[Exception], metadata: &Metadata) -> Option<String> {
    let mut counted: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(|package| package.name == name)
        .filter(|package| !exceptions.iter().any(|e| e.covers(metadata, package)))
        .collect();
    if counted.len() < 2 {
        return None;
    }
    counted.sort_by(|a, b| a.version.cmp(&b.version));
    let last = counted.pop()?;
    let rest: Vec<String> = counted
        .iter()
        .map(|package| package.version.to_string())
        .collect();
    let dependents: Vec<&str> = metadata.dependents(&last.id).into_iter().collect();
    Some(format!(
        "`{name}` is linked twice: {}, and {} wanted by {}",
        rest.join(", "),
        last.version,
        dependents.join(", ")
    ))
}
