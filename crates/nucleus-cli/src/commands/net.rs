//! `nucleus net`: what a session's programs have reached, are reaching, and were refused.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use nucleus_egress::{Connection, Verdict};

use crate::home;
use crate::report::Failure;
use crate::style::{BAD, DIM, GOOD, WARN, paint};

/// What is shown of a session's connections.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum What {
    /// Every connection and request that has ended, oldest first
    Log,
    /// What is open now, busiest first
    Top,
}

/// Arguments of `nucleus net`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
    /// Session, by the start of its number; the latest one when left out
    #[arg(long, global = true, value_name = "SESSION")]
    session: Option<String>,
    /// Print JSON, one connection a line
    #[arg(long, global = true)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let dir = session(args.session.as_deref())?;
    let connections = match args.what {
        What::Log => ended(&dir)?,
        What::Top => open(&dir)?,
    };
    for connection in &connections {
        if args.json {
            let line = serde_json::to_string(connection).map_err(Failure::usage)?;
            anstream::println!("{line}");
        } else {
            print(connection);
        }
    }
    if connections.is_empty() && !args.json {
        anstream::eprintln!("{}", paint(DIM, "no connection"));
    }
    Ok(0)
}

/// The directory of the session, which must hold a journal.
fn session(start: Option<&str>) -> Result<PathBuf, Failure> {
    let sessions = home::state_dir().map_err(Failure::usage)?.join("sessions");
    let entries = std::fs::read_dir(&sessions)
        .map_err(|error| Failure::usage(format!("there is no session: {error}")))?;
    let is_meant = |dir: &PathBuf| {
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        start.is_none_or(|start| name.starts_with(start))
    };
    let age = |dir: &PathBuf| {
        let found = std::fs::metadata(dir.join("net.jsonl"));
        found
            .and_then(|found| found.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH)
    };
    let dirs = entries.flatten().map(|entry| entry.path());
    dirs.filter(|dir| is_meant(dir) && dir.join("net.jsonl").exists())
        .max_by_key(age)
        .ok_or_else(|| Failure::usage("no such session has reached for the network"))
}

fn ended(dir: &Path) -> Result<Vec<Connection>, Failure> {
    let file = std::fs::File::open(dir.join("net.jsonl")).map_err(Failure::usage)?;
    let lines = BufReader::new(file).lines().map_while(Result::ok);
    // A last line that is cut off is one that was being written.
    Ok(lines
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect())
}

fn open(dir: &Path) -> Result<Vec<Connection>, Failure> {
    let text = match std::fs::read_to_string(dir.join("net-open.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::usage(error)),
    };
    let mut connections: Vec<Connection> = serde_json::from_str(&text).map_err(Failure::usage)?;
    connections.sort_by_key(|open| std::cmp::Reverse(open.sent_bytes + open.received_bytes));
    Ok(connections)
}

fn print(connection: &Connection) {
    let (style, verdict) = match connection.verdict {
        Verdict::Waiting => (DIM, "waiting"),
        Verdict::Permitted => (GOOD, "permitted"),
        Verdict::Refused => (BAD, "refused"),
        Verdict::Failed => (WARN, "failed"),
        Verdict::Cut => (WARN, "cut"),
    };
    // The process has escaped its own name; a name that only repeats the command says nothing more.
    let process = match &connection.process {
        Some(process) if *process != connection.program => format!(": {process}"),
        _ => String::new(),
    };
    let why = if connection.why.is_empty() {
        String::new()
    } else {
        format!("  {}", connection.why.escape_debug())
    };
    anstream::println!(
        "{}  {:<10} {:<32} {:>10} sent {:>10} received {:>7} ms  {}{}{}",
        paint(style, format!("{verdict:<9}")),
        connection.via,
        connection.target.escape_debug().to_string(),
        connection.sent_bytes,
        connection.received_bytes,
        connection.lasted_ms,
        connection.program.escape_debug(),
        process,
        paint(DIM, why),
    );
}
