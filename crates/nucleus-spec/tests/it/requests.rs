//! Builds requests and judges them under an envelope, in a fresh session.

use nucleus_spec::{Source, parse_policy};
use portcullis::command::Argv;
use portcullis::decide::decide;
use portcullis::digest::ContentDigest;
use portcullis::envelope::Envelope;
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::request::{CommandSubject, Request, SessionId, Subject, ToolClass, UrlSubject};
use portcullis::verdict::{Phase, SessionWord};
use portcullis::{Exposure, Operation, OperationSet, Outcome, Sinks};

pub(crate) fn envelope(text: &str) -> Envelope {
    parse_policy(&Source::new("test.toml", text))
        .unwrap()
        .envelope()
        .clone()
}

pub(crate) fn judge(envelope: &Envelope, request: &Request) -> Outcome {
    judge_in(envelope, request, Exposure::NONE)
}

pub(crate) fn judge_in(envelope: &Envelope, request: &Request, exposure: Exposure) -> Outcome {
    let session = SessionWord {
        phase: Phase::Active,
        in_window: true,
        exposure,
    };
    decide(envelope, session, request, true, None).outcome()
}

fn request(operations: impl Into<OperationSet>, subject: Subject) -> Request {
    Request::builder(
        "tester",
        SessionId::from_bytes([7; 16]),
        operations,
        subject,
    )
    .build()
}

pub(crate) fn on_path(op: Operation, path: &str) -> Request {
    request(op, Subject::Path(RelPath::parse(path).unwrap()))
}

pub(crate) fn run(words: &[&str]) -> Request {
    let argv = Argv::new(words.iter().copied()).unwrap();
    request(
        Operation::RunBash,
        Subject::Command(CommandSubject::new(argv)),
    )
}

pub(crate) fn fetch(method: &str, host: &str, port: u16, path: &str) -> Request {
    let subject = UrlSubject {
        method: method.to_owned(),
        scheme: "https".to_owned(),
        host: Host::parse(host).unwrap(),
        port,
        path: Some(UrlPath::parse(path).unwrap()),
        query: String::new(),
        upgrade: false,
        credential: None,
    };
    request(Operation::WebFetch, Subject::Url(subject))
}

/// A dial that nobody can inspect.
pub(crate) fn dial(host: &str, port: u16) -> Request {
    let subject = UrlSubject {
        method: "CONNECT".to_owned(),
        scheme: "tcp".to_owned(),
        host: Host::parse(host).unwrap(),
        port,
        path: None,
        query: String::new(),
        upgrade: false,
        credential: None,
    };
    request(Operation::WebFetch, Subject::Url(subject))
}

pub(crate) fn search() -> Request {
    let backend = Host::parse("search.example.com").unwrap();
    request(
        Operation::WebSearch,
        Subject::Query {
            backend,
            text: "how".to_owned(),
        },
    )
}

pub(crate) fn commit(repository: &str, branch: &str) -> Request {
    request(
        Operation::GitCommit,
        Subject::Commit {
            repository: RelPath::parse(repository).unwrap(),
            branch: branch.to_owned(),
            message: "fix".to_owned(),
            paths: vec![RelPath::parse("src/main.rs").unwrap()],
        },
    )
}

pub(crate) fn push(url: &str, reference: &str) -> Request {
    let (url, reference) = (url.to_owned(), reference.to_owned());
    let (old, new) = ("0".repeat(40), "1".repeat(40));
    request(
        Operation::GitPush,
        Subject::Push {
            url,
            reference,
            old,
            new,
            paths: Vec::new(),
        },
    )
}

pub(crate) fn pull_request(url: &str, base: &str) -> Request {
    let (url, base) = (url.to_owned(), base.to_owned());
    request(
        Operation::CreatePr,
        Subject::PullRequest {
            url,
            base,
            head: "topic".to_owned(),
            text: "t".to_owned(),
        },
    )
}

pub(crate) fn child(envelope: &Envelope) -> Request {
    request(
        Operation::ManagePods,
        Subject::Child {
            envelope: envelope.digest(),
        },
    )
}

/// A tool that the catalog knows as a read without sinks.
pub(crate) fn tool(server: &str, tool: &str) -> Request {
    request(
        Operation::ReadFiles,
        Subject::Tool {
            server: server.to_owned(),
            tool: tool.to_owned(),
            pin: ContentDigest::of(b"definition"),
            arguments: "{}".to_owned(),
            class: ToolClass {
                sources: Exposure::NONE,
                sinks: Sinks {
                    exfil: false,
                    effect: false,
                },
            },
            is_classified: true,
        },
    )
}

/// One request of every operation, none of them blocked by the shipped defaults.
pub(crate) fn one_of(op: Operation, envelope: &Envelope) -> Request {
    match op {
        Operation::RunBash => run(&["cargo", "test"]),
        Operation::WebSearch => search(),
        Operation::WebFetch => fetch("GET", "docs.rs", 443, "/serde"),
        Operation::GitCommit => commit("", "main"),
        Operation::GitPush => push("https://example.com/a.git", "refs/heads/main"),
        Operation::CreatePr => pull_request("https://example.com/a.git", "refs/heads/main"),
        Operation::ManagePods => child(envelope),
        path => on_path(path, "src/main.rs"),
    }
}
