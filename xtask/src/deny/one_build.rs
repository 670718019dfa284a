//! Refuses features that a package built alone has otherwise than the whole workspace: each such dependency, and
//! all that stands on it, would be compiled twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::Failure;

/// Which packages are built alone somewhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    packages: Vec<String>,
    /// The package that asks for the features that are missing.
    asked_by: String,
}

/// Asks cargo for the features of each package alone and of the workspace.
pub(super) fn check(rule: &Rule, root: &Path) -> Result<Vec<String>, Failure> {
    let whole = tree(root, &["--workspace", "--edges", "features"])?;
    let mut findings = Vec::new();
    for package in &rule.packages {
        let own = tree(root, &["--package", package, "--edges", "features,no-dev"])?;
        findings.extend(compare(package, &own, &whole, &rule.asked_by));
    }
    Ok(findings)
}

fn tree(root: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("cargo")
        .args([
            "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}",
        ])
        .args(arguments)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn compare(package: &str, own: &str, whole: &str, asked_by: &str) -> Vec<String> {
    let whole = builds(whole);
    let own = builds(own);
    let missing = own.difference(&whole);
    missing
        .map(|(name, features)| {
            format!(
                "`{name}` is built a second time for `{package}` alone, with the features [{features}]: make `{asked_by}` ask for those of the workspace"
            )
        })
        .collect()
}

/// Each package with its features.
fn builds(tree: &str) -> BTreeSet<(&str, &str)> {
    let lines = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    lines.filter_map(|line| line.split_once('|')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str =
        "one v1.0.0|default,std\ntwo feature \"std\"\ntwo v0.1.0|\ntwo v0.1.0|std (*)\n";

    #[test]
    fn a_package_with_other_features_alone_is_named() {
        let found = compare("cli", "one v1.0.0|std\ntwo v0.1.0|std\n", WHOLE, "hack");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(
            "`one v1.0.0` is built a second time for `cli` alone, with the features [std]"
        ));
    }

    #[test]
    fn the_same_features_are_accepted() {
        let own = "two v0.1.0|std\none v1.0.0|default,std (*)\ntwo v0.1.0|\n";
        assert_eq!(compare("cli", own, WHOLE, "hack"), Vec::<String>::new());
    }
}
