//! `nucleus-audit show` and `nucleus-audit tail`.

use std::collections::VecDeque;
use std::io::Write as _;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use nucleus_audit::{Follow, Record, Weight, read, timeline};

use super::locate::LogArg;
use super::outcome::Failure;

/// How long `tail -f` waits before it looks again.
const POLL: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    log: LogArg,
    /// Only what was denied, asked, failed or is unknown
    #[arg(long)]
    warnings: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    log: LogArg,
    /// Go on as records come in
    #[arg(short, long)]
    follow: bool,
    /// How many records to start with
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    lines: usize,
}

pub(crate) fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout().lock();
    for record in read(&args.log.dir()?)? {
        let record = record?;
        if !args.warnings || Weight::of(&record) >= Weight::Warning {
            print(&mut out, &record)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn tail(args: &TailArgs) -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout().lock();
    let mut follow = Follow::open(&args.log.dir()?)?;
    let mut last: VecDeque<Record> = follow.poll()?.into();
    last.drain(..last.len().saturating_sub(args.lines));
    loop {
        for record in last.drain(..) {
            print(&mut out, &record)?;
        }
        out.flush()?;
        if !args.follow {
            return Ok(ExitCode::SUCCESS);
        }
        thread::sleep(POLL);
        last = follow.poll()?.into();
    }
}

fn print(out: &mut impl std::io::Write, record: &Record) -> std::io::Result<()> {
    let style = match Weight::of(record) {
        Weight::Plain => Style::new().dimmed(),
        Weight::Notable => Style::new(),
        Weight::Warning => AnsiColor::Yellow.on_default(),
        Weight::Alarm => AnsiColor::Red.on_default().bold(),
    };
    writeln!(out, "{style}{}{style:#}", timeline(record))
}
