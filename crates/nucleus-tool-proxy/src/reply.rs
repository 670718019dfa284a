//! Turns the answer of the hands into the result that MCP sends.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, MetaObject};
use serde_json::{Value, json};

use crate::hands::{Failure, Reply};

/// Where the data of a reply is in `_meta`.
const DATA_KEY: &str = "nucleus";

/// The result of a call, and `isError` where it did not work.
///
/// Clients that know structured content show it to their model in place of
/// the text. So only a refusal has any, which is the whole of it as data; the
/// data of a reply is in `_meta`, which no model sees.
pub(crate) fn result(answer: Result<Reply, Failure>) -> CallToolResult {
    match answer {
        Ok(reply) => replied(reply),
        Err(Failure::Refused { text, data }) => refused(text, data),
        Err(Failure::Failed(text)) => {
            let data = json!({ "code": "failed", "message": text });
            refused(text, data)
        }
        Err(Failure::Cancelled) => {
            let data = json!({ "code": "cancelled" });
            refused("the call was cancelled".to_owned(), data)
        }
    }
}

fn replied(reply: Reply) -> CallToolResult {
    let content = vec![ContentBlock::text(reply.text)];
    let mut result = if reply.is_error {
        CallToolResult::error(content)
    } else {
        CallToolResult::success(content)
    };
    result.meta = Some(MetaObject(JsonObject::from_iter([(
        DATA_KEY.to_owned(),
        reply.data,
    )])));
    result
}

fn refused(text: String, data: Value) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content = Some(data);
    result
}
