//! The commands, one file each.

#[cfg(target_os = "linux")]
mod announce;
mod audit;
mod bound;
mod claims;
mod completion;
#[cfg(target_os = "linux")]
mod doctor;
mod explain;
#[cfg(target_os = "linux")]
mod mcp;
#[cfg(target_os = "linux")]
mod net;
mod profiles;
#[cfg(target_os = "linux")]
mod question;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod staged;
#[cfg(target_os = "linux")]
mod weaker;

use clap::Subcommand;

#[cfg(target_os = "linux")]
pub(crate) use mcp::run as mcp;
#[cfg(target_os = "linux")]
pub(crate) use weaker::FLAG as WITHOUT_NAMESPACES_FLAG;

use crate::report::Failure;

/// The hidden helper that clones jails.
#[cfg(target_os = "linux")]
pub(crate) const JAIL_HELPER: &str = "__jail-init";

/// The hidden helper that tries a jail's walls from inside.
#[cfg(target_os = "linux")]
pub(crate) const PROBE: &str = "__probe";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run an agent on a workspace, jailed, every side effect judged and recorded
    #[cfg(target_os = "linux")]
    Run(run::Args),
    /// Show what holds here: an honest agent, then the same agent turned on its user
    #[cfg(target_os = "linux")]
    Demo(crate::demo::Args),
    /// Show what sessions held back in a workspace, build inputs first
    #[cfg(target_os = "linux")]
    Diff(staged::Args),
    /// Land held-back changes: your approval, judged and recorded again
    #[cfg(target_os = "linux")]
    Apply(staged::ChangeArgs),
    /// Forget held-back changes
    #[cfg(target_os = "linux")]
    Discard(staged::ChangeArgs),
    /// Trust what files hold now, so that they no longer count as untrusted content
    #[cfg(target_os = "linux")]
    Endorse(staged::EndorseArgs),
    /// Show what a session's programs reach, have reached and were refused
    #[cfg(target_os = "linux")]
    Net(net::Args),
    /// Offer the session's tools on standard input and output (inside a session)
    #[cfg(target_os = "linux")]
    Mcp,
    /// Say what the agents configured here could do, and what is wrong with their configuration
    Audit(audit::Args),
    /// Say what is claimed of the decisions this binary makes, what stands behind it, and what is not claimed
    Claims(claims::Args),
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
    #[cfg(target_os = "linux")]
    #[command(name = "__demo-agent", hide = true)]
    DemoAgent(crate::demo::AgentArgs),
}

/// Runs the command and returns its exit code.
pub(crate) fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        #[cfg(target_os = "linux")]
        Command::Run(args) => run::run(&args),
        #[cfg(target_os = "linux")]
        Command::Demo(args) => crate::demo::run(&args),
        #[cfg(target_os = "linux")]
        Command::Diff(args) => staged::diff(&args),
        #[cfg(target_os = "linux")]
        Command::Apply(args) => staged::apply(&args),
        #[cfg(target_os = "linux")]
        Command::Discard(args) => staged::discard(&args),
        #[cfg(target_os = "linux")]
        Command::Endorse(args) => staged::endorse(&args),
        #[cfg(target_os = "linux")]
        Command::Net(args) => net::run(&args),
        #[cfg(target_os = "linux")]
        Command::Mcp => mcp::run(),
        #[cfg(target_os = "linux")]
        Command::DemoAgent(args) => crate::demo::run_agent_inside(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Claims(args) => claims::run(&args),
        Command::Profiles(args) => profiles::run(&args),
        Command::Explain(args) => explain::run(&args),
        #[cfg(target_os = "linux")]
        Command::Doctor(args) => doctor::run(&args),
        Command::Completion(args) => completion::run(&args),
        Command::Man(args) => completion::man(&args),
    }
}
