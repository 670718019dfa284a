//! `nucleus-audit replay`.

use std::path::PathBuf;
use std::process::ExitCode;

use nucleus_audit::{Difference, ReplayReport, replay};
use nucleus_spec::{Source, parse_policy, profile};
use portcullis::{Envelope, Reasons};
use serde_json::json;

use super::locate::LogArg;
use super::outcome::Failure;

/// Without `--config` or `--profile` the recorded envelopes judge, and every
/// decision must come out as recorded.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArg,
    /// Judge under this policy file
    #[arg(long, value_name = "FILE", conflicts_with = "profile")]
    config: Option<PathBuf>,
    /// Judge under this shipped profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let policy = policy(args)?;
    let report = replay(&args.log.dir()?, policy.as_ref())?;
    if args.json {
        anstream::println!("{}", as_json(&report));
    } else {
        anstream::print!("{}", as_text(&report, policy.is_some()));
    }
    let is_same = report.changed.is_empty() && report.exposure_breaks.is_empty();
    Ok(if is_same {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// The other policy, if one is named.
fn policy(args: &Args) -> Result<Option<Envelope>, Failure> {
    let source = match (&args.config, &args.profile) {
        (Some(path), _) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("cannot read `{name}`: {error}")))?;
            Source::new(name, text)
        }
        (None, Some(name)) => profile(name)
            .ok_or_else(|| {
                Failure::new(format!(
                    "there is no profile `{name}`; see `nucleus profiles`"
                ))
            })?
            .source(),
        (None, None) => return Ok(None),
    };
    let parsed = parse_policy(&source).map_err(|error| {
        let (file, line) = (source.name(), error.line());
        Failure::new(format!("{file}:{line}: {error}\nhelp: {}", error.help()))
    })?;
    Ok(Some(parsed.envelope().clone()))
}

fn names(reasons: Reasons) -> String {
    let names: Vec<_> = reasons.iter().map(|reason| reason.name()).collect();
    if names.is_empty() {
        "no rule".to_owned()
    } else {
        names.join(" ")
    }
}

fn difference(difference: &Difference) -> String {
    let facts = if difference.facts_differ {
        ", facts differ"
    } else {
        ""
    };
    format!(
        "changed  record {}: {} ({}) -> {} ({}){facts}\n",
        difference.sequence,
        difference.recorded.name(),
        names(difference.recorded_reasons),
        difference.recomputed.name(),
        names(difference.recomputed_reasons),
    )
}

fn as_text(report: &ReplayReport, is_other: bool) -> String {
    let mut text: String = report.changed.iter().map(difference).collect();
    for sequence in &report.unknown {
        text.push_str(&format!(
            "unknown  record {sequence}: its subject is redacted\n"
        ));
    }
    for sequence in &report.exposure_breaks {
        text.push_str(&format!(
            "broken   record {sequence}: its exposure does not follow\n"
        ));
    }
    text.push_str(&format!(
        "{} decisions: {} unchanged, {} changed, {} unknown\n",
        report.decisions,
        report.unchanged,
        report.changed.len(),
        report.unknown.len()
    ));
    if !is_other && report.by_recorded_facts > 0 {
        text.push_str(&format!(
            "{} were judged by their recorded facts, because their subject is redacted\n",
            report.by_recorded_facts
        ));
    }
    text
}

fn as_json(report: &ReplayReport) -> serde_json::Value {
    let changed = report.changed.iter().map(|difference| {
        json!({
            "sequence": difference.sequence,
            "recorded": difference.recorded.name(),
            "recomputed": difference.recomputed.name(),
            "recorded_reasons": names(difference.recorded_reasons),
            "recomputed_reasons": names(difference.recomputed_reasons),
            "facts_differ": difference.facts_differ,
        })
    });
    json!({
        "version": 1,
        "decisions": report.decisions,
        "unchanged": report.unchanged,
        "changed": changed.collect::<Vec<_>>(),
        "unknown": report.unknown,
        "by_recorded_facts": report.by_recorded_facts,
        "exposure_breaks": report.exposure_breaks,
    })
}
