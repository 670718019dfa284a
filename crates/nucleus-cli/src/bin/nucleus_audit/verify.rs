//! `nucleus-audit verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use nucleus_audit::{Finding, Report, Truncation, VerifyError, VerifyOptions};
use serde_json::json;

use super::locate::{self, LogArg};
use super::outcome::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArg,
    /// The public key that signed the checkpoints [default: audit.pub in the state directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A mirror of the checkpoints, against which a cut tail is seen
    #[arg(long, value_name = "FILE")]
    mirror: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let dir = args.log.dir()?;
    let options = VerifyOptions {
        mirror: args.mirror.clone(),
        ..VerifyOptions::new(locate::key(args.key.as_deref())?)
    };
    match nucleus_audit::verify(&dir, &options) {
        Ok(report) => {
            say(args.json, || holds_json(&report), || holds(&report));
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyError::Bad(finding)) => {
            say(
                args.json,
                || bad_json(&finding),
                || format!("BAD  {finding}\n"),
            );
            Ok(ExitCode::from(1))
        }
        Err(other) => Err(Failure::new(other)),
    }
}

fn say(is_json: bool, json: impl Fn() -> serde_json::Value, text: impl Fn() -> String) {
    if is_json {
        anstream::println!("{}", json());
    } else {
        anstream::print!("{}", text());
    }
}

/// What is proved, and what is not.
pub(crate) fn holds(report: &Report) -> String {
    let mut text = format!(
        "OK   {} in {}, session {}\n",
        count(report.records, "record"),
        count(report.files as u64, "file"),
        report.session
    );
    let mut line = |sentence: String| {
        text.push_str("     ");
        text.push_str(&sentence);
        text.push('\n');
    };
    line(format!("head {}", report.head));
    line(format!(
        "signed up to record {} of {} ({})",
        report.signed,
        report.records,
        count(report.checkpoints as u64, "checkpoint")
    ));
    if report.signed < report.records {
        let rest = count(report.records - report.signed, "record");
        line(format!("{rest} at the end: chained, not yet signed"));
    }
    line(match report.truncation {
        Truncation::Excluded { records } => {
            format!(
                "none of the first {} is missing, says the mirror",
                count(records, "record")
            )
        }
        Truncation::NotDetectable => {
            "truncation is not detectable without a mirror: a tail cut off \
            together with its checkpoints leaves no trace"
                .to_owned()
        }
    });
    if let Some(torn) = &report.torn {
        let bytes = count(torn.bytes, "byte");
        line(format!(
            "{} ends in a torn line of {bytes}: the writer was stopped",
            torn.file
        ));
    }
    for sequence in &report.unknown_outcomes {
        line(format!("record {sequence}: outcome unknown"));
    }
    for sequence in &report.stray_outcomes {
        line(format!(
            "record {sequence}: an outcome that names no open intent"
        ));
    }
    if !report.is_ended {
        line("the session has not ended".to_owned());
    }
    text
}

/// So many of them.
fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn holds_json(report: &Report) -> serde_json::Value {
    json!({
        "version": 1,
        "ok": true,
        "session": report.session.to_string(),
        "records": report.records,
        "files": report.files,
        "head": report.head.to_string(),
        "checkpoints": report.checkpoints,
        "signed_records": report.signed,
        "truncation": match report.truncation {
            Truncation::Excluded { records } => json!({ "detectable": true, "mirrored_records": records }),
            Truncation::NotDetectable => json!({ "detectable": false }),
        },
        "torn": report.torn.as_ref().map(|torn| json!({ "file": torn.file, "bytes": torn.bytes })),
        "unknown_outcomes": report.unknown_outcomes,
        "stray_outcomes": report.stray_outcomes,
        "ended": report.is_ended,
    })
}

fn bad_json(finding: &Finding) -> serde_json::Value {
    json!({
        "version": 1,
        "ok": false,
        "fault": finding.fault.name(),
        "message": finding.fault.to_string(),
        "record": finding.place.as_ref().map(|place| json!({
            "file": place.file, "line": place.line, "sequence": place.sequence,
        })),
    })
}
