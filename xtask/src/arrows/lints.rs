//! Refuses a member that leaves the workspace's lint table without the house saying so.

use std::path::Path;

use toml::{Table, Value};

use super::House;
use crate::Failure;
use crate::metadata::Metadata;
use crate::root::read;

/// The lint table of every member against the workspace's own.
pub(super) fn check(
    house: &House,
    metadata: &Metadata,
    root: &Path,
) -> Result<Vec<String>, Failure> {
    let workspace: Table = read(&root.join("Cargo.toml"))?.parse()?;
    let mut findings = forbids_unsafe(&workspace);
    for package in metadata.members() {
        let manifest: Table = read(Path::new(&package.manifest_path))?.parse()?;
        let may_be_unsafe = house
            .crates
            .get(&package.name)
            .is_some_and(|room| room.unsafe_code);
        findings.extend(member(&package.name, &manifest, &workspace, may_be_unsafe));
    }
    Ok(findings)
}

fn lint_table(manifest: &Table) -> Option<&Table> {
    manifest.get("workspace")?.get("lints")?.as_table()
}

fn forbids_unsafe(workspace: &Table) -> Vec<String> {
    let level = lint_table(workspace).and_then(|lints| lints.get("rust")?.get("unsafe_code"));
    if level == Some(&Value::from("forbid")) {
        return Vec::new();
    }
    vec!["the workspace does not forbid `unsafe_code`".to_owned()]
}

fn member(name: &str, manifest: &Table, workspace: &Table, may_be_unsafe: bool) -> Vec<String> {
    let lints = manifest.get("lints").and_then(Value::as_table);
    let inherits = lints.and_then(|lints| lints.get("workspace")) == Some(&Value::from(true));
    match (inherits, may_be_unsafe) {
        (true, _) => Vec::new(),
        (false, false) => vec![format!(
            "`{name}` does not inherit the workspace's lints, so it could hold `unsafe`"
        )],
        (false, true) => weaker(name, lints, workspace),
    }
}

/// The workspace's denials that a crate with a table of its own lacks.
fn weaker(name: &str, lints: Option<&Table>, workspace: &Table) -> Vec<String> {
    let Some(expected) = lint_table(workspace) else {
        return Vec::new();
    };
    let own = |group: &str, lint: &str| lints.and_then(|lints| lints.get(group)?.get(lint));
    let mut findings = Vec::new();
    for (group, table) in expected {
        for (lint, level) in table.as_table().into_iter().flatten() {
            let exempt = lint == "unsafe_code";
            if !exempt && own(group, lint) != Some(level) {
                findings.push(format!("`{name}` does not set `{group}.{lint}` to {level}"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Table {
        "[workspace.lints.rust]\nunsafe_code = 'forbid'\nmissing_docs = 'deny'"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_member_without_the_workspaces_lints_is_refused() {
        let manifest = "[lints.rust]\nmissing_docs = 'deny'".parse().unwrap();
        assert_eq!(member("nucleus", &manifest, &workspace(), false).len(), 1);
    }

    #[test]
    fn an_inheriting_member_is_accepted() {
        let manifest = "[lints]\nworkspace = true".parse().unwrap();
        assert_eq!(
            member("nucleus", &manifest, &workspace(), false),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_unsafe_crate_keeps_every_other_denial() {
        let lax = "[lints.rust]\nmissing_docs = 'warn'".parse().unwrap();
        let strict = "[lints.rust]\nmissing_docs = 'deny'".parse().unwrap();
        assert_eq!(
            member("nucleus-jail", &lax, &workspace(), true),
            ["`nucleus-jail` does not set `rust.missing_docs` to \"deny\""]
        );
        assert_eq!(
            member("nucleus-jail", &strict, &workspace(), true),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_workspace_that_allows_unsafe_is_refused() {
        let lax = "[workspace.lints.rust]\nunsafe_code = 'deny'"
            .parse()
            .unwrap();
        assert_eq!(forbids_unsafe(&lax).len(), 1);
        assert_eq!(forbids_unsafe(&workspace()), Vec::<String>::new());
    }
}
