//! The monitor as a server: the tools of a session over MCP, one connection per client.
//!
//! Thin by rule: a tool call is parsed, handed to the session's hands, and its
//! answer written back. Nothing here decides, touches a file or starts a
//! process; [`Hands`] is the only way to act, and every act behind it passes
//! the monitor.

mod arguments;
mod hands;
mod reply;
mod serve;
mod server;
mod session;
mod tools;

pub use arguments::{
    Call, CommitArgs, CreatePrArgs, DiffArgs, EditArgs, GlobArgs, GrepArgs, PushArgs, ReadArgs,
    RunArgs, WebFetchArgs, WebSearchArgs, WriteArgs,
};
pub use hands::{Failure, Hands, Progress, Reply};
pub use serve::{MAX_FRAME_BYTES, serve, serve_stream};
pub use server::ToolServer;
pub use session::SessionHands;
pub use tools::{ToolSpec, tool_specs};
