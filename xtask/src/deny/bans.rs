//! Refuses crates that are banned by name.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::metadata::Metadata;

/// Crates that must not be in the graph, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ban {
    names: BTreeSet<String>,
    why: String,
}

/// Every package's name against the bans.
pub(super) fn check(bans: &[Ban], metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &metadata.packages {
        for ban in bans.iter().filter(|ban| ban.names.contains(&package.name)) {
            let (name, version) = (&package.name, &package.version);
            findings.push(format!("`{name}` {version} is banned: {}", ban.why));
        }
    }
    findings
}
