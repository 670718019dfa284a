//! Scores the configuration scanner on labelled files; the thresholds are the example's own.

use std::path::PathBuf;
use std::process::Command;

use crate::Failure;
use crate::root::root;

/// Where the labelled collection is, unless said otherwise: beside the checkout, as it is not ours to ship.
const COLLECTION: &str = "../shared/agent-configs";

/// Arguments of `audit-eval`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A labelled collection: `labels.jsonl` and `files/ID/`
    #[arg(long, value_name = "DIR", default_value = COLLECTION)]
    collection: PathBuf,
    /// Name every file on which labels and findings differ
    #[arg(long)]
    verbose: bool,
}

/// Runs the scoring; true when every case and every threshold holds.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let mut command = Command::new("cargo");
    command
        .args([
            "run",
            "--quiet",
            "--release",
            "--locked",
            "-p",
            "nucleus-scan",
            "--example",
            "audit_eval",
            "--",
        ])
        .arg("corpus/scan")
        .arg(&args.collection)
        .args(args.verbose.then_some("verbose"))
        .current_dir(root());
    let status = command.status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        other => Err(format!("the scoring could not be done ({other:?})").into()),
    }
}
