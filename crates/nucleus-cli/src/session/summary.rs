//! The closing words of a session: what was decided, touched, spent, landed and kept back.

use std::path::Path;

use nucleus::monitor::Summary;
use nucleus::workspace::StageReason;
use nucleus_audit::{VerifyOptions, VerifyingKey, public_key_path, verify};
use serde_json::{Value, json};

use super::Opened;
use crate::plain::changes;
use crate::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

/// Tells the summary on standard error, or as one JSON object on standard output.
pub(crate) fn print_summary(opened: &Opened, is_json: bool) {
    let summary = opened.sandbox.monitor().summary();
    let waiting = waiting(opened);
    let checked = verified(opened.state.root(), &opened.log_dir);
    if is_json {
        anstream::println!("{}", as_json(opened, &summary, &waiting, &checked));
    } else {
        print(opened, &summary, &waiting, &checked);
    }
}

/// Whether the log verifies against the key of this state; the text says what was found.
pub(crate) fn verified(state: &Path, log_dir: &Path) -> Result<String, String> {
    let key = VerifyingKey::load(&public_key_path(state)).map_err(|error| error.to_string())?;
    match verify(log_dir, &VerifyOptions::new(key)) {
        Ok(report) => Ok(format!("{} records verify", report.records)),
        Err(error) => Err(error.to_string()),
    }
}

/// What waits for the user: path and why.
fn waiting(opened: &Opened) -> Vec<(String, String)> {
    let session = opened.sandbox.monitor().session();
    let staged = opened.sandbox.view().staged().unwrap_or_default();
    staged
        .iter()
        .filter(|staged| staged.session == session)
        .map(|staged| {
            (
                staged.change.path.to_string(),
                why(staged.reason).join("; "),
            )
        })
        .collect()
}

/// Why a change waits, in words, every reason named.
pub(crate) fn why(reason: StageReason) -> Vec<&'static str> {
    let word = match reason {
        StageReason::Approval(reasons) if !reasons.is_empty() => {
            return reasons.iter().map(portcullis::Reason::sentence).collect();
        }
        StageReason::Approval(_) => "needs approval",
        StageReason::Conflict => "changed on the host meanwhile",
        StageReason::LeavingLink => "a link that points outside the workspace",
        StageReason::Failed => "the file system refused it",
    };
    vec![word]
}

fn print(
    opened: &Opened,
    summary: &Summary,
    waiting: &[(String, String)],
    checked: &Result<String, String>,
) {
    let seconds = summary.duration_ms / 1000;
    anstream::eprintln!();
    anstream::eprintln!(
        "{} {} ({seconds} s)",
        paint(BOLD, "session"),
        summary.session
    );
    for count in &summary.operations {
        let mut parts = vec![paint(GOOD, format!("{} permitted", count.permitted))];
        if count.needs_approval > 0 {
            parts.push(paint(
                WARN,
                match count.needs_approval {
                    1 => "1 needs approval".to_owned(),
                    many => format!("{many} need approval"),
                },
            ));
        }
        if count.denied > 0 {
            parts.push(paint(BAD, format!("{} denied", count.denied)));
        }
        anstream::eprintln!("  {:<12} {}", count.operation, parts.join(", "));
    }
    if !opened.waived.is_empty() {
        let line = format!(
            "boundary {} (advisory): without {}",
            summary.boundary,
            opened.waived.join(", ")
        );
        anstream::eprintln!("  {}", paint(BAD, line));
    }
    for since in &summary.exposure {
        anstream::eprintln!("  {:<18} since {}", since.label, since.deed);
    }
    let used = summary.used_micro_usd;
    anstream::eprintln!("  used {}.{:06} USD", used / 1_000_000, used % 1_000_000);
    anstream::eprintln!(
        "  {} landed, {} held back; policy: {}",
        changes(summary.landed),
        waiting.len(),
        opened.sources.join(" and ")
    );
    for path in &summary.build_inputs {
        let why = "landed; a build, test or install on the host runs it";
        anstream::eprintln!(
            "    {} {}",
            paint(WARN, path.escape_debug()),
            paint(DIM, why)
        );
    }
    for (path, why) in waiting {
        anstream::eprintln!(
            "    {} {}",
            paint(WARN, path.escape_debug()),
            paint(DIM, why)
        );
    }
    if !waiting.is_empty() {
        anstream::eprintln!("    see `nucleus diff`, then `nucleus apply` or `nucleus discard`");
    }
    anstream::eprintln!("  {}", summary.authority_line());
    match checked {
        Ok(found) => {
            anstream::eprintln!("  log {} {}", opened.log_dir.display(), paint(GOOD, found))
        }
        Err(error) => {
            anstream::eprintln!("  log {} {}", opened.log_dir.display(), paint(BAD, error));
        }
    }
}

fn as_json(
    opened: &Opened,
    summary: &Summary,
    waiting: &[(String, String)],
    checked: &Result<String, String>,
) -> Value {
    let operations: Vec<_> = summary
        .operations
        .iter()
        .map(|count| {
            json!({
                "operation": count.operation, "permitted": count.permitted,
                "needs_approval": count.needs_approval, "denied": count.denied,
            })
        })
        .collect();
    let exposure: Vec<_> = summary
        .exposure
        .iter()
        .map(|since| {
            json!({ "label": since.label, "since": since.deed, "after_ms": since.after_ms })
        })
        .collect();
    let waiting: Vec<_> = waiting
        .iter()
        .map(|(path, why)| json!({ "path": path, "why": why }))
        .collect();
    json!({
        "version": 1, "session": summary.session, "boundary": summary.boundary,
        "duration_ms": summary.duration_ms, "operations": operations, "exposure": exposure,
        "used_micro_usd": summary.used_micro_usd, "left_micro_usd": summary.left_micro_usd,
        "landed": summary.landed, "build_inputs": summary.build_inputs, "held_back": waiting, "tightened": summary.tightened,
        "widened": summary.widened, "log": opened.log_dir.display().to_string(),
        "log_verifies": checked.is_ok(), "policy": opened.sources, "waived": opened.waived,
    })
}
