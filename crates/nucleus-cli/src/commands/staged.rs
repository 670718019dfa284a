//! `nucleus diff`, `apply`, `discard` and `endorse`: what the user does with what a session held back.
//!
//! None of them works from inside a jail: there is no state directory there.

use std::path::PathBuf;

use nucleus::workspace::{ChangeKind, Diff, DiffBody, EntryPath, StageReason, StagedChange};
use portcullis::Reasons;
use serde_json::json;

use super::question::Ask;
use crate::plain::plain;
use crate::report::{FAILED, Failure};
use crate::session::{Applying, Review, reason_text};
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Arguments of the commands on held-back changes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files or directories of the workspace; all of it when none is named
    paths: Vec<PathBuf>,
    /// Workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of the commands that change something.
#[derive(Debug, clap::Args)]
pub(crate) struct ChangeArgs {
    /// Files or directories of the workspace
    #[arg(required_unless_present = "all")]
    paths: Vec<PathBuf>,
    /// Everything that was held back
    #[arg(long, conflicts_with = "paths")]
    all: bool,
    /// Workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Arguments of `nucleus endorse`.
#[derive(Debug, clap::Args)]
pub(crate) struct EndorseArgs {
    /// Files or directories of the workspace
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Workspace
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Shows what was held back, build inputs first.
pub(crate) fn diff(args: &Args) -> Result<u8, Failure> {
    let review = Review::open(&args.dir)?;
    let mut shown = Vec::new();
    for staged in review.selected(&args.paths)? {
        let diff = review.diff(&staged)?;
        shown.push((staged, diff));
    }
    shown.sort_by_key(|(staged, diff)| (diff.rank(), staged.change.path.as_bytes().to_vec()));
    if args.json {
        let all: Vec<_> = shown
            .iter()
            .map(|(staged, diff)| as_json(staged, diff))
            .collect();
        anstream::println!("{:#}", json!({ "version": 1, "held_back": all }));
        return Ok(0);
    }
    if shown.is_empty() {
        anstream::eprintln!("nothing is held back in {}", review.root().display());
    }
    for (staged, diff) in &shown {
        print(staged, diff, Reasons::NONE);
    }
    Ok(0)
}

/// Lands what the user approves, after showing each path with its reasons.
pub(crate) fn apply(args: &ChangeArgs) -> Result<u8, Failure> {
    let review = Review::open(&args.dir)?;
    let chosen = review.with_directories(review.selected(&args.paths)?)?;
    if chosen.is_empty() {
        return Err(Failure::new(FAILED, "nothing is held back there"));
    }
    let applying = review.applying(&chosen)?;
    if let Err(failure) = ask_to_apply(&review, &applying, args.yes) {
        applying.decline()?;
        return Err(failure);
    }
    let mut left = 0;
    for (path, outcome) in applying.apply()? {
        match outcome {
            Ok(None) => anstream::println!("{} {}", paint(GOOD, "landed"), path),
            Ok(Some(reason)) => {
                left += 1;
                let why = reason_text(reason).join("; ");
                anstream::println!(
                    "{} {path} {}",
                    paint(WARN, "still held back"),
                    paint(DIM, why)
                );
            }
            Err(error) => {
                left += 1;
                anstream::println!("{} {path}: {error}", paint(BAD, "refused"));
            }
        }
    }
    Ok(u8::from(left > 0))
}

/// Shows every change with every reason that a yes would discharge, and asks.
fn ask_to_apply(review: &Review, applying: &Applying, is_sure: bool) -> Result<(), Failure> {
    let (mut dangerous, mut count) = (Vec::new(), 0);
    for (staged, reasons) in applying.changes() {
        let diff = review.diff(staged)?;
        print(staged, &diff, reasons);
        count += 1;
        if diff.activation.is_some() || diff.is_build_input {
            dangerous.push(path_text(&staged.change.path));
        }
    }
    Ask::before("land", count, &dangerous).confirm(is_sure)
}

/// Forgets what was held back.
pub(crate) fn discard(args: &ChangeArgs) -> Result<u8, Failure> {
    let review = Review::open(&args.dir)?;
    let chosen = review.selected(&args.paths)?;
    if chosen.is_empty() {
        return Err(Failure::new(FAILED, "nothing is held back there"));
    }
    Ask::before("discard", chosen.len(), &[]).confirm(args.yes)?;
    for path in review.discard(&chosen)? {
        anstream::println!("discarded {}", path_text(&path));
    }
    Ok(0)
}

/// Trusts what files hold when they are shown.
pub(crate) fn endorse(args: &EndorseArgs) -> Result<u8, Failure> {
    let review = Review::open(&args.dir)?;
    let shown = review.endorsable(&args.paths)?;
    if shown.is_empty() {
        return Err(Failure::new(FAILED, "there is no file to endorse"));
    }
    for one in &shown {
        let what = match one.is_repository {
            true => "every reference of the repository",
            false => "content",
        };
        let digest = paint(DIM, format!("{what} sha256:{}", one.digest));
        anstream::println!("{} {digest}", path_text(&one.path));
    }
    Ask::plain("trust exactly this content?").confirm(args.yes)?;
    review.endorse(&shown)?;
    for path in &args.paths {
        anstream::println!("endorsed {}", plain(&path.to_string_lossy()));
    }
    Ok(0)
}

/// The path with control characters escaped.
fn path_text(path: &EntryPath) -> String {
    plain(&path.to_string().escape_debug().to_string())
}

/// Shows a change with why it was held back, and what holds `now` beside that.
fn print(staged: &StagedChange, diff: &Diff, now: Reasons) {
    let path = path_text(&staged.change.path);
    let verb = staged.change.verb();
    anstream::println!("{} {verb}", paint(BOLD, &path));
    let held_for = match staged.reason {
        StageReason::Approval(reasons) => reasons,
        _ => Reasons::NONE,
    };
    let beside = now.difference(held_for);
    let sentences = beside.iter().map(portcullis::Reason::sentence);
    for why in reason_text(staged.reason).into_iter().chain(sentences) {
        anstream::println!("  {}", paint(WARN, why));
    }
    if diff.is_build_input {
        anstream::println!(
            "  {}",
            paint(WARN, "a build, test or install on the host runs it")
        );
    }
    if let Some(why) = diff.activation {
        anstream::println!("  {}", paint(WARN, why));
    }
    if let ChangeKind::Write { mode, .. } | ChangeKind::Mode { mode } = staged.change.kind
        && mode & 0o111 != 0
    {
        anstream::println!("  {}", paint(WARN, format!("executable (mode {mode:o})")));
    }
    if diff.is_conflict {
        anstream::println!("  {}", paint(BAD, "the file has changed on the host since"));
    }
    match &diff.body {
        DiffBody::Text(text) => text.lines().for_each(print_line),
        DiffBody::Summary { old, new } => anstream::println!("  {old} -> {new}"),
    }
}

/// One line of a diff; what a file holds never reaches the terminal unescaped.
fn print_line(line: &str) {
    let safe = plain(line);
    match line.as_bytes().first() {
        Some(b'+') => anstream::println!("{}", paint(GOOD, safe)),
        Some(b'-') => anstream::println!("{}", paint(BAD, safe)),
        _ => anstream::println!("{safe}"),
    }
}

fn as_json(staged: &StagedChange, diff: &Diff) -> serde_json::Value {
    let (text, summary) = match &diff.body {
        DiffBody::Text(text) => (Some(text), None),
        DiffBody::Summary { old, new } => (None, Some(json!({ "old": old, "new": new }))),
    };
    let reasons: Vec<_> = match staged.reason {
        StageReason::Approval(reasons) => reasons.iter().map(|reason| reason.name()).collect(),
        _ => Vec::new(),
    };
    json!({
        "path": staged.change.path.to_string(), "change": staged.change.verb(),
        "why": staged.reason.name(), "reasons": reasons, "activation": diff.activation,
        "is_build_input": diff.is_build_input, "is_conflict": diff.is_conflict,
        "session": staged.session.to_string(), "diff": text, "summary": summary,
    })
}
