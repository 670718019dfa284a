//! Renders what is proved and tested as one page, and refuses a claim whose evidence is missing or old.
//!
//! `claims.toml` says what is claimed, in plain English, and names the laws, theorems and tests behind it.
//! `claims.lock` is written by `cargo xtask prove` alone, after everything it runs has passed: the hashes of the files
//! it ran on, and how many laws and theorems there were. A file that changed since then, a law or theorem that is
//! gone, or a page that says something else fails the check.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::root::{read, root};
use crate::{Failure, gaps, report, rocq};

const CLAIMS: &str = "claims.toml";
const LOCK: &str = "claims.lock";
const PAGE: &str = "docs/verified-claims.md";
/// What a claim rests on whatever it says: the sources that are proved, and those that prove them.
const ALWAYS: [&str; 5] = [
    "crates/portcullis/src",
    "crates/portcullis-text/src",
    "crates/portcullis-laws/src",
    "crates/prove/src",
    rocq::MODEL,
];

/// Whether to write the page or to check it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing: fail when the page, the evidence or the hashes do not fit
    #[arg(long)]
    check: bool,
}

impl Args {
    /// The check alone.
    pub(crate) fn check() -> Self {
        Self { check: true }
    }
}

/// The claims as they are written down.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    version: u32,
    /// What every claim takes for granted.
    trusted: Vec<Named>,
    /// What nothing here claims.
    not_proved: Vec<Named>,
    claim: Vec<Claim>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    id: String,
    /// The claim in plain English.
    says: String,
    /// What it does not say.
    not: String,
    #[serde(default)]
    laws: Vec<String>,
    #[serde(default)]
    theorems: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
    /// Files beside those of the law and the model.
    #[serde(default)]
    files: Vec<String>,
}

/// What was there when the evidence was last run.
#[derive(Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    laws: BTreeSet<String>,
    theorems: BTreeSet<String>,
    files: BTreeMap<String, String>,
}

/// What can be named as evidence, with its sentence.
#[derive(Debug, Default)]
struct Evidence {
    laws: BTreeMap<String, String>,
    theorems: BTreeMap<String, String>,
}

/// Renders or checks; true when nothing was found.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let claims = load()?;
    let evidence = Evidence::load()?;
    let text = page::render(&claims, &evidence);
    let mut findings = unsupported(&claims, &evidence, &root());
    if args.check {
        let lock: Lock = toml::from_str(&read(&root().join(LOCK))?)?;
        findings.extend(stale(&lock, &Lock::now(&claims, &evidence)?));
        if read(&root().join(PAGE)).ok().as_deref() != Some(text.as_str()) {
            findings.push(format!("{PAGE} is not what `cargo xtask claims` renders"));
        }
    } else if findings.is_empty() {
        fs::write(root().join(PAGE), text)?;
    }
    let looked_at = format!(
        "{} claims, {} laws, {} theorems",
        claims.claim.len(),
        evidence.laws.len(),
        evidence.theorems.len()
    );
    Ok(report("claims", &looked_at, &findings))
}

/// Keeps what the evidence was run on; called only when all of it passed.
///
/// FAIL-CLOSED: sources that changed while it ran are an error.
pub(crate) fn record(began_with: &Lock) -> Result<(), Failure> {
    let now = Lock::of_sources()?;
    if let Some(finding) = stale(began_with, &now).first() {
        return Err(format!("while the evidence was run: {finding}").into());
    }
    let head = "# Written by `cargo xtask prove` after everything it runs has passed. Do not edit, but to give up a law or a theorem.\n\n";
    let text = format!("{head}{}", toml::to_string_pretty(&now)?);
    let path = root().join(LOCK);
    if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
        fs::write(path, text)?;
        println!("claims: {LOCK} written: commit it");
    }
    Ok(())
}

fn load() -> Result<Claims, Failure> {
    let claims: Claims = toml::from_str(&read(&root().join(CLAIMS))?)
        .map_err(|error| format!("{CLAIMS}: {error}"))?;
    if claims.version != 1 {
        return Err(format!("{CLAIMS}: version {} is unknown", claims.version).into());
    }
    Ok(claims)
}

/// Claims that nothing supports, or that name what is not there.
fn unsupported(claims: &Claims, evidence: &Evidence, root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for claim in &claims.claim {
        let mut lacks = |kind: &str, name: &str| {
            findings.push(format!(
                "the claim `{}` rests on the {kind} {name}, which is not there",
                claim.id
            ))
        };
        for law in claim
            .laws
            .iter()
            .filter(|law| !evidence.laws.contains_key(*law))
        {
            lacks("law", law);
        }
        for theorem in claim
            .theorems
            .iter()
            .filter(|name| !evidence.theorems.contains_key(*name))
        {
            lacks("theorem", theorem);
        }
        for test in claim
            .tests
            .iter()
            .filter(|test| !gaps::exists_test(test, root))
        {
            lacks("test", test);
        }
        for file in claim.files.iter().filter(|file| !root.join(file).exists()) {
            lacks("file", file);
        }
        if claim.laws.is_empty() && claim.theorems.is_empty() && claim.tests.is_empty() {
            findings.push(format!("the claim `{}` rests on nothing", claim.id));
        }
        if claim.not.trim().is_empty() {
            findings.push(format!(
                "the claim `{}` does not say what it does not say",
                claim.id
            ));
        }
    }
    findings
}

/// What differs from when the evidence was run.
fn stale(lock: &Lock, now: &Lock) -> Vec<String> {
    let gone = |kind: &str, then: &BTreeSet<String>, now: &BTreeSet<String>| -> Vec<String> {
        then.difference(now)
            .map(|name| format!("the {kind} {name} is gone since the evidence was run"))
            .collect()
    };
    let mut findings = gone("law", &lock.laws, &now.laws);
    findings.extend(gone("theorem", &lock.theorems, &now.theorems));
    let names: BTreeSet<&String> = lock.files.keys().chain(now.files.keys()).collect();
    let changed = names
        .into_iter()
        .filter(|name| lock.files.get(*name) != now.files.get(*name));
    findings.extend(changed.map(|name| {
        format!(
            "{name} changed since the evidence was run: `cargo xtask prove`, then commit {LOCK}"
        )
    }));
    findings
}

impl Lock {
    /// What is there at this moment.
    pub(crate) fn of_sources() -> Result<Self, Failure> {
        Self::now(&load()?, &Evidence::load()?)
    }

    fn now(claims: &Claims, evidence: &Evidence) -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        let named = claims
            .claim
            .iter()
            .flat_map(|claim| &claim.files)
            .map(String::as_str);
        for name in ALWAYS.into_iter().chain(named) {
            hash_all(Path::new(name), &mut files)?;
        }
        Ok(Self {
            laws: evidence.laws.keys().cloned().collect(),
            theorems: evidence.theorems.keys().cloned().collect(),
            files,
        })
    }
}

/// Adds the hash of a file, or of every source file below a directory.
pub(crate) fn hash_all(name: &Path, files: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let path = root().join(name);
    if path.is_dir() {
        for entry in fs::read_dir(&path)? {
            let child = name.join(entry?.file_name());
            let is_source = child
                .extension()
                .is_some_and(|e| ["rs", "v", "txt", "toml", "ml"].iter().any(|x| e == *x));
            if is_source || root().join(&child).is_dir() {
                hash_all(&child, files)?;
            }
        }
        return Ok(());
    }
    let bytes = fs::read(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    let mut hex = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(hex, "{byte:02x}")?;
    }
    files.insert(name.to_string_lossy().into_owned(), hex);
    Ok(())
}

impl Evidence {
    fn load() -> Result<Self, Failure> {
        Ok(Self {
            laws: rocq::law_sentences(&root().join("crates/portcullis-laws/src"))?,
            theorems: rocq::theorem_sentences(&root().join(rocq::MODEL))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(rest: &str) -> Claims {
        let text = format!(
            "version = 1\ntrusted = []\nnot_proved = []\n[[claim]]\nid = 'x'\nsays = 's'\nnot = 'n'\n{rest}"
        );
        toml::from_str(&text).unwrap()
    }

    fn evidence() -> Evidence {
        let of = |name: &str| BTreeMap::from([(name.to_owned(), String::new())]);
        Evidence {
            laws: of("law_a"),
            theorems: of("Trace.t"),
        }
    }

    fn lock(law: &str, theorem: &str, hash: &str) -> Lock {
        Lock {
            laws: BTreeSet::from([law.to_owned()]),
            theorems: BTreeSet::from([theorem.to_owned()]),
            files: BTreeMap::from([("f".to_owned(), hash.to_owned())]),
        }
    }

    #[test]
    fn a_claim_with_its_evidence_passes() {
        let claims = claims("laws = ['law_a']\ntheorems = ['Trace.t']\n");
        assert_eq!(
            unsupported(&claims, &evidence(), &root()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn missing_evidence_is_found() {
        for rest in [
            "laws = ['law_gone']",
            "theorems = ['Trace.gone']",
            "tests = ['a.rs::gone']",
            "files = ['gone']\nlaws = ['law_a']",
            "",
        ] {
            assert_eq!(
                unsupported(&claims(rest), &evidence(), &root()).len(),
                1,
                "{rest}"
            );
        }
    }

    #[test]
    fn what_changed_since_the_evidence_ran_is_found() {
        let then = lock("law_a", "Trace.t", "1");
        assert_eq!(
            stale(&then, &lock("law_a", "Trace.t", "1")),
            Vec::<String>::new()
        );
        assert!(stale(&then, &lock("law_a", "Trace.t", "2"))[0].contains("f changed"));
        assert!(stale(&then, &lock("law_b", "Trace.t", "1"))[0].contains("law_a is gone"));
        assert!(stale(&then, &lock("law_a", "Trace.u", "1"))[0].contains("Trace.t is gone"));
    }

    #[test]
    fn more_laws_are_no_finding() {
        let then = lock("law_a", "Trace.t", "1");
        let mut now = lock("law_a", "Trace.t", "1");
        now.laws.insert("law_b".to_owned());
        assert_eq!(stale(&then, &now), Vec::<String>::new());
    }
}
