//! C22: an allowed tool of another server that writes where others read is judged as the way out that it is.
//!
//! No transport carries such calls yet, so they are made at the door itself, with what the shipped catalog says of each tool.

use std::sync::Arc;

use nucleus::Monitor;
use nucleus::monitor::{Need, Refused, SessionOptions};
use nucleus_audit::{Log, LogOptions, SigningKey};
use nucleus_spec::catalog::{Catalog, Launch};
use nucleus_spec::{Source, parse_policy};
use portcullis::digest::ContentDigest;
use portcullis::path::RelPath;
use portcullis::request::Subject;
use portcullis::{Amount, Operation, SessionId};

/// Every operation of these tools is allowed by itself.
const POLICY: &str = "
[capabilities]
read_files = \"always\"
web_fetch = \"always\"
web_search = \"always\"
write_files = \"always\"
[network]
hosts = \"everything\"
[tools]
listed = \"everything\"
blocked = []
[flow]
workspace = \"untrusted\"
";

struct Session {
    monitor: Arc<Monitor>,
    _dir: tempfile::TempDir,
}

impl Session {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let id = SessionId::from_bytes([7; 16]);
        let key = SigningKey::from_seed(&[1; 32]);
        let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
        let policy = parse_policy(&Source::new("permissions.toml", POLICY)).unwrap();
        let options = SessionOptions::new(policy.envelope().clone(), "tester", id, log);
        Self {
            monitor: Monitor::open(options).unwrap(),
            _dir: dir,
        }
    }

    fn admit(
        &self,
        operations: impl Into<portcullis::OperationSet>,
        subject: Subject,
    ) -> Result<(), Refused> {
        let request = self.monitor.request(operations, subject).build();
        let admitted = self.monitor.admit(&request, Amount::ZERO, Need::Durable)?;
        admitted.ticket.done().unwrap();
        Ok(())
    }

    fn reads_the_secret(&self) {
        let path = RelPath::parse("notes/secret.txt").unwrap();
        self.admit(Operation::ReadFiles, Subject::Path(path))
            .unwrap();
    }

    /// A call of a tool that the catalog knows, with the secret in its arguments.
    fn calls(&self, server: &str, tool: &str) -> Result<(), Refused> {
        let launch = Launch::default();
        let known = Catalog::shipped().server(server).unwrap();
        let effects = known.tool(tool, &launch).unwrap().effects();
        let subject = Subject::Tool {
            server: server.to_owned(),
            tool: tool.to_owned(),
            pin: ContentDigest::of(b"definition"),
            arguments: "{\"text\":\"c4n4ry\"}".to_owned(),
            class: effects.class(),
            is_classified: true,
        };
        self.admit(effects.operations, subject)
    }
}

#[test]
fn a_tool_that_writes_where_others_read_is_refused_after_the_secret_was_read() {
    for (server, tool) in [
        ("google-workspace", "create_drive_file"),
        ("github", "add_issue_comment"),
        ("github", "create_gist"),
        ("slack", "slack_post_message"),
        ("brave-search", "brave_web_search"),
    ] {
        let session = Session::new();
        session.reads_the_secret();
        let refused = session.calls(server, tool).unwrap_err();
        let rules = refused.rules();
        assert!(
            rules.iter().any(|rule| rule.starts_with("flow_")),
            "{server}/{tool}: {rules:?}"
        );
        // The allow twin: before anything was read, the same call tells nobody anything.
        let fresh = Session::new();
        fresh
            .calls(server, tool)
            .unwrap_or_else(|refused| panic!("{server}/{tool}: {refused}"));
    }
}

#[test]
fn a_tool_that_only_reads_is_no_way_out() {
    let session = Session::new();
    session.reads_the_secret();
    for (server, tool) in [("time", "get_current_time"), ("filesystem", "read_file")] {
        session
            .calls(server, tool)
            .unwrap_or_else(|refused| panic!("{server}/{tool}: {refused}"));
    }
}

/// FAIL-CLOSED: what the catalog does not know is a way out by every call, whatever was read.
#[test]
fn a_tool_that_nobody_knows_asks_at_once() {
    let session = Session::new();
    let subject = Subject::Tool {
        server: "mine".to_owned(),
        tool: "anything".to_owned(),
        pin: ContentDigest::of(b"definition"),
        arguments: "{}".to_owned(),
        class: portcullis::ToolClass::UNKNOWN,
        is_classified: false,
    };
    let refused = session.admit(Operation::ReadFiles, subject).unwrap_err();
    assert_eq!(refused.code(), "approval_required", "{refused}");
}
