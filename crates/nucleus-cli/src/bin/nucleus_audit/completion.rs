//! `nucleus-audit completion` and `nucleus-audit man`: what shells and `man` read.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::Cli;
use super::outcome::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell to write for
    shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Directory to write the pages to
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes the completion script to standard output.
pub(crate) fn run(args: &Args) -> ExitCode {
    let mut command = Cli::command();
    clap_complete::generate(
        args.shell,
        &mut command,
        "nucleus-audit",
        &mut std::io::stdout(),
    );
    ExitCode::SUCCESS
}

/// Writes one page per command.
pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    std::fs::create_dir_all(&args.dir)?;
    clap_mangen::generate_to(Cli::command(), &args.dir)?;
    anstream::eprintln!("wrote the pages to {}", args.dir.display());
    Ok(ExitCode::SUCCESS)
}
