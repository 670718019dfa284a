//! Turns the answer of the hands into the result that MCP sends.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

use crate::hands::{Failure, Reply};

/// The result of a call: text for a model, data beside it, and `isError` where it did not work.
pub(crate) fn result(answer: Result<Reply, Failure>) -> CallToolResult {
    match answer {
        Ok(reply) => built(reply.text, Some(reply.data), reply.is_error),
        Err(Failure::Refused { text, data }) => built(text, Some(data), true),
        Err(Failure::Failed(text)) => {
            let data = json!({ "code": "failed", "message": text });
            built(text, Some(data), true)
        }
        Err(Failure::Cancelled) => {
            let data = json!({ "code": "cancelled" });
            built("the call was cancelled".to_owned(), Some(data), true)
        }
    }
}

fn built(text: String, data: Option<serde_json::Value>, is_error: bool) -> CallToolResult {
    let content = vec![ContentBlock::text(text)];
    let mut result = if is_error {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    };
    result.structured_content = data;
    result
}
