//! The commands, one file each.

mod completion;
#[cfg(target_os = "linux")]
mod doctor;
mod explain;
mod profiles;

use clap::Subcommand;

use crate::report::Failure;

/// The hidden helper that clones jails.
#[cfg(target_os = "linux")]
pub(crate) const JAIL_HELPER: &str = "__jail-init";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the shipped profiles, or print one in full
    Profiles(profiles::Args),
    /// Say what the policy in force makes of one request, and by which rules
    Explain(explain::Args),
    /// Check every kernel feature a session uses, with the fix for what is missing
    #[cfg(target_os = "linux")]
    Doctor(doctor::Args),
    /// Write a completion script for a shell
    Completion(completion::Args),
    /// Write the man pages to a directory
    Man(completion::ManArgs),
}

/// Runs the command and returns its exit code.
pub(crate) fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Profiles(args) => profiles::run(&args),
        Command::Explain(args) => explain::run(&args),
        #[cfg(target_os = "linux")]
        Command::Doctor(args) => doctor::run(&args),
        Command::Completion(args) => completion::run(&args),
        Command::Man(args) => completion::man(&args),
    }
}
