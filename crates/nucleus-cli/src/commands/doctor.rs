//! `nucleus doctor`: every kernel feature a session uses, with the fix for each that is missing.

use nucleus_jail::{Feature, probe_host};
use serde_json::json;

use crate::report::{Failure, NOT_STARTED};
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Arguments of `nucleus doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command; exit code 125 when a session could not start here.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let support = probe_host();
    if args.json {
        let features: Vec<_> = support.features.iter().map(as_json).collect();
        anstream::println!(
            "{:#}",
            json!({ "version": 1, "sufficient": support.is_sufficient(), "features": features })
        );
    } else {
        support.features.iter().for_each(print);
        anstream::println!();
        if support.is_sufficient() {
            anstream::println!(
                "{} `nucleus run --local` can start here",
                paint(GOOD, "ok:")
            );
        } else {
            let line = "a session cannot start here until what is marked missing is there";
            anstream::println!("{} {line}", paint(BAD, "no:"));
        }
    }
    Ok(if support.is_sufficient() {
        0
    } else {
        NOT_STARTED
    })
}

fn print(feature: &Feature) {
    match &feature.found {
        Ok(how) => anstream::println!(
            "{} {:<26} {}",
            paint(GOOD, "present"),
            feature.name,
            paint(DIM, how)
        ),
        Err(why) => {
            let style = if feature.is_required { BAD } else { WARN };
            anstream::println!("{} {:<26} {why}", paint(style, "missing"), feature.name);
            if !feature.fix.is_empty() {
                anstream::println!("        {:<26} {} {}", "", paint(BOLD, "fix:"), feature.fix);
            }
        }
    }
}

fn as_json(feature: &Feature) -> serde_json::Value {
    let (present, detail) = match &feature.found {
        Ok(how) => (true, how),
        Err(why) => (false, why),
    };
    json!({
        "name": feature.name, "present": present, "required": feature.is_required,
        "detail": detail, "fix": feature.fix,
    })
}
