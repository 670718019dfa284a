//! Runs everything that stands behind the verified claims, and keeps what it was run on.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Limit, stream};
use crate::root::root;
use crate::{Failure, claims, rocq};

/// What of the evidence to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    rocq: rocq::Args,
}

/// The parts that are programs: a name, and a command that succeeds exactly when the part holds.
const PARTS: [(&str, &[&str]); 3] = [
    (
        "laws, by the prover",
        &[
            "cargo",
            "run",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "prove",
        ],
    ),
    (
        "laws, exhaustive and random",
        &[
            "cargo",
            "test",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "portcullis-laws",
        ],
    ),
    (
        "interleavings",
        &[
            "cargo",
            "test",
            "--release",
            "--locked",
            "--quiet",
            "--manifest-path",
            "models/loom/Cargo.toml",
        ],
    ),
];

/// Runs all of it; true when all of it holds. Only then is `claims.lock` written.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let mut rows = Vec::new();
    for (name, command) in PARTS {
        let began = Instant::now();
        rows.push((name, holds(command), began.elapsed()));
    }
    let began = Instant::now();
    rows.push((
        "model, joined and compared",
        rocq::run(&args.rocq)?,
        began.elapsed(),
    ));
    println!();
    for (name, holds, time) in &rows {
        let word = if *holds { "holds" } else { "DOES NOT HOLD" };
        println!("{name:<30} {word:<14} {:>7.1} s", time.as_secs_f64());
    }
    let is_green = rows.iter().all(|(_, holds, _)| *holds);
    if is_green {
        claims::record()?;
    }
    Ok(is_green && claims::run(&claims::Args::check())?)
}

fn holds(words: &[&str]) -> bool {
    let Some((program, args)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    stream(&mut command, Limit(Duration::from_secs(900)), |line| {
        println!("{line}")
    })
    .is_success()
}
