//! Text of tools that name what they changed.

use nucleus::sandbox::LandedChange;
use nucleus::workspace::StageReason;
use portcullis::Reason;
use serde_json::{Value, json};

/// One line for each change that did not land, with what the user can do.
pub(super) fn held_back(changes: &[LandedChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let Some(reason) = change.staged else {
            continue;
        };
        text.push_str(&format!(
            "held back for the user's review: {} ({})\n",
            change.path,
            why(reason)
        ));
    }
    text
}

/// Why a change waits: each rule that asked, in words.
fn why(reason: StageReason) -> String {
    match reason {
        StageReason::Approval(reasons) if reasons.is_empty() => "it needs approval".to_owned(),
        StageReason::Approval(reasons) => {
            let sentences: Vec<_> = reasons.iter().map(Reason::sentence).collect();
            sentences.join("; ")
        }
        StageReason::Conflict => "the file was changed outside this session meanwhile".to_owned(),
        StageReason::LeavingLink => "the link points outside the workspace".to_owned(),
        StageReason::Failed => "the file system refused it".to_owned(),
    }
}

/// The changes as data.
pub(super) fn as_data(changes: &[LandedChange]) -> Value {
    let entries = changes.iter().map(|change| {
        json!({
            "path": change.path, "change": change.verb,
            "held_back": change.staged.map(StageReason::name),
        })
    });
    Value::Array(entries.collect())
}
