//! A small MCP client over `nucleus mcp`, for the agent inside.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A connection to the session's tools.
#[derive(Debug)]
pub(super) struct Client {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next_id: u64,
}

/// The answer of a tool.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) data: Value,
    pub(super) is_error: bool,
}

impl Client {
    /// Connects as any MCP client does: starts `nucleus mcp` and initializes.
    pub(super) fn connect() -> io::Result<Self> {
        let mut child = Command::new("nucleus")
            .arg("mcp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let missing = || io::Error::other("`nucleus mcp` has no standard streams");
        let to = child.stdin.take().ok_or_else(missing)?;
        let from = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut client = Self {
            child,
            to,
            from,
            next_id: 0,
        };
        client.ask(
            "initialize",
            &json!({
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": { "name": "nucleus-demo", "version": "1" },
            }),
        )?;
        client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))?;
        Ok(client)
    }

    /// Calls a tool and waits for its answer.
    pub(super) fn call(&mut self, tool: &str, arguments: &Value) -> io::Result<Answer> {
        let reply = self.ask(
            "tools/call",
            &json!({ "name": tool, "arguments": arguments }),
        )?;
        if let Some(error) = reply.get("error") {
            let text = error["message"].as_str().unwrap_or("refused").to_owned();
            return Ok(Answer {
                text,
                data: Value::Null,
                is_error: true,
            });
        }
        let result = &reply["result"];
        let blocks = result["content"].as_array().cloned().unwrap_or_default();
        Ok(Answer {
            text: blocks
                .iter()
                .filter_map(|block| block["text"].as_str())
                .collect(),
            data: match &result["structuredContent"] {
                Value::Null => result["_meta"]["nucleus"].clone(),
                data => data.clone(),
            },
            is_error: result["isError"] == true,
        })
    }

    fn ask(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        self.next_id += 1;
        let id = self.next_id;
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.from.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let message: Value = serde_json::from_str(&line)?;
            if message["id"] == id && message.get("method").is_none() {
                return Ok(message);
            }
        }
    }

    fn say(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.to, "{message}")?;
        self.to.flush()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
