//! `nucleus audit`: what agents configured like this could do, and what is wrong with it; starts nothing, dials nowhere.

mod rewrite;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use nucleus_scan::fix::Plan;
use nucleus_scan::output::{self, Report, Tone};
use nucleus_scan::project::suggest;
use nucleus_scan::suppress::Baseline;
use nucleus_scan::{MOVING_VARIABLES, Moved, Options, Roots, Scan, Severity, scan};

use self::rewrite::Rewritten;
use crate::home;
use crate::report::{Failure, USAGE};
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Arguments of `nucleus audit`.
///
/// Reads the agent configuration of a repository and of your home, says what
/// is wrong with it, and what the tools in it could do in combination. It
/// starts no server, dials nowhere and prints no secret. Exit code 0: nothing
/// at or above `--fail-on`; 1: findings; 2: it could not be done. With `--fix`
/// this tells of what remains, and 1 also that you did not agree.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "This reads configuration. The logs of sessions are checked by `nucleus-audit verify`."
)]
pub(crate) struct Args {
    /// Repositories, directories or single files
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Look at your home only, not at PATH
    #[arg(long, conflicts_with_all = ["no_home", "paths"])]
    user: bool,
    /// Look at the configuration of the whole system too
    #[arg(long)]
    system: bool,
    /// Leave your home out
    #[arg(long)]
    no_home: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write SARIF 2.1.0 to a file
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write Markdown to a file, for a comment or a job summary
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write one self-contained page to a file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a badge (SVG) to a file
    #[arg(long, value_name = "FILE")]
    badge: Option<PathBuf>,
    /// The least severity that makes the exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "low")]
    fail_on: FailOn,
    /// Leave out the findings that a baseline names
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write today's findings as a baseline
    #[arg(long, value_name = "FILE", requires = "reason")]
    write_baseline: Option<PathBuf>,
    /// Why the findings of the new baseline may stay
    #[arg(long, value_name = "TEXT", requires = "write_baseline")]
    reason: Option<String>,
    /// Show what can be rewritten safely, and rewrite it once you agree
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// Agree to every rewrite that `--fix` shows
    #[arg(long, requires = "fix")]
    yes: bool,
    /// A version for `--fix` to write where no lock file knows one; repeat for more
    #[arg(long, value_name = "NAME=VERSION", requires = "fix")]
    pin: Vec<String>,
    /// Print the smallest policy that serves what is configured and asks before any way out
    #[arg(long, conflicts_with_all = ["json", "fix"])]
    suggest_profile: bool,
}

/// When the exit code is 1.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FailOn {
    Critical,
    High,
    Medium,
    Low,
    Note,
    Never,
}

impl FailOn {
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Note => Some(Severity::Note),
            Self::Never => None,
        }
    }
}

/// Runs the command; 1 when something at or above `--fail-on` was found, or remains after `--fix`.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    std::panic::set_hook(Box::new(|fault| anstream::eprintln!("{}", told(fault))));
    let mut scan = scanned(args)?;
    let mut rewritten = None;
    if args.fix {
        let outcome = rewrite::rewrite(&scan, &args.pin, args.yes)?;
        if outcome == Rewritten::Written {
            scan = scanned(args)?;
        }
        rewritten = Some(outcome);
    }
    if let (Some(file), Some(reason)) = (&args.write_baseline, &args.reason) {
        write(file, &Baseline::of(&scan, reason).to_json())?;
    }
    let report = Report::of(&scan);
    write_reports(args, &report)?;
    if args.suggest_profile {
        return print_suggestions(&report);
    }
    if rewritten == Some(Rewritten::Refused) {
        return Ok(1);
    }
    if args.json {
        print_document(&output::json(&report))?;
    } else {
        anstream::print!("{}", output::terminal(&report, &toned));
        hints(args, &scan, &report);
    }
    let failed = args
        .fail_on
        .severity()
        .is_some_and(|least| report.fails_at(least));
    Ok(u8::from(failed))
}

/// What is there now, without what the baseline names.
fn scanned(args: &Args) -> Result<Scan, Failure> {
    let options = options();
    let mut scan = scan(&roots(args)?, &options);
    if let Some(file) = &args.baseline {
        read_baseline(file)?.apply(&mut scan, &options.today);
    }
    Ok(scan)
}

/// Where the scanner itself is at fault. What it says stays out: it may quote the file, and with it a secret.
fn told(fault: &std::panic::PanicHookInfo<'_>) -> String {
    let at = fault.location().map(ToString::to_string);
    format!(
        "internal error at {}: please report it",
        at.unwrap_or_default()
    )
}

fn options() -> Options {
    Options {
        today: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
    }
}

fn read_baseline(file: &Path) -> Result<Baseline, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", file.display())))?;
    Baseline::from_json(&text).map_err(|why| {
        Failure::usage(format!("`{}`: {why}", file.display()))
            .help("write a new one with --write-baseline FILE --reason TEXT")
    })
}

/// FAIL-CLOSED: a path that does not exist is an error, not an empty repository.
fn roots(args: &Args) -> Result<Roots, Failure> {
    let mut roots = Roots::default();
    if !args.user {
        for path in &args.paths {
            let found = path.canonicalize().map_err(|error| {
                Failure::usage(format!("cannot look at `{}`: {error}", path.display()))
            })?;
            roots.projects.push(found);
        }
    }
    if !args.no_home {
        roots.home = match home::home() {
            Ok(home) => Some(home),
            Err(error) if args.user => return Err(Failure::usage(error).help("set HOME")),
            Err(_) => None,
        };
        roots.moved = moved();
    }
    roots.system = args.system.then(|| PathBuf::from("/"));
    Ok(roots)
}

/// Directories of the home that a variable moves. A relative value moves nothing, as the XDG specification says.
fn moved() -> Vec<Moved> {
    let named = |variable: &&str| {
        let directory = std::env::var_os(variable).map(PathBuf::from)?;
        directory.is_absolute().then(|| Moved {
            variable: (*variable).to_owned(),
            directory,
        })
    };
    MOVING_VARIABLES.iter().filter_map(named).collect()
}

fn write_reports(args: &Args, report: &Report<'_>) -> Result<(), Failure> {
    if let Some(file) = &args.sarif {
        let out = std::fs::File::create(file).map_err(|error| unwritten(file, &error))?;
        write_document(out, &output::sarif(report)).map_err(|error| unwritten(file, &error))?;
    }
    if let Some(file) = &args.markdown {
        write(file, &output::markdown(report))?;
    }
    if let Some(file) = &args.html {
        write(file, &output::html(report))?;
    }
    if let Some(file) = &args.badge {
        write(file, &output::badge(report))?;
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| unwritten(file, &error))
}

fn unwritten(file: &Path, error: &io::Error) -> Failure {
    Failure::new(USAGE, format!("cannot write `{}`: {error}", file.display()))
}

fn print_document(document: &impl Display) -> Result<(), Failure> {
    write_document(io::stdout().lock(), document)
        .map_err(|error| Failure::new(USAGE, format!("cannot write the report: {error}")))
}

/// Writes a document as it is made, in pieces large enough that a long report takes no longer than its scan.
fn write_document(out: impl io::Write, document: &impl Display) -> io::Result<()> {
    let mut out = io::BufWriter::with_capacity(PIECE_BYTES, out);
    writeln!(out, "{document:#}")?;
    out.flush()
}

/// Bytes of a report that are written at once.
const PIECE_BYTES: usize = 1 << 16;

/// One policy per agent, or one sentence where nothing is configured.
fn print_suggestions(report: &Report<'_>) -> Result<u8, Failure> {
    if report.projections().is_empty() {
        return Err(Failure::usage("no agent is configured here")
            .help("name the repository whose agent you mean"));
    }
    for projection in report.projections() {
        let suggestion = suggest(projection);
        anstream::println!("{}", suggestion.policy);
        anstream::eprintln!(
            "{}",
            paint(
                DIM,
                format!("for {} itself, {}", projection.client, suggestion.snippet)
            )
        );
    }
    anstream::eprintln!(
        "{}",
        paint(
            DIM,
            "save it outside the repository and run: nucleus run --config FILE"
        )
    );
    Ok(0)
}

fn hints(args: &Args, scan: &Scan, report: &Report<'_>) {
    if scan.files_seen.is_empty() {
        anstream::eprintln!("{}", paint(DIM, "no agent configuration was found here"));
    } else if report.projections().iter().any(|one| one.path.is_some()) {
        anstream::eprintln!(
            "\n{}",
            paint(
                DIM,
                "a policy without such a path: nucleus audit --suggest-profile"
            )
        );
    }
    if !args.fix && !Plan::of(scan).rewrites().is_empty() {
        let hint = "what can be rewritten safely, shown first: nucleus audit --fix";
        anstream::eprintln!("{}", paint(DIM, hint));
    }
}

fn toned(tone: Tone, text: &str) -> String {
    let style = match tone {
        Tone::Of(Severity::Critical | Severity::High) => BAD,
        Tone::Of(Severity::Medium | Severity::Low) => WARN,
        Tone::Of(Severity::Note) | Tone::Dim => DIM,
        Tone::Strong => BOLD,
        Tone::Good => GOOD,
    };
    paint(style, text)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_fault_of_the_scanner_is_told_by_its_place_and_never_by_what_it_quotes() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |fault| {
            hears.lock().unwrap().push(super::told(fault));
        }));
        let faulty = std::panic::catch_unwind(|| panic!("TOKEN=hunter2"));
        std::panic::set_hook(before);
        assert!(faulty.is_err());
        let heard = heard.lock().unwrap().join("\n");
        assert!(heard.contains("audit.rs:"), "{heard}");
        assert!(!heard.contains("hunter2"), "{heard}");
    }
}
