//! Refuses a package that is neither of this workspace nor of the default registry.

use std::collections::BTreeSet;

use crate::metadata::{Metadata, Package};

/// Every package's source. The default registry is whatever cargo takes for a dependency
/// that names none, so no address is written down here.
pub(super) fn check(metadata: &Metadata) -> Vec<String> {
    let mut findings = other_registries(metadata);
    let default = default_registry(metadata);
    findings.extend(
        metadata
            .packages
            .iter()
            .filter_map(|package| judge(metadata, &default, package)),
    );
    findings
}

fn default_registry(metadata: &Metadata) -> BTreeSet<&str> {
    let declared = metadata.members().flat_map(|package| &package.dependencies);
    let unnamed = declared.filter(|dependency| dependency.registry.is_none());
    let sources = unnamed.filter_map(|dependency| dependency.source.as_deref());
    sources
        .filter(|source| source.starts_with("registry+"))
        .collect()
}

fn other_registries(metadata: &Metadata) -> Vec<String> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        for dependency in package.dependencies.iter().filter(|d| d.registry.is_some()) {
            findings.push(format!(
                "`{}` asks another registry for `{}`",
                package.name, dependency.name
            ));
        }
    }
    findings
}

fn judge(metadata: &Metadata, default: &BTreeSet<&str>, package: &Package) -> Option<String> {
    let (name, version) = (&package.name, &package.version);
    match &package.source {
        None if metadata.workspace_members.contains(&package.id) => None,
        None => Some(format!(
            "`{name}` {version} is a path outside the workspace"
        )),
        Some(source) if default.contains(source.as_str()) => None,
        Some(source) => Some(format!("`{name}` {version} comes from `{source}`")),
    }
}
