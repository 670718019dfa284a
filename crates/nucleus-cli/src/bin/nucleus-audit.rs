//! The command `nucleus-audit`: verifies, shows, replays and exports session logs; changes none.

#[path = "nucleus_audit/completion.rs"]
mod completion;
#[path = "nucleus_audit/export.rs"]
mod export;
#[path = "nucleus_audit/locate.rs"]
mod locate;
#[path = "nucleus_audit/outcome.rs"]
mod outcome;
#[path = "nucleus_audit/replay.rs"]
mod replay;
#[path = "nucleus_audit/show.rs"]
mod show;
#[cfg(test)]
#[path = "nucleus_audit/tests.rs"]
mod tests;
#[path = "nucleus_audit/verify.rs"]
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use outcome::Failure;

/// Verify and read the tamper-evident logs of sessions
///
/// This command reads logs and never changes one. To scan the configuration of
/// agents and tools for risks, use `nucleus audit`.
///
/// Exit codes: 0 the log holds, 1 it does not (or a replay differs), 2 it cannot be read.
#[derive(Debug, Parser)]
#[command(name = "nucleus-audit", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check chain and signatures, and name the first bad record
    Verify(verify::Args),
    /// Print one line a record
    Show(show::ShowArgs),
    /// Print the last records, and with -f those to come
    Tail(show::TailArgs),
    /// Judge the recorded requests again, under the recorded policy or another
    Replay(replay::Args),
    /// Write the records for other tools
    Export(export::Args),
    /// Write a completion script for a shell
    Completion(completion::Args),
    /// Write the man pages to a directory
    Man(completion::ManArgs),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Verify(args) => verify::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Tail(args) => show::tail(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Completion(args) => Ok(completion::run(&args)),
        Command::Man(args) => completion::man(&args),
    };
    match done {
        Ok(code) => code,
        Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(Failure::Message(message)) => {
            anstream::eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}
