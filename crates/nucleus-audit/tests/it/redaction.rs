//! Secrets never reach a file; what is no secret stays readable.

use std::fs;
use std::sync::Arc;

use nucleus_audit::{
    ApprovalGiven, Boundary, Draft, Durability, Effect, Judged, Layer, Log, LogOptions, Probe,
    RecordedSubject, Redactor, Start, read,
};
use portcullis::command::Argv;
use portcullis::digest::ContentDigest;
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::request::{CommandSubject, Content, ToolClass, UrlSubject};
use portcullis::{Amount, Exposure, Operation, OperationSet, Reasons, Request, Subject};

use crate::scene::{self, SESSION, context, judge, key, word};

/// Texts with a secret in them, and the secret.
static SECRETS: &[(&str, &str)] = &[
    ("curl --token=hunter2secret x", "hunter2secret"),
    ("--api-key=abc123", "abc123"),
    ("GITHUB_TOKEN=short1 make", "short1"),
    ("PGPASSWORD=pw1 psql", "pw1"),
    ("AWS_SECRET_ACCESS_KEY=wJalr", "wJalr"),
    ("clientSecret: zzz9", "zzz9"),
    (
        "curl -H 'Authorization: Bearer abc.def-ghi' https://x.test/",
        "abc.def-ghi",
    ),
    ("Authorization: token s3cr3t with words", "s3cr3t"),
    ("Authorization: token s3cr3t with words", "words"),
    ("x-api-key: 42-42-42", "42-42-42"),
    ("Cookie: a=b; sid=qqqq", "qqqq"),
    (r#"{"password": "p q r", "user": "bob"}"#, "p q r"),
    (r#"{"token":"tok_value"}"#, "tok_value"),
    ("password = 'open sesame'", "open sesame"),
    ("git clone https://bob:pa55@example.com/r.git", "pa55"),
    ("https://x-access-token:v1@github.com/o/r", "x-access-token"),
    ("https://e.test/p?user=bob&access_token=tt1&x=1", "tt1"),
    ("https://e.test/p?X-Amz-Signature=deadbeef", "deadbeef"),
    ("sk-ant-api03-AbCdEfGhIjKlMnOpQrSt", "AbCdEfGhIjKlMnOpQrSt"),
    (
        "key ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "abcdefghijklmnopqrstuvwxyz0123456789",
    ),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("at xoxb-123456789012-abcdef", "123456789012"),
    (
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "eyJzdWIiOiIxIn0",
    ),
    (
        "echo 9f86d081884c7d659a2feaa0c55ad015 | nc h 1",
        "9f86d081884c7d659a2feaa0c55ad015",
    ),
    (
        "curl x/Zm9vYmFyQmF6UXV4MTIzNDU2Nzg5MA",
        "Zm9vYmFyQmF6UXV4MTIzNDU2Nzg5MA",
    ),
];

/// Texts without a secret.
static PLAIN: &[&str] = &[
    "src/billing/invoice_total.rs",
    "cargo test --release -p nucleus-audit --test it",
    "tokenizer.rs and authors.txt and keyboard=us",
    "git commit --author=Bob -m 'basic facts of the bearer'",
    "git show 2b66fd261ee5c6cfc8de7fa466bab600bcfe4f69",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "https://git@github.com/owner/repository.git",
    "ssh://git@example.com:22/r.git",
    "https://docs.rs/serde_json/latest/serde_json/value/enum.Value.html?search=from_str&page=2",
    "550e8400-e29b-41d4-a716-446655440000",
    "crates/nucleus-tool-proxy/tests/fixtures/2025-11-25-initialize.json",
    "refs/heads/feature/rework-the-landing-of-staged-changes-2026",
    "max_output_tokens=512",
    "python3 -m pytest tests/test_authentication_flow.py::TestLoginForm::test_wrong_user",
];

#[test]
fn texts_lose_their_secrets_and_say_so() {
    let redactor = Redactor::new();
    for (text, secret) in SECRETS {
        let cleaned = redactor.text(text);
        assert!(!cleaned.contains(secret), "`{text}` became `{cleaned}`");
        assert!(
            cleaned.contains("[redacted]"),
            "`{text}` became `{cleaned}`"
        );
        // Cleaning twice changes nothing more.
        assert_eq!(redactor.text(&cleaned), cleaned);
    }
}

#[test]
fn texts_without_secrets_stay_as_they_are() {
    let redactor = Redactor::new();
    for text in PLAIN {
        assert_eq!(redactor.text(text), *text);
    }
}

#[test]
fn a_registered_secret_is_found_in_every_spelling_it_travels_in() {
    let redactor = Redactor::new();
    let secret = b"correct horse/battery";
    assert_eq!(
        redactor.text("say correct horse/battery"),
        "say correct horse/battery"
    );
    redactor.register_secret(secret).unwrap();
    for spelling in [
        "correct horse/battery",
        "636f727265637420686f7273652f62617474657279",
        "636F727265637420686F7273652F62617474657279",
        "correct%20horse%2Fbattery",
        "correct%20horse%2fbattery",
    ] {
        let text = format!("a {spelling} b");
        assert!(!redactor.text(&text).contains(spelling), "{text}");
    }
    use base64::Engine as _;
    for before in ["", "x", "xy"] {
        let encoded = base64::engine::general_purpose::STANDARD
            .encode([before.as_bytes(), secret, b"tail"].concat());
        let cleaned = redactor.text(&encoded).into_owned();
        assert!(cleaned.contains("[redacted]"), "{encoded} became {cleaned}");
    }
    assert!(redactor.register_secret(b"abc").is_err());
}

#[test]
fn a_line_of_a_registered_key_is_a_secret() {
    let redactor = Redactor::new();
    redactor
        .register_secret(b"-----BEGIN X-----\nplain words of a key file\n-----END X-----\n")
        .unwrap();
    assert_eq!(
        redactor.text("a plain words of a key file b"),
        "a [redacted] b"
    );
}

fn record(log: &Log, request: &Request) {
    let decision = judge(request);
    let judged = Judged {
        request,
        decision: &decision,
        session: word(Exposure::NONE),
        reserved: true,
    };
    let draft = Draft::decision(context(5, Exposure::TRIFECTA), judged);
    let _ = log.record(&draft, (), Durability::Buffered).unwrap();
}

fn request(operation: Operation, subject: Subject) -> Request {
    Request::builder("uid:1000", SESSION, operation, subject).build()
}

fn command(argv: &[&str], environment: &[(&str, &str)]) -> Subject {
    Subject::Command(CommandSubject {
        argv: Argv::new(argv.iter().copied()).unwrap(),
        cwd: RelPath::root(),
        environment: environment
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        stdin: Some(ContentDigest::of(b"CANARY-stdin")),
        executable: None,
    })
}

/// A subject of every form, each with the canary where a secret could be.
fn subjects(canary: &str) -> Vec<Subject> {
    let path = |text: &str| RelPath::parse(text).unwrap();
    let host = Host::parse("example.com").unwrap();
    vec![
        Subject::Path(path(&format!("a/{canary}"))),
        Subject::Move {
            from: path(canary),
            to: path(&format!("b-{canary}")),
        },
        command(
            &["tool", canary, &format!("--x={canary}")],
            &[("HOME", canary)],
        ),
        Subject::Query {
            backend: host.clone(),
            text: format!("find {canary}"),
        },
        Subject::Url(UrlSubject {
            method: "GET".to_owned(),
            scheme: "https".to_owned(),
            host,
            port: 443,
            path: Some(UrlPath::parse(&format!("/a/{canary}")).unwrap()),
            query: format!("q={canary}"),
            upgrade: false,
            credential: Some(canary.to_owned()),
        }),
        Subject::Commit {
            repository: path(""),
            branch: canary.to_owned(),
            message: canary.to_owned(),
            paths: vec![path(canary)],
        },
        Subject::Push {
            url: format!("https://{canary}@h.test/"),
            reference: canary.to_owned(),
            old: "0".repeat(40),
            new: canary.to_owned(),
            paths: vec![path(canary)],
        },
        Subject::PullRequest {
            url: canary.to_owned(),
            base: canary.to_owned(),
            head: canary.to_owned(),
            text: canary.to_owned(),
        },
        Subject::Tool {
            server: canary.to_owned(),
            tool: canary.to_owned(),
            pin: ContentDigest::of(b"pin"),
            arguments: format!("{{\"a\":\"{canary}\"}}"),
            class: ToolClass::UNKNOWN,
            is_classified: false,
        },
    ]
}

/// Records the canary in every text that a draft can carry.
fn record_everywhere(log: &Log, canary: &str) {
    for subject in subjects(canary) {
        let request = Request::builder(canary, SESSION, OperationSet::ALL, subject)
            .content(Content::Inline(canary.as_bytes().into()))
            .provenance(portcullis::Provenance {
                accepted_by: Some(canary.to_owned()),
                planned_step: None,
            })
            .build();
        record(log, &request);
    }
    let now = nucleus_audit::Context {
        principal: canary,
        ..context(6, Exposure::TRIFECTA)
    };
    let digest = request(Operation::ReadFiles, Subject::Path(RelPath::root())).digest();
    let given = ApprovalGiven {
        request: digest,
        shown: Reasons::NONE,
        approver: canary,
        via: canary,
    };
    for draft in [
        Draft::note(now, canary),
        Draft::expose(now, Exposure::NONE, canary),
        Draft::lockdown(now, canary),
        Draft::lift(now, canary),
        Draft::approval(now, given),
        Draft::outcome(now, 1, Effect::Failed(canary), Amount::ZERO),
        Draft::end(now, canary),
    ] {
        let _ = log.record(&draft, (), Durability::Buffered).unwrap();
    }
}

#[test]
fn a_registered_secret_is_in_no_file_whatever_carries_it() {
    let canary = "canary~plain~words";
    for is_registered in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let redactor = Arc::new(Redactor::new());
        if is_registered {
            redactor.register_secret(canary.as_bytes()).unwrap();
        }
        let options = LogOptions {
            redactor,
            ..LogOptions::default()
        };
        let log = Log::create(dir.path(), SESSION, options, key()).unwrap();
        let envelope = scene::envelope();
        let text = || canary.to_owned();
        let start = Start {
            envelope: &envelope,
            boundary: Boundary::Jail,
            layers: &[Layer {
                name: text(),
                state: text(),
                detail: text(),
            }],
            probes: &[Probe {
                name: text(),
                held: true,
                detail: text(),
            }],
            software: canary,
        };
        let _ = log.record(
            &Draft::start(context(1, Exposure::NONE), start),
            (),
            Durability::Buffered,
        );
        record_everywhere(&log, canary);
        log.close().unwrap();
        let mut found = 0;
        for entry in fs::read_dir(dir.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            found += memchr::memmem::find_iter(&bytes, canary).count();
        }
        // The twin shows that the canary would have been everywhere.
        assert_eq!(found > 40, !is_registered, "{found}");
        assert_eq!(found == 0, is_registered, "{found}");
    }
}

#[test]
fn values_of_the_environment_and_content_are_never_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let subject = command(&["make"], &[("PLAIN_NAME", "CANARY-value"), ("EMPTY", "")]);
    let with_content = Request::builder("uid:1000", SESSION, Operation::RunBash, subject)
        .content(Content::Inline(b"CANARY-content".as_slice().into()))
        .build();
    record(&log, &with_content);
    log.close().unwrap();
    let text = fs::read_to_string(dir.path().join("audit-0000.jsonl")).unwrap();
    assert!(!text.contains("CANARY"), "{text}");
    let record = read(dir.path()).unwrap().nth(1).unwrap().unwrap();
    assert_eq!(record.body.redacted, ["environment"]);
    let Some(RecordedSubject::Command {
        environment, stdin, ..
    }) = record.body.subject
    else {
        panic!("a command");
    };
    assert_eq!(environment, ["PLAIN_NAME", "EMPTY"]);
    assert_eq!(stdin, Some(ContentDigest::of(b"CANARY-stdin")));
    let part = record.body.request.unwrap();
    assert_eq!(part.content, Some(ContentDigest::of(b"CANARY-content")));
    assert_eq!(part.digest, with_content.digest());
}

/// The arguments as they are recorded.
fn recorded_argv(argv: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    record(&log, &request(Operation::RunBash, command(argv, &[])));
    log.close().unwrap();
    match read(dir.path())
        .unwrap()
        .nth(1)
        .unwrap()
        .unwrap()
        .body
        .subject
    {
        Some(RecordedSubject::Command { argv, .. }) => argv,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_argument_that_a_flag_announces_is_left_out() {
    let mark = "[redacted]";
    assert_eq!(
        recorded_argv(&["x", "--password", "pw", "y"]),
        ["x", "--password", mark, "y"]
    );
    assert_eq!(
        recorded_argv(&["curl", "-u", "a:b", "u"]),
        ["curl", "-u", mark, "u"]
    );
    assert_eq!(
        recorded_argv(&["env", "A=1", "curl", "-u", "a:b"]),
        ["env", "A=1", "curl", "-u", mark]
    );
    assert_eq!(
        recorded_argv(&["mysql", "-pSecret", "db"]),
        ["mysql", "-p[redacted]", "db"]
    );
    assert_eq!(recorded_argv(&["sort", "-u", "a:b"]), ["sort", "-u", "a:b"]);
    assert_eq!(
        recorded_argv(&["git", "push", "-u", "origin"]),
        ["git", "push", "-u", "origin"]
    );
}

#[test]
fn an_overlong_argument_is_kept_as_its_digest() {
    let long = "word ".repeat(300_000);
    let argv = recorded_argv(&["echo", &long]);
    assert_eq!(argv[0], "echo");
    assert_eq!(
        argv[1],
        format!(
            "[left out: 1500000 bytes, sha256 {}]",
            ContentDigest::of(long.as_bytes())
        )
    );
}
