//! One line a record, for people.

use core::fmt::Write as _;

use portcullis::Outcome;

use crate::canon::is_escaped;
use crate::record::{Body, Detail, EffectWord, Kind, Record};
use crate::subject::RecordedSubject;

/// The widest subject of a line in characters; a terminal has 80 columns or more.
const MAX_SUBJECT: usize = 96;

/// How much a record deserves to be seen, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// It happened as usual.
    Plain,
    /// Something changed for the session.
    Notable,
    /// Something was asked, failed or is unknown.
    Warning,
    /// Something was denied or stopped.
    Alarm,
}

impl Weight {
    /// How much this record deserves to be seen.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        let body = &record.body;
        let outcome = body.decision.map(|decision| decision.outcome);
        match (body.kind, outcome, &body.detail) {
            (_, Some(Outcome::Deny), _) | (Kind::Lockdown | Kind::Recovered, ..) => Self::Alarm,
            (_, Some(Outcome::NeedsApproval), _) => Self::Warning,
            (_, _, Some(Detail::Outcome { effect, .. })) if *effect != EffectWord::Done => {
                Self::Warning
            }
            (Kind::Permit | Kind::Outcome | Kind::Note, ..) => {
                if body.exposure.before == body.exposure.after {
                    Self::Plain
                } else {
                    Self::Notable
                }
            }
            _ => Self::Notable,
        }
    }

    /// One character for it.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Plain => ' ',
            Self::Notable => '+',
            Self::Warning => '?',
            Self::Alarm => '!',
        }
    }
}

/// One line for this record: sign, place, time, kind, operation, subject, what came of it.
///
/// Nothing in it moves a terminal's cursor.
#[must_use]
pub fn timeline(record: &Record) -> String {
    let body = &record.body;
    let mut line = format!(
        "{} {:>6}  {}  {:<9}",
        Weight::of(record).sign(),
        record.seq,
        clock(body.wall_unix_ms),
        body.kind.name()
    );
    if !body.operations.is_empty() {
        push(&mut line, &body.operations.to_string());
    }
    if let Some(subject) = &body.subject {
        push(&mut line, &cut(&shown(&describe(subject))));
    }
    if let Some(detail) = &body.detail {
        push(&mut line, &cut(&shown(&describe_detail(detail))));
    }
    push(&mut line, &verdict_of(body));
    push(&mut line, &exposure_of(body));
    line.truncate(line.trim_end().len());
    line
}

fn push(line: &mut String, part: &str) {
    if !part.is_empty() {
        line.push_str("  ");
        line.push_str(part);
    }
}

/// Hours, minutes, seconds and milliseconds of the day in UTC.
fn clock(wall_unix_ms: u64) -> String {
    let (ms, s) = (wall_unix_ms % 1000, wall_unix_ms / 1000);
    format!(
        "{:02}:{:02}:{:02}.{ms:03}",
        s / 3600 % 24,
        s / 60 % 60,
        s % 60
    )
}

/// The text with every character escaped that could move a cursor or turn text.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_escaped(character) && !matches!(character, '"' | '\\') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_SUBJECT) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// What was decided, and the rules that fired.
fn verdict_of(body: &Body) -> String {
    let Some(decision) = body.decision else {
        return String::new();
    };
    let mut text = match decision.outcome {
        Outcome::Permit => String::new(),
        Outcome::NeedsApproval => "needs approval:".to_owned(),
        Outcome::Deny => "denied:".to_owned(),
    };
    for (reason, comma) in decision
        .reasons
        .iter()
        .zip(core::iter::once("").chain(core::iter::repeat(",")))
    {
        let _ = write!(text, "{comma} {}", reason.name());
    }
    if !decision.discharged.is_empty() {
        text.push_str("approved:");
        for reason in decision.discharged.iter() {
            let _ = write!(text, " {}", reason.name());
        }
    }
    text
}

/// The labels that came in with the record.
fn exposure_of(body: &Body) -> String {
    let exposure = body.exposure;
    let new: Vec<_> = exposure
        .after
        .iter()
        .filter(|label| !exposure.before.contains(*label))
        .collect();
    new.iter()
        .map(|label| format!("+{label}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A subject in one phrase.
pub(crate) fn describe(subject: &RecordedSubject) -> String {
    match subject {
        RecordedSubject::Path { path } if path.is_empty() => ".".to_owned(),
        RecordedSubject::Path { path } => path.clone(),
        RecordedSubject::Move { from, to } => format!("{from} -> {to}"),
        RecordedSubject::Command { argv, .. } => argv.join(" "),
        RecordedSubject::Query { backend, text } => format!("{backend}: {text}"),
        RecordedSubject::Url {
            method,
            scheme,
            host,
            port,
            path,
            query,
            ..
        } => {
            let mark = if query.is_empty() { "" } else { "?" };
            let path = path.as_deref().unwrap_or_default();
            format!("{method} {scheme}://{host}:{port}{path}{mark}{query}")
        }
        RecordedSubject::Commit {
            repository,
            branch,
            message,
            paths,
        } => {
            format!("{repository} {branch}: {message} ({} files)", paths.len())
        }
        RecordedSubject::Push {
            url,
            reference,
            new,
            paths,
            ..
        } => format!("{url} {reference} {new} ({} files)", paths.len()),
        RecordedSubject::PullRequest {
            url, base, head, ..
        } => format!("{url} {head} -> {base}"),
        RecordedSubject::Child { envelope } => format!("envelope {envelope}"),
        RecordedSubject::Tool {
            server,
            tool,
            arguments,
            ..
        } => {
            format!("{server}/{tool} {arguments}")
        }
        RecordedSubject::Other { name } => name.clone(),
    }
}

fn describe_detail(detail: &Detail) -> String {
    match detail {
        Detail::Start {
            boundary,
            layers,
            probes,
            software,
            ..
        } => {
            let advisory = if boundary.name() == "none" {
                " (advisory)"
            } else {
                ""
            };
            let held = probes.iter().filter(|probe| probe.held).count();
            format!(
                "boundary {boundary}{advisory}, {} layers, {held} of {} probes held, {software}",
                layers.len(),
                probes.len()
            )
        }
        Detail::Outcome {
            of, effect, why, ..
        } if why.is_empty() => format!("{effect} (of {of})"),
        Detail::Outcome {
            of, effect, why, ..
        } => format!("{effect} (of {of}): {why}"),
        Detail::Tighten { .. } => "authority narrowed".to_owned(),
        Detail::Approval { approver, via, .. } => format!("by {approver} via {via}"),
        Detail::Recovered { file, bytes, .. } => {
            format!("a torn line of {bytes} bytes was set aside in {file}")
        }
        Detail::Text { text } => text.clone(),
    }
}
