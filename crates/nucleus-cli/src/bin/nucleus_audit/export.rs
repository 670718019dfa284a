//! `nucleus-audit export`.

use std::io::BufWriter;
use std::process::ExitCode;

use nucleus_audit::{Format, export};

use super::locate::LogArg;
use super::outcome::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArg,
    /// The form of the output
    #[arg(long, value_enum, default_value_t = Form::Jsonl)]
    format: Form,
}

/// A form of output.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Form {
    /// One JSON object a line, without the chain
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let format = match args.format {
        Form::Jsonl => Format::Jsonl,
        Form::Csv => Format::Csv,
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    export(&args.log.dir()?, format, &mut out)?;
    Ok(ExitCode::SUCCESS)
}
