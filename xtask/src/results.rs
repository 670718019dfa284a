//! Keeps what a chore measured as one file named after the commit it was measured on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use serde_json::Value;

use crate::Failure;
use crate::root::root;

/// Version of the result files' shape.
const VERSION: u32 = 1;

#[derive(Debug, Serialize)]
struct Results<'a> {
    version: u32,
    commit: &'a str,
    /// Whether tracked files differed from the commit.
    is_dirty: bool,
    date_utc: String,
    machine: Machine,
    results: &'a [Value],
}

#[derive(Debug, Serialize)]
struct Machine {
    kernel: String,
    processor: String,
    cores: usize,
    rustc: String,
}

/// Writes `DIRECTORY/COMMIT.json` below the root and returns its path.
///
/// A tree that differs from its commit is written as `COMMIT-dirty.json`, so that a result
/// never claims a commit it was not measured on.
pub(crate) fn keep(directory: &str, results: &[Value]) -> Result<PathBuf, Failure> {
    let commit = said("git", &["rev-parse", "--short=12", "HEAD"])
        .ok_or("`git rev-parse` failed: results are named after a commit")?;
    let status = said("git", &["status", "--porcelain", "--untracked-files=no"]);
    let is_dirty = status.is_none_or(|status| !status.is_empty());
    let content = Results {
        version: VERSION,
        commit: &commit,
        is_dirty,
        date_utc: said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap_or_default(),
        machine: machine(),
        results,
    };
    let suffix = if is_dirty { "-dirty" } else { "" };
    let path = root()
        .join(directory)
        .join(format!("{commit}{suffix}.json"));
    write(&path, &serde_json::to_string_pretty(&content)?)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    Ok(fs::write(path, format!("{text}\n"))?)
}

fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    Machine {
        kernel: said("uname", &["-sr"]).unwrap_or_default(),
        processor: model
            .unwrap_or_default()
            .trim_start_matches([' ', '\t', ':'])
            .to_owned(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        rustc: said("rustc", &["--version"]).unwrap_or_default(),
    }
}

/// What a command printed, trimmed; none when it failed.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(root())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The JSON objects among a command's lines; what is not one is talk.
pub(crate) fn object(line: &str) -> Option<Value> {
    let line = line.trim();
    if !line.starts_with('{') {
        return None;
    }
    serde_json::from_str(line).ok()
}
