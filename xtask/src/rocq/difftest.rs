//! Runs the model that was extracted from the checked proofs against the Rust engine.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{LIMIT, said};
use crate::Failure;
use crate::process::stream;
use crate::root::root;

/// How many random traces, and from which seed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Random traces beside the exhaustive cases
    #[arg(long, default_value_t = 2_000_000)]
    traces: u64,
    /// The seed that names the traces
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Compares the two; true when they agree everywhere.
pub(super) fn run(directory: &Path, args: &Args) -> Result<bool, Failure> {
    let model = build(directory)?;
    let mut command = Command::new("cargo");
    command
        .args([
            "run",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "difftest",
            "--",
        ])
        .arg(model)
        .args([
            "--traces",
            &args.traces.to_string(),
            "--seed",
            &args.seed.to_string(),
        ])
        .current_dir(root());
    let ending = stream(&mut command, LIMIT, |line| println!("difftest: {line}"));
    Ok(ending.is_success())
}

/// Compiles the extracted program with its driver.
pub(super) fn build(directory: &Path) -> Result<std::path::PathBuf, Failure> {
    let driver = root().join("proofs/difftest/model/driver.ml");
    fs::copy(driver, directory.join("driver.ml"))?;
    let mut command = Command::new("ocamlfind");
    command
        .args([
            "ocamlopt", "-w", "-a", "-alert", "--all", "-unsafe", "-inline", "200",
        ])
        .args(["model.mli", "model.ml", "driver.ml", "-o", "model"])
        .current_dir(directory);
    said(&mut command).map_err(|said| format!("the extracted model does not compile: {said}"))?;
    Ok(directory.join("model"))
}
