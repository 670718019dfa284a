//! Text of tools that name what they changed.

use nucleus::sandbox::LandedChange;
use nucleus::workspace::StageReason;
use serde_json::{Value, json};

/// One line for each change that did not land, with what the user can do.
pub(super) fn held_back(changes: &[LandedChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let Some(reason) = change.staged else {
            continue;
        };
        let why = match reason {
            StageReason::Approval(_) => "the host would run or obey it, or it needs approval",
            StageReason::Conflict => "the file was changed outside this session meanwhile",
            StageReason::LeavingLink => "the link points outside the workspace",
            StageReason::Failed => "the file system refused it",
        };
        text.push_str(&format!(
            "held back for the user's review: {} ({why})\n",
            change.path
        ));
    }
    text
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
