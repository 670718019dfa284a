//! Runs every step of a lane, one after another, and ends with one line of counts.
//!
//! A failing step does not stop the ones after it. Under `CI=true` a skip fails the run,
//! except data of `../shared`, which is counted, named and allowed. The last line is
//! `N passed, N failed, N skipped (missing: …)`; the one before it has the counts alone.

mod counts;
mod needs;
mod steps;

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::Failure;
use counts::Tally;
use needs::Needs;
use steps::{Outcome, Step};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `fast`: gates and tests; `full`: everything this machine can run
    #[arg(long, value_enum, default_value_t = Lane::Full)]
    lane: Lane,
    /// Run only the steps of these names
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Seconds after which the steps that are left are failed instead of run
    #[arg(long, value_name = "SECONDS", default_value_t = 3_900)]
    total_limit_s: u64,
    /// Show the whole output of every step, not only of the failing ones
    #[arg(long)]
    verbose: bool,
}

/// How much to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Lane {
    Fast,
    Full,
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Full => "full",
        })
    }
}

/// Runs the lane; true when nothing failed and, in CI, nothing was skipped without leave.
pub(crate) fn run(args: &Args) -> Result<bool, Failure> {
    let started = Instant::now();
    let steps = steps::of_lane(args.lane, &args.only)?;
    let needs = Needs::provide(args.lane)?;
    let mut done: Vec<(Step, Outcome)> = Vec::new();
    for step in steps {
        let left = Duration::from_secs(args.total_limit_s).saturating_sub(started.elapsed());
        let outcome = step.run(&needs, left, args.verbose);
        println!("{}", outcome.line(&step));
        done.push((step, outcome));
    }
    print_table(&done, started.elapsed());
    let mut total = Tally::default();
    for (_, outcome) in done {
        total.add(outcome.tally);
    }
    Ok(close(&total, is_ci()))
}

/// Whether the run is one that must not skip.
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn print_table(done: &[(Step, Outcome)], elapsed: Duration) {
    println!(
        "\n{:<14} {:<5} {:>9} {:>7} {:>7} {:>8}",
        "step", "lane", "seconds", "passed", "failed", "skipped"
    );
    for (step, outcome) in done {
        let tally = &outcome.tally;
        println!(
            "{:<14} {:<5} {:>9.1} {:>7} {:>7} {:>8}",
            step.name,
            step.lane.to_string(),
            outcome.elapsed.as_secs_f64(),
            tally.passed,
            tally.failures.len(),
            tally.skips.len()
        );
    }
    println!("{:<14} {:<5} {:>9.1}\n", "all", "", elapsed.as_secs_f64());
}

/// Prints the details and the closing lines; true when the run counts as green.
fn close(total: &Tally, is_ci: bool) -> bool {
    for failure in &total.failures {
        println!("failed: {failure}");
    }
    for skip in &total.skips {
        println!("skipped: {} (missing: {})", skip.test, skip.missing);
    }
    let without_leave = total.skips.iter().filter(|skip| !skip.is_allowed()).count();
    if is_ci && without_leave > 0 {
        println!("CI: {without_leave} skip(s) of what this machine should be able to run");
    }
    println!("{}", total.counts());
    println!("{} (missing: {})", total.counts(), total.missing());
    total.failures.is_empty() && !(is_ci && without_leave > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counts::Skip;

    fn skipping(missing: &str) -> Tally {
        let skip = Skip {
            test: "t".to_owned(),
            missing: missing.to_owned(),
        };
        Tally {
            passed: 1,
            failures: Vec::new(),
            skips: vec![skip],
        }
    }

    #[test]
    fn a_skip_fails_in_ci_only() {
        assert!(close(&skipping("bubblewrap"), false));
        assert!(!close(&skipping("bubblewrap"), true));
    }

    #[test]
    fn data_beside_the_clone_may_be_missing_in_ci() {
        assert!(close(&skipping("../shared/agentdojo"), true));
    }

    #[test]
    fn a_failure_fails_everywhere() {
        let tally = Tally {
            passed: 9,
            failures: vec!["tests: a".to_owned()],
            skips: Vec::new(),
        };
        assert!(!close(&tally, false));
    }
}
