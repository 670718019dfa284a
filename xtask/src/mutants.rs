//! Measures the laws and the tests by the mutants of `portcullis` and `portcullis-text` that they notice.
//!
//! `proofs/mutants/HASH.json` says, for each file, which mutants nobody noticed; HASH is that of the sources it was
//! measured on. `proofs/mutants/survivors.toml` gives the reason of each, and of each file that was not measured.
//! A result of other sources, a survivor without a reason and a reason without its survivor fail the check.

mod kept;
mod tool;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kept::{Listed, Results};

use crate::process::Limit;
use crate::root::{read, root};
use crate::{Failure, claims, report};

/// What is mutated, with the tables that it embeds.
const SOURCES: [&str; 2] = ["crates/portcullis/src", "crates/portcullis-text/src"];
/// Where results and reasons are kept.
const KEPT: &str = "proofs/mutants";
const SURVIVORS: &str = "survivors.toml";

/// Which files to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run nothing: fail when the kept result is of other sources, or a survivor has no reason
    #[arg(long)]
    check: bool,
    /// Measure every file anew, without a limit of time
    #[arg(long, conflicts_with = "check")]
    all: bool,
    /// Stop after so many seconds; files that are not done by then count as not measured
    #[arg(long, default_value_t = 480)]
    limit_s: u64,
    /// Measure these files; without any, those that changed since they were measured
    #[arg(value_name = "FILE", conflicts_with_all = ["check", "all"])]
    files: Vec<String>,
}

/// Measures and keeps, or checks; true when nothing was found.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let now = Sources::now()?;
    let (kept, hashes) = load()?;
    let listed: Listed = toml::from_str(&read(&root().join(KEPT).join(SURVIVORS))?)?;
    let asked: Vec<String> = if args.check {
        Vec::new()
    } else if args.all {
        now.rust().cloned().collect()
    } else if args.files.is_empty() {
        kept.changed(&now.files)
    } else {
        args.files.clone()
    };
    if let Some(stranger) = asked.iter().find(|file| !now.files.contains_key(*file)) {
        return Err(format!("`{stranger}` is no file of {}", SOURCES.join(" or ")).into());
    }
    let kept = if args.check || (asked.is_empty() && hashes == [now.hash.clone()]) {
        if !args.check {
            println!("mutants: nothing changed since the kept result: nothing to run");
        }
        kept
    } else {
        let limit = if args.all {
            Duration::from_secs(24 * 3600)
        } else {
            Duration::from_secs(args.limit_s)
        };
        let measured = tool::measure(&asked, &now.files, Limit(limit))?;
        let merged = kept.with(measured, &now.files);
        keep(&merged, &now.hash)?;
        merged
    };
    let mut findings = kept.findings(&listed, &now.files);
    // The result that is committed is judged, not the one that was just made.
    if hashes != [now.hash.clone()] {
        findings.push(format!(
            "{KEPT} holds the result of other sources ({}), not of {}: `cargo xtask mutants`, then commit it",
            hashes.join(" "),
            now.hash
        ));
    }
    Ok(report("mutants", &kept.summary(), &findings))
}

/// The sources as they are.
#[derive(Debug)]
struct Sources {
    hash: String,
    /// Hash of each file, tables included.
    files: BTreeMap<String, String>,
}

impl Sources {
    fn now() -> Result<Self, Failure> {
        let mut files = BTreeMap::new();
        for sources in SOURCES {
            claims::hash_all(Path::new(sources), &mut files)?;
        }
        Ok(Self {
            hash: kept::hash_of(&files),
            files,
        })
    }

    fn rust(&self) -> impl Iterator<Item = &String> {
        self.files.keys().filter(|file| file.ends_with(".rs"))
    }
}

/// The kept result, and the hashes that the files of results are named after.
fn load() -> Result<(Results, Vec<String>), Failure> {
    let paths = results()?;
    let hashes = paths
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()));
    let kept = match paths.last() {
        Some(path) => serde_json::from_str(&read(path)?)?,
        None => Results::default(),
    };
    Ok((kept, hashes.collect()))
}

fn results() -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(root().join(KEPT))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Writes the result under its hash, in place of all others.
fn keep(results_now: &Results, hash: &str) -> Result<(), Failure> {
    for old in results()? {
        fs::remove_file(old)?;
    }
    let path = root().join(KEPT).join(format!("{hash}.json"));
    fs::write(&path, serde_json::to_string_pretty(results_now)? + "\n")?;
    println!("mutants: `{}` written: commit it", path.display());
    Ok(())
}
