//! Refuses a package that a published advisory covers, where the advisories can be read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::Failure;
use crate::metadata::{Metadata, Package};
use crate::process::{Limit, quiet};
use crate::root::{read, root};

/// Where the database is and which advisories do not concern us.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    url: String,
    fetch_limit_s: u64,
    #[serde(default)]
    ignore: Vec<Ignored>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ignored {
    id: String,
    #[expect(
        dead_code,
        reason = "required of whoever ignores an advisory, read by people"
    )]
    why: String,
}

/// The front matter of one advisory.
#[derive(Debug, Deserialize)]
struct Entry {
    advisory: Advisory,
    #[serde(default)]
    versions: Versions,
}

#[derive(Debug, Deserialize)]
struct Advisory {
    id: String,
    package: String,
    withdrawn: Option<toml::Value>,
    informational: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<semver::VersionReq>,
    #[serde(default)]
    unaffected: Vec<semver::VersionReq>,
}

/// A local database, or one fetched now; none when neither is to be had.
pub(super) fn database(rule: &Rule) -> Result<Option<PathBuf>, Failure> {
    if let Some(named) = std::env::var_os("NUCLEUS_ADVISORY_DB") {
        let directory = PathBuf::from(named);
        if !directory.join("crates").is_dir() {
            let shown = directory.display();
            return Err(format!("NUCLEUS_ADVISORY_DB `{shown}` holds no advisories").into());
        }
        return Ok(Some(directory));
    }
    let fetched = root().join("target/advisory-db");
    let found = candidates()
        .into_iter()
        .find(|directory| directory.join("crates").is_dir());
    Ok(found.or_else(|| fetch(rule, &fetched).then_some(fetched)))
}

fn candidates() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(home) = home else { return Vec::new() };
    let mut candidates = vec![home.join("advisory-db")];
    for entry in fs::read_dir(home.join("advisory-dbs"))
        .into_iter()
        .flatten()
        .flatten()
    {
        candidates.push(entry.path());
    }
    candidates
}

/// Fetches the newest database; false when this machine cannot reach it in time.
fn fetch(rule: &Rule, directory: &Path) -> bool {
    if fs::remove_dir_all(directory).is_err() && directory.exists() {
        return false;
    }
    let mut command = Command::new("git");
    command
        .args([
            "-c",
            "credential.helper=",
            "clone",
            "--quiet",
            "--depth",
            "1",
            &rule.url,
        ])
        .arg(directory)
        .env("GIT_TERMINAL_PROMPT", "0");
    quiet(&mut command, Limit(Duration::from_secs(rule.fetch_limit_s)))
        && directory.join("crates").is_dir()
}

/// Every package from a registry against the database.
pub(super) fn check(
    rule: &Rule,
    metadata: &Metadata,
    database: &Path,
) -> Result<Vec<String>, Failure> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
    {
        by_name.entry(&package.name).or_default().push(package);
    }
    let mut findings = Vec::new();
    for (name, packages) in by_name {
        for entry in entries(&database.join("crates").join(name))? {
            findings.extend(
                packages
                    .iter()
                    .filter_map(|package| judge(rule, &entry, package)),
            );
        }
    }
    Ok(findings)
}

/// The advisories of one crate; a file that does not parse is an error, never skipped.
fn entries(directory: &Path) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::new();
    for file in fs::read_dir(directory).into_iter().flatten() {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let text = read(&path)?;
            let front = front_matter(&text)
                .ok_or_else(|| format!("`{}` has no front matter", path.display()))?;
            entries.push(toml::from_str(front).map_err(|e| format!("`{}`: {e}", path.display()))?);
        }
    }
    Ok(entries)
}

fn front_matter(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("```toml")?;
    rest.split_once("```").map(|(front, _)| front)
}

fn judge(rule: &Rule, entry: &Entry, package: &Package) -> Option<String> {
    let Entry { advisory, versions } = entry;
    // An informational notice (a crate without a maintainer) is for the ban list to settle.
    let is_moot = advisory.withdrawn.is_some()
        || advisory
            .informational
            .as_deref()
            .is_some_and(|kind| kind != "unsound")
        || rule.ignore.iter().any(|ignored| ignored.id == advisory.id);
    let is_safe = versions
        .patched
        .iter()
        .chain(&versions.unaffected)
        .any(|safe| safe.matches(&package.version));
    let concerns = advisory.package == package.name && !is_moot && !is_safe;
    concerns.then(|| {
        format!(
            "`{}` {} is covered by {}",
            package.name, package.version, advisory.id
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(version: &str) -> Vec<String> {
        let json = format!(
            r#"{{"packages":[{{"id":"leaky","name":"leaky","version":"{version}",
            "source":"registry+default","license":"MIT","manifest_path":"/x","dependencies":[]}}],
            "workspace_members":[],"resolve":null}}"#
        );
        let metadata = Metadata::parse(json.as_bytes()).unwrap();
        let rule = Rule {
            url: String::new(),
            fetch_limit_s: 0,
            ignore: Vec::new(),
        };
        check(
            &rule,
            &metadata,
            &root().join("xtask/fixtures/deny/advisory-db"),
        )
        .unwrap()
    }

    #[test]
    fn an_affected_version_is_refused() {
        assert_eq!(
            found("1.2.0"),
            ["`leaky` 1.2.0 is covered by RUSTSEC-0000-0001"]
        );
    }

    #[test]
    fn patched_and_unaffected_versions_are_accepted() {
        assert_eq!(found("1.2.3"), Vec::<String>::new());
        assert_eq!(found("0.9.0"), Vec::<String>::new());
    }
}
