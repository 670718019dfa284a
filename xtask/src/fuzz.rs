//! Runs every fuzz target for a while; one build, the committed corpus first, and a planted fault that must be found.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use crate::process::{Limit, stream};
use crate::root::{read, root};
use crate::{Failure, report};

/// The workspace of the targets.
const WORKSPACE: &str = "fuzz";
/// The target whose fault shows that the fuzzer is guided.
const PLANTED: &str = "planted";
/// How long the planted fault may take.
const PLANTED_S: u64 = 120;
/// Coverage counters for libFuzzer, with the flags of the stable compiler.
const FLAGS: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Which targets to run, and for how long.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only these targets
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// The way through the inputs; a longer run takes another
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Add what reaches new code to the committed corpus
    #[arg(long)]
    keep: bool,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    bin: Vec<Bin>,
}

#[derive(Debug, Deserialize)]
struct Bin {
    name: String,
}

/// Builds once and runs each target; true when none failed and the planted fault was found.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let all = targets()?;
    if let Some(name) = args.targets.iter().find(|name| !all.contains(name)) {
        return Err(format!("no fuzz target is called `{name}`: {}", all.join(" ")).into());
    }
    let built = build()?;
    let is_wanted = |name: &&String| args.targets.is_empty() || args.targets.contains(name);
    let mut findings = Vec::new();
    for name in all.iter().filter(is_wanted) {
        let target = Target {
            name,
            built: &built,
            seed: args.seed,
        };
        let found = if name == PLANTED {
            target.must_fail()
        } else {
            target.must_hold(args)
        };
        findings.extend(found?);
    }
    Ok(report(
        "fuzz",
        &format!("{} targets, {} s each", all.len(), args.seconds),
        &findings,
    ))
}

/// The names of all targets.
fn targets() -> Result<Vec<String>, Failure> {
    let manifest: Manifest = toml::from_str(&read(&root().join(WORKSPACE).join("Cargo.toml"))?)?;
    Ok(manifest.bin.into_iter().map(|bin| bin.name).collect())
}

/// The directory of the built targets.
fn build() -> Result<PathBuf, Failure> {
    let triple = host_triple()?;
    let mut command = Command::new("cargo");
    command
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--bins",
            "--target",
            &triple,
        ])
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"))
        .env_remove("CARGO_TARGET_DIR")
        .current_dir(root().join(WORKSPACE));
    let ending = stream(&mut command, Limit(Duration::from_secs(1800)), |line| {
        eprintln!("{line}")
    });
    if !ending.is_success() {
        return Err(format!("the fuzz targets do not build: {ending}").into());
    }
    Ok(root()
        .join(WORKSPACE)
        .join("target")
        .join(triple)
        .join("release"))
}

fn host_triple() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("`rustc -vV` names no host")?.to_owned())
}

/// One built target.
struct Target<'a> {
    name: &'a str,
    built: &'a Path,
    seed: u32,
}

impl Target<'_> {
    /// Runs over the corpus, then for the time given; says what failed.
    fn must_hold(&self, args: &Args) -> Result<Option<String>, Failure> {
        let corpus = root().join(WORKSPACE).join("corpus").join(self.name);
        let count = fs::read_dir(&corpus).map_or(0, Iterator::count);
        if count == 0 {
            return Ok(Some(format!(
                "{WORKSPACE}/corpus/{} has no file to begin with",
                self.name
            )));
        }
        let fresh = tempfile::tempdir()?;
        let into = if args.keep {
            corpus.clone()
        } else {
            fresh.path().to_owned()
        };
        let (is_success, said) = self.fuzz(&[&into, &corpus], args.seconds);
        let runs = said
            .iter()
            .rev()
            .find(|line| line.starts_with("Done "))
            .cloned();
        println!(
            "fuzz: {:<22} {count} files, {}",
            self.name,
            runs.as_deref().unwrap_or("did not end by itself")
        );
        if is_success && runs.is_some() {
            return Ok(None);
        }
        let tail: Vec<&str> = said
            .iter()
            .rev()
            .take(12)
            .rev()
            .map(String::as_str)
            .collect();
        Ok(Some(format!("{} failed:\n{}", self.name, tail.join("\n"))))
    }

    /// The planted fault is found from nothing.
    fn must_fail(&self) -> Result<Option<String>, Failure> {
        let fresh = tempfile::tempdir()?;
        let (_, said) = self.fuzz(&[fresh.path()], PLANTED_S);
        let is_found = said.iter().any(|line| line.contains("planted"));
        println!(
            "fuzz: {:<22} {}",
            self.name,
            if is_found { "found" } else { "NOT FOUND" }
        );
        Ok((!is_found).then(|| {
            format!("the planted fault was not found in {PLANTED_S} s: coverage guides nothing")
        }))
    }

    fn fuzz(&self, directories: &[&Path], seconds: u64) -> (bool, Vec<String>) {
        let artifacts = root().join("target/xtask/fuzz").join(self.name);
        let _ = fs::create_dir_all(&artifacts);
        let mut command = Command::new(self.built.join(self.name));
        command
            .arg(format!("-max_total_time={seconds}"))
            .arg("-timeout=10")
            // The same way through the inputs in every run, so that a run that passed passes again.
            .arg(format!("-seed={}", self.seed))
            .arg("-rss_limit_mb=2048")
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args(directories);
        let mut said = Vec::new();
        let limit = Limit(Duration::from_secs(seconds * 3 + 120));
        let ending = stream(&mut command, limit, |line| said.push(line.to_owned()));
        (ending.is_success(), said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_begins_with_a_corpus() {
        let names = targets().unwrap();
        assert!(names.len() >= 8 && names.iter().any(|name| name == PLANTED));
        for name in names.iter().filter(|name| *name != PLANTED) {
            let corpus = root().join(WORKSPACE).join("corpus").join(name);
            assert!(
                fs::read_dir(&corpus).is_ok_and(|mut files| files.next().is_some()),
                "{name}"
            );
        }
    }

    #[test]
    fn every_source_of_a_target_is_built() {
        let names = targets().unwrap();
        for entry in fs::read_dir(root().join(WORKSPACE).join("fuzz_targets")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            assert!(names.contains(&name), "{name} is in no [[bin]]");
        }
    }
}
