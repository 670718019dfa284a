//! `nucleus completion` and `nucleus man`: what shells and `man` read.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::report::Failure;

/// Arguments of `nucleus completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell to write for
    shell: Shell,
}

/// Writes the completion script to standard output.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "nucleus",
        &mut std::io::stdout(),
    );
    Ok(0)
}

/// Arguments of `nucleus man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Directory to write the pages to
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Writes one page per command.
pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    std::fs::create_dir_all(&args.dir)?;
    clap_mangen::generate_to(Cli::command(), &args.dir)?;
    anstream::eprintln!("wrote the pages to {}", args.dir.display());
    Ok(0)
}
