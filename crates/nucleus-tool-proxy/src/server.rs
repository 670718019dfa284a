//! The MCP server of one connection.

use std::sync::Arc;

use rmcp::ErrorData as McpError;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ProgressNotificationParam, ProgressToken, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::{Peer, RequestContext, RoleServer};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::arguments::Call;
use crate::hands::{Failure, Hands, Progress};
use crate::reply;
use crate::tools::tool_specs;

/// What a client is told when it connects.
const INSTRUCTIONS: &str = "Every call is judged by a policy that can only tighten while the \
session runs. A refusal is a result with `isError` that names the rule and a way out; adapt to it \
instead of repeating the call. Paths are relative to the workspace.";

/// Serves the tools of one session's hands.
pub struct ToolServer<H> {
    hands: Arc<H>,
    connection: CancellationToken,
}

impl<H> std::fmt::Debug for ToolServer<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolServer").finish_non_exhaustive()
    }
}

impl<H: Hands> ToolServer<H> {
    /// A server over these hands; when `connection` fires, every call under way is cancelled.
    #[must_use]
    pub fn new(hands: Arc<H>, connection: CancellationToken) -> Self {
        Self { hands, connection }
    }

    /// The tools whose operations the envelope does not put at `never` and that have their means.
    fn offered(&self) -> Vec<Tool> {
        let (envelope, lacking) = (self.hands.envelope(), self.hands.without_means());
        let specs = tool_specs()
            .iter()
            .filter(|spec| spec.is_offered(&envelope, lacking));
        specs.map(crate::tools::ToolSpec::definition).collect()
    }

    /// Runs one call on a thread of its own.
    async fn run(
        &self,
        call: Call,
        context: &RequestContext<RoleServer>,
    ) -> Result<crate::Reply, Failure> {
        let hands = Arc::clone(&self.hands);
        let cancel = self.connection.child_token();
        let watch = tokio::spawn({
            let (asked, cancel) = (context.ct.clone(), cancel.clone());
            async move {
                asked.cancelled().await;
                cancel.cancel();
            }
        });
        let progress = Telling::new(context);
        let task = tokio::task::spawn_blocking(move || hands.call(call, &progress, &cancel)).await;
        watch.abort();
        // FAIL-CLOSED: a handler that panicked answers with an error, not with silence.
        task.unwrap_or_else(|_| Err(internal()))
    }

    /// The answer to a call that could not be read.
    async fn denied(&self, tool: String, why: String) -> Failure {
        let hands = Arc::clone(&self.hands);
        let task = tokio::task::spawn_blocking(move || hands.deny_malformed(&tool, &why)).await;
        task.unwrap_or_else(|_| internal())
    }
}

fn internal() -> Failure {
    Failure::Failed("the call ended in an internal error".to_owned())
}

impl<H: Hands> ServerHandler for ToolServer<H> {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("nucleus", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, McpError> {
        Ok(ListToolsResult::with_all_items(self.offered()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.offered().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, McpError> {
        let answer = match Call::parse(&request.name, request.arguments) {
            Ok(call) => self.run(call, &context).await,
            Err(why) => Err(self.denied(request.name.into_owned(), why).await),
        };
        Ok(reply::result(answer).into())
    }
}

/// Sends progress to the client that asked for it.
struct Telling {
    runtime: Handle,
    target: Option<(Peer<RoleServer>, ProgressToken)>,
}

impl Telling {
    fn new(context: &RequestContext<RoleServer>) -> Self {
        let token = context.meta.get_progress_token();
        let target = token.map(|token| (context.peer.clone(), token));
        Self {
            runtime: Handle::current(),
            target,
        }
    }
}

impl Progress for Telling {
    fn output(&self, total_bytes: u64, tail: &str) {
        let Some((peer, token)) = &self.target else {
            return;
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "progress is a hint; the cap is below 2^53"
        )]
        let note = ProgressNotificationParam::new(token.clone(), total_bytes as f64)
            .with_message(tail.to_owned());
        // A client that does not read its progress does not hold the command up.
        let peer = peer.clone();
        self.runtime
            .spawn(async move { peer.notify_progress(note).await });
    }
}
