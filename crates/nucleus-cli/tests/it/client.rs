//! What a client of the tools sees and does while a command runs: it is told how far, it cancels, it leaves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::{Scene, nucleus};

/// Long enough for a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client of `nucleus mcp` in the jail of a session, frame by frame.
struct Client {
    session: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Client {
    fn connect(scene: &Scene) -> Self {
        let mut session = Command::new(nucleus())
            .args(["run", "--profile", "fix-issue", "--", "nucleus", "mcp"])
            .env_clear()
            .envs(scene.environment())
            .current_dir(scene.workspace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut client = Self {
            input: session.stdin.take(),
            output: BufReader::new(session.stdout.take().unwrap()),
            session,
            last: 0,
        };
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        });
        let asked = client.ask("initialize", hello);
        client.answer_to(asked);
        client.tell("notifications/initialized", json!({}));
        client
    }

    fn send(&mut self, frame: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{frame}").unwrap();
        input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    fn call(&mut self, tool: &str, arguments: Value) -> u64 {
        let meta = json!({ "progressToken": "far" });
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        self.ask("tools/call", params)
    }

    fn frame(&mut self) -> Value {
        let mut line = String::new();
        assert_ne!(
            self.output.read_line(&mut line).unwrap(),
            0,
            "the server left"
        );
        serde_json::from_str(&line).unwrap()
    }

    fn answer_to(&mut self, id: u64) -> Value {
        loop {
            let frame = self.frame();
            if frame["id"] == id {
                return frame;
            }
        }
    }

    /// Starts a command that says `started` and would run for hours, and waits until the client was told so.
    fn long_command(&mut self, seconds: &str) -> u64 {
        let command = format!("sh -c 'echo started; sleep {seconds} & sleep {seconds}'");
        let asked = self.call(
            "run",
            json!({ "command": command, "timeout_seconds": 3600 }),
        );
        loop {
            let frame = self.frame();
            assert_ne!(frame["id"], asked, "it ended: {frame}");
            if frame["method"] == "notifications/progress" {
                let params = &frame["params"];
                assert_eq!(params["progressToken"], "far");
                assert!(params["progress"].as_f64().unwrap() > 0.0);
                assert!(params["message"].as_str().unwrap().contains("started"));
                return asked;
            }
        }
    }
}

/// How many processes of this machine sleep for so long.
fn asleep(seconds: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let expected = format!("sleep\0{seconds}\0");
    processes
        .filter_map(|process| std::fs::read(process.path().join("cmdline")).ok())
        .filter(|line| line == expected.as_bytes())
        .count()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A number of seconds that no other test waits for.
fn hours(of: u32) -> String {
    format!("{}.{of}", 40_000 + std::process::id() % 10_000)
}

#[test]
fn a_client_is_told_how_far_a_command_is_and_ends_it() {
    let scene = Scene::new();
    let seconds = hours(1);
    let mut client = Client::connect(&scene);
    let asked = client.long_command(&seconds);
    wait_until("both children run", || asleep(&seconds) == 2);
    let params = json!({ "requestId": asked, "reason": "enough" });
    client.tell("notifications/cancelled", params);
    wait_until("a cancelled command is killed with all it started", || {
        asleep(&seconds) == 0
    });
    // The twin: the session goes on.
    let read = client.call("read", json!({ "path": "a.txt" }));
    let answer = client.answer_to(read);
    assert_eq!(answer["result"]["content"][0]["text"], "first\n");
    drop(client.input.take());
    assert!(client.session.wait().unwrap().success());
}

#[test]
fn a_client_that_leaves_ends_what_it_started() {
    let scene = Scene::new();
    let seconds = hours(2);
    let mut client = Client::connect(&scene);
    client.long_command(&seconds);
    wait_until("both children run", || asleep(&seconds) == 2);
    drop(client.input.take());
    wait_until("its command is killed with all it started", || {
        asleep(&seconds) == 0
    });
    assert!(client.session.wait().unwrap().success());
}
