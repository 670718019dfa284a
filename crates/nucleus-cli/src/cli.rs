//! The words of the command line.

use clap::{ColorChoice, Parser};

use crate::commands::Command;

/// Run AI agents under an enforced permission envelope.
///
/// The agent is assumed compromised: it runs in a kernel jail, every side
/// effect it has passes one reference monitor, and everything is in a log that
/// shows tampering. `nucleus run` and what belongs to it need Linux.
#[derive(Debug, Parser)]
#[command(
    name = "nucleus",
    version,
    after_help = "Logs are verified by `nucleus-audit verify`. A first look: `nucleus demo`."
)]
pub(crate) struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    #[command(subcommand)]
    pub(crate) command: Command,
}
