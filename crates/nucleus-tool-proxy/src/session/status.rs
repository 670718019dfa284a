//! `session_status`: what the session may do, has touched and has left.

use nucleus::{Error, Sandbox};
use portcullis::Operation;
use serde_json::json;

use crate::hands::Reply;

/// The status, for a model and as data.
pub(super) fn status(sandbox: &Sandbox) -> Result<Reply, Error> {
    let monitor = sandbox.monitor();
    let envelope = monitor.envelope();
    let summary = monitor.summary();
    let levels: serde_json::Map<_, _> = Operation::ALL
        .into_iter()
        .map(|op| (op.name().to_owned(), json!(envelope.level(op).name())))
        .collect();
    let exposure: Vec<_> = summary
        .exposure
        .iter()
        .map(|since| json!({ "label": since.label, "since": since.deed }))
        .collect();
    let waiting: Vec<String> = sandbox
        .view()
        .staged()?
        .iter()
        .map(|staged| staged.change.path.to_string())
        .collect();
    let mut text = format!("session {} is {}\n", summary.session, summary.phase);
    for (name, level) in &levels {
        text.push_str(&format!("{name}: {}\n", level.as_str().unwrap_or_default()));
    }
    for since in &summary.exposure {
        text.push_str(&format!("{} since: {}\n", since.label, since.deed));
    }
    let left = summary.left_micro_usd;
    text.push_str(&format!(
        "budget left: {}.{:06} USD\n",
        left / 1_000_000,
        left % 1_000_000
    ));
    if !waiting.is_empty() {
        text.push_str(&format!(
            "waiting for the user's review: {}\n",
            waiting.join(", ")
        ));
    }
    let data = json!({
        "session": summary.session, "phase": summary.phase, "boundary": summary.boundary,
        "capabilities": levels, "exposure": exposure, "left_micro_usd": left, "waiting": waiting,
    });
    Ok(Reply {
        text,
        data,
        is_error: false,
    })
}
