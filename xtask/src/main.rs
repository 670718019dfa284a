//! Runs the project's own gates; each exits 0 only when everything it looked at holds.

mod agents;
mod arrows;
mod audit_eval;
mod bench;
mod claims;
mod deny;
mod fuzz;
mod gaps;
mod lane;
mod metadata;
mod mutants;
mod process;
mod prove;
mod results;
mod rocq;
mod root;
mod source;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// An error that stops a chore: shown to the caller as it is.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The project's own chores.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run every step of a lane and end with `N passed, N failed, N skipped`
    Test(test::Args),
    /// Check that crates import only crates of a lower level
    Arrows,
    /// Check licences, bans, sources, single generations and advisories
    Deny,
    /// Check that every test and bench the documents name exists
    Gaps,
    /// Run everything behind the verified claims: laws, tests, model, comparison, interleavings
    Prove(prove::Args),
    /// Render the page of verified claims, or check it and its evidence
    Claims(claims::Args),
    /// Check the Rocq model: compiled, without assumptions, joined to the laws
    Rocq(rocq::Args),
    /// Measure the laws and the tests by the mutants of portcullis that they notice
    Mutants(mutants::Args),
    /// Run the benches and judge them by their targets
    Bench(bench::Args),
    /// Run every fuzz target for a while
    Fuzz(fuzz::Args),
    /// Run the large agents and keep the result with the commit's name
    Agents(agents::Args),
    /// Score the configuration scanner on labelled files, and print a table by rule
    AuditEval(audit_eval::Args),
    /// Run the built tests as an ordinary user made for this run (root only)
    #[command(hide = true)]
    UserLane(lane::Args),
}

fn main() -> ExitCode {
    let outcome = match Args::parse().chore {
        Chore::Test(args) => test::run(&args),
        Chore::Arrows => arrows::run(),
        Chore::Deny => deny::run(),
        Chore::Gaps => gaps::run(),
        Chore::Prove(args) => prove::run(&args),
        Chore::Claims(args) => claims::run(&args),
        Chore::Rocq(args) => rocq::run(&args),
        Chore::Mutants(args) => mutants::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Agents(args) => agents::run(&args),
        Chore::AuditEval(args) => audit_eval::run(&args),
        Chore::UserLane(args) => lane::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

/// Prints what a gate found and says whether it holds.
fn report(gate: &str, looked_at: &str, findings: &[String]) -> bool {
    for finding in findings {
        println!("{gate}: {finding}");
    }
    match findings.len() {
        0 => println!("{gate}: ok ({looked_at})"),
        count => println!("{gate}: {count} finding(s) ({looked_at})"),
    }
    findings.is_empty()
}
