//! Any bytes, as a frame of an MCP client: refused, or a call with checked arguments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nucleus_tool_proxy::{Call, tool_specs};
use rmcp::model::ClientJsonRpcMessage;

fuzz_target!(|frame: &[u8]| {
    let _ = serde_json::from_slice::<ClientJsonRpcMessage>(frame);
    let Ok(serde_json::Value::Object(arguments)) = serde_json::from_slice(frame) else { return };
    for tool in tool_specs() {
        if let Err(said) = Call::parse(tool.name, Some(arguments.clone())) {
            assert!(said.contains(tool.name), "an error that names no tool: {said}");
        }
    }
});
