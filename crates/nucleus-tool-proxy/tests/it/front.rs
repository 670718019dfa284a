//! The front by itself: what is offered, how answers look, and that leaving cancels.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use nucleus_tool_proxy::{Call, Failure, Hands, Progress, Reply, serve_stream, tool_specs};
use portcullis::{Capabilities, Envelope, EnvelopeParts, Level, Operation};
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use rmcp::service::{RoleClient, RunningService};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Hands that answer by rote and say when they were cancelled.
struct Rote {
    capabilities: Capabilities,
    cancelled: Sender<()>,
}

impl Hands for Rote {
    fn call(
        &self,
        call: Call,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        match call {
            Call::Read(args) => Ok(Reply {
                text: format!("content of {}", args.path),
                data: json!({ "path": args.path }),
                is_error: false,
            }),
            Call::GitPush(_) => Err(Failure::Refused {
                text: "error: `git push` needs approval".to_owned(),
                data: json!({ "code": "approval_required", "operation": "git_push" }),
            }),
            Call::Run(_) => {
                progress.output(1, "started");
                while !cancel.is_cancelled() {
                    std::thread::sleep(Duration::from_millis(2));
                }
                self.cancelled.send(()).unwrap();
                Err(Failure::Cancelled)
            }
            Call::Write(_) => panic!("a handler that panics"),
            other => Err(Failure::Failed(format!("unexpected {other:?}"))),
        }
    }

    fn deny_malformed(&self, tool: &str, why: &str) -> Failure {
        Failure::Refused {
            text: format!("error: {why}"),
            data: json!({ "code": "malformed", "subject": tool }),
        }
    }

    fn envelope(&self) -> Envelope {
        Envelope::new(EnvelopeParts {
            capabilities: self.capabilities,
            ..EnvelopeParts::everything()
        })
    }
}

async fn connect(capabilities: Capabilities) -> (RunningService<RoleClient, ()>, Receiver<()>) {
    let (cancelled, heard) = channel();
    let (near, far) = tokio::io::duplex(1 << 16);
    tokio::spawn(serve_stream(
        far,
        Arc::new(Rote {
            capabilities,
            cancelled,
        }),
    ));
    (().serve(near).await.unwrap(), heard)
}

fn params(tool: &'static str, arguments: serde_json::Value) -> CallToolRequestParams {
    let arguments: JsonObject = arguments.as_object().unwrap().clone();
    CallToolRequestParams::new(tool).with_arguments(arguments)
}

async fn call(
    client: &RunningService<RoleClient, ()>,
    tool: &'static str,
    arguments: serde_json::Value,
) -> CallToolResult {
    client.call_tool(params(tool, arguments)).await.unwrap()
}

fn text(result: &CallToolResult) -> String {
    result
        .content
        .iter()
        .filter_map(|block| block.as_text())
        .map(|t| t.text.clone())
        .collect()
}

#[tokio::test]
async fn tools_at_never_are_not_offered() {
    let (client, _heard) = connect(Capabilities::ALL).await;
    let all: Vec<_> = client.list_all_tools().await.unwrap();
    assert_eq!(all.len(), tool_specs().len());
    assert!(
        all.iter()
            .all(|tool| tool.annotations.is_some() && tool.description.is_some())
    );
    let reader = Capabilities::NONE.with(Operation::ReadFiles, Level::LowRisk);
    let (client, _heard) = connect(reader).await;
    let names: Vec<String> = client
        .list_all_tools()
        .await
        .unwrap()
        .iter()
        .map(|tool| tool.name.to_string())
        .collect();
    assert_eq!(names, ["read", "git_status", "git_diff", "session_status"]);
}

#[test]
fn every_argument_has_one_type() {
    for spec in tool_specs() {
        let definition = spec.definition();
        let properties = definition
            .input_schema
            .get("properties")
            .cloned()
            .unwrap_or_default();
        for (name, property) in properties.as_object().into_iter().flatten() {
            assert!(
                property["type"].is_string(),
                "{}: {name}: {property}",
                spec.name
            );
        }
    }
}

#[tokio::test]
async fn a_model_reads_the_text_and_a_program_the_data() {
    let (client, _heard) = connect(Capabilities::ALL).await;
    let result = call(&client, "read", json!({ "path": "a.txt" })).await;
    assert_eq!(text(&result), "content of a.txt");
    // A client would show its model structured content in place of the text.
    assert_eq!(result.structured_content, None);
    let meta = result.meta.clone().unwrap();
    assert_eq!(meta.0["nucleus"], json!({ "path": "a.txt" }));
    assert_ne!(result.is_error, Some(true));
}

#[tokio::test]
async fn a_refusal_is_a_result_with_its_code() {
    let (client, _heard) = connect(Capabilities::ALL).await;
    let result = call(&client, "git_push", json!({})).await;
    assert_eq!(result.is_error, Some(true));
    assert_eq!(
        result.structured_content.unwrap()["code"],
        "approval_required"
    );
}

#[tokio::test]
async fn bad_arguments_and_unknown_tools_name_themselves() {
    let (client, _heard) = connect(Capabilities::ALL).await;
    for (tool, arguments, expected) in [
        ("read", json!({ "path": "a", "sandbox": false }), "sandbox"),
        ("read", json!({}), "path"),
        ("read", json!({ "path": 3 }), "path"),
        ("approve", json!({}), "approve"),
        (
            "write",
            json!({ "path": "a", "content": "x".repeat(10 << 20) }),
            "8 MiB",
        ),
    ] {
        let result = call(&client, tool, arguments).await;
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result).contains(expected), "{}", text(&result));
    }
}

#[tokio::test]
async fn a_panicking_handler_answers_with_an_error() {
    let (client, _heard) = connect(Capabilities::ALL).await;
    let result = call(&client, "write", json!({ "path": "a", "content": "b" })).await;
    assert_eq!(result.is_error, Some(true));
    let after = call(&client, "read", json!({ "path": "a" })).await;
    assert_ne!(after.is_error, Some(true), "the connection goes on");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_commands() {
    let (client, heard) = connect(Capabilities::ALL).await;
    let peer = client.peer().clone();
    let pending = tokio::spawn(async move {
        let _ = peer
            .call_tool(params("run", json!({ "command": "sleep 1000" })))
            .await;
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.cancel().await.unwrap();
    let heard = tokio::task::spawn_blocking(move || heard.recv_timeout(Duration::from_secs(30)));
    assert_eq!(heard.await.unwrap(), Ok(()));
    pending.abort();
}
