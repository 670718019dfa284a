//! Refuses a dependency graph with a foreign licence, a banned crate, an unknown source,
//! a second provider or generation, a second build of one, or a published advisory.
//!
//! The rules are data (`xtask/deny.toml`). **Without a reachable advisory database the
//! advisories are not checked**, and the output says so.

mod advisories;
mod bans;
mod generations;
mod licences;
mod one_build;
mod sources;

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::metadata::Metadata;
use crate::{Failure, report, root};

/// The rules as data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    licences: licences::Rule,
    bans: Vec<bans::Ban>,
    families: Vec<generations::Family>,
    one_generation: Names,
    one_build: one_build::Rule,
    #[serde(default)]
    exceptions: Vec<generations::Exception>,
    advisories: advisories::Rule,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    names: BTreeSet<String>,
}

/// Checks this workspace; true when it holds.
pub(crate) fn run() -> Result<bool, Failure> {
    let rules: Rules = root::table("deny.toml")?;
    let metadata = Metadata::of(&root::root())?;
    let mut findings = check(&rules, &metadata);
    findings.extend(one_build::check(&rules.one_build, &root::root())?);
    match advisories::database(&rules.advisories)? {
        Some(directory) => {
            findings.extend(advisories::check(&rules.advisories, &metadata, &directory)?);
            println!("advisories: checked against `{}`", directory.display());
        }
        None => println!("advisories: NOT CHECKED (no advisory database here or reachable)"),
    }
    Ok(report(
        "deny",
        &format!("{} packages", metadata.packages.len()),
        &findings,
    ))
}

fn check(rules: &Rules, metadata: &Metadata) -> Vec<String> {
    let mut findings = licences::check(&rules.licences, metadata);
    findings.extend(bans::check(&rules.bans, metadata));
    findings.extend(sources::check(metadata));
    findings.extend(generations::families(&rules.families, metadata));
    findings.extend(generations::one_each(
        &rules.one_generation.names,
        &rules.exceptions,
        metadata,
    ));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(fixture: &str) -> Vec<String> {
        let path = root::root().join("xtask/fixtures/deny").join(fixture);
        let metadata = Metadata::parse(&std::fs::read(path).unwrap()).unwrap();
        check(&root::table("deny.toml").unwrap(), &metadata)
    }

    #[test]
    fn a_tidy_graph_is_accepted() {
        assert_eq!(findings("tidy.json"), Vec::<String>::new());
    }

    #[test]
    fn a_copyleft_licence_is_refused() {
        assert_eq!(
            findings("licence.json"),
            ["`viral` 1.0.0 has licence `GPL-3.0-only`, which is not allowed"]
        );
    }

    #[test]
    fn a_missing_licence_is_refused() {
        assert_eq!(
            findings("no-licence.json"),
            ["`mystery` 1.0.0 names no licence"]
        );
    }

    #[test]
    fn a_banned_crate_is_refused() {
        let found = findings("banned.json");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("`native-tls` 0.2.0 is banned: TLS is rustls over ring"));
    }

    #[test]
    fn two_tls_providers_are_refused() {
        let found = findings("two-providers.json");
        let family = "more than one TLS provider: aws-lc-rs, ring".to_owned();
        assert!(found.contains(&family), "{found:?}");
    }

    #[test]
    fn two_sqlites_are_refused() {
        assert_eq!(
            findings("two-sqlites.json"),
            ["more than one SQLite: libsqlite3-sys, turso_core"]
        );
    }

    #[test]
    fn a_git_source_is_refused() {
        assert_eq!(
            findings("git-source.json"),
            ["`patched` 1.0.0 comes from `git+https://example.com/patched#0123456`"]
        );
    }

    #[test]
    fn a_second_registry_is_refused() {
        let found = findings("second-registry.json");
        let wanted = "`nucleus` asks another registry for `inner`".to_owned();
        assert!(found.contains(&wanted), "{found:?}");
    }

    #[test]
    fn a_second_generation_wanted_by_another_crate_is_refused() {
        assert_eq!(
            findings("second-sha2.json"),
            ["`sha2` is linked twice: 0.10.9, and 0.11.1 wanted by rmcp, stranger"]
        );
    }

    #[test]
    fn an_exception_that_matches_nothing_is_refused() {
        assert_eq!(
            findings("unused-exception.json"),
            ["the exception for `sha2` 0.11 matches nothing: remove it"]
        );
    }
}
