//! The recorded requests judged again.

use nucleus_audit::{Context, Draft, Durability, Judged, Log, LogOptions, Redactor, replay};
use portcullis::command::Argv;
use portcullis::envelope::EnvelopeParts;
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;
use portcullis::request::{CommandSubject, ToolClass, UrlSubject};
use portcullis::{
    Capabilities, ContentDigest, Decision, Envelope, Exposure, Level, Operation, Outcome, Reason,
    Reasons, Request, SessionWord, Subject, decide,
};

use crate::scene::{self, SESSION, context, word};

/// Judges and records a request under this envelope; returns the exposure after it.
fn record(log: &Log, envelope: &Envelope, session: SessionWord, request: &Request) -> Exposure {
    let decision = decide(envelope, session, request, true, None);
    let after = match &decision {
        Decision::Permit(permit) => permit.projected(),
        _ => session.exposure,
    };
    let now = Context {
        envelope: envelope.digest(),
        ..context(5, after)
    };
    let judged = Judged {
        request,
        decision: &decision,
        session,
        reserved: true,
    };
    let _ = log
        .record(&Draft::decision(now, judged), (), Durability::Buffered)
        .unwrap();
    after
}

fn request(operation: Operation, subject: Subject) -> Request {
    Request::builder("uid:1000", SESSION, operation, subject).build()
}

fn command(argv: &[&str]) -> Subject {
    Subject::Command(CommandSubject {
        argv: Argv::new(argv.iter().copied()).unwrap(),
        cwd: RelPath::root(),
        environment: vec![("PATH".to_owned(), "/bin".to_owned())],
        stdin: None,
        executable: None,
    })
}

fn url(path: &str) -> Subject {
    Subject::Url(UrlSubject {
        method: "POST".to_owned(),
        scheme: "https".to_owned(),
        host: Host::parse("example.com").unwrap(),
        port: 443,
        path: Some(UrlPath::parse(path).unwrap()),
        query: "a=b".to_owned(),
        upgrade: false,
        credential: None,
    })
}

/// A request of every form.
fn requests() -> Vec<Request> {
    let path = |text: &str| RelPath::parse(text).unwrap();
    vec![
        request(Operation::ReadFiles, Subject::Path(path("src/lib.rs"))),
        request(Operation::WriteFiles, Subject::Path(path(".git/config"))),
        request(
            Operation::WriteFiles,
            Subject::Move {
                from: path("a"),
                to: path("b"),
            },
        ),
        request(Operation::RunBash, command(&["cargo", "test"])),
        request(Operation::RunBash, command(&["git", "push"])),
        request(Operation::WebFetch, url("/o/r/git-receive-pack")),
        request(Operation::WebFetch, url("/pulls")),
        request(
            Operation::WebSearch,
            Subject::Query {
                backend: Host::parse("search.test").unwrap(),
                text: "x".to_owned(),
            },
        ),
        request(
            Operation::GitCommit,
            Subject::Commit {
                repository: path(""),
                branch: "main".to_owned(),
                message: "m".to_owned(),
                paths: vec![path("a"), path(".envrc")],
            },
        ),
        request(
            Operation::GitPush,
            Subject::Push {
                url: "https://h.test/r".to_owned(),
                reference: "refs/heads/x".to_owned(),
                old: "0".repeat(40),
                new: "1".repeat(40),
                paths: vec![path("a"), path(".envrc")],
            },
        ),
        request(
            Operation::CreatePr,
            Subject::PullRequest {
                url: "https://h.test/r".to_owned(),
                base: "main".to_owned(),
                head: "x".to_owned(),
                text: "text".to_owned(),
            },
        ),
        request(
            Operation::ManagePods,
            Subject::Child {
                envelope: scene::envelope().digest(),
            },
        ),
        Request::builder(
            "uid:1000",
            SESSION,
            Operation::WebFetch,
            Subject::Tool {
                server: "s".to_owned(),
                tool: "t".to_owned(),
                pin: ContentDigest::of(b"pin"),
                arguments: "{}".to_owned(),
                class: ToolClass::UNKNOWN,
                is_classified: false,
            },
        )
        .carrying(Exposure::UNTRUSTED)
        .build(),
    ]
}

/// A log with a request of every form, judged in order.
fn recorded() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let mut exposure = Exposure::NONE;
    for request in requests() {
        exposure = record(&log, &scene::envelope(), word(exposure), &request);
    }
    log.close().unwrap();
    dir
}

#[test]
fn under_the_recorded_envelope_every_decision_comes_out_the_same() {
    let report = replay(recorded().path(), None).unwrap();
    assert_eq!(report.decisions, requests().len() as u64);
    assert_eq!(
        (report.changed, report.unchanged),
        (vec![], requests().len() as u64)
    );
    assert_eq!(
        (report.by_recorded_facts, report.exposure_breaks),
        (0, vec![])
    );
}

#[test]
fn under_another_envelope_the_difference_is_named() {
    let parts = EnvelopeParts {
        capabilities: Capabilities::ALL.with(Operation::RunBash, Level::Never),
        ..EnvelopeParts::everything()
    };
    let report = replay(recorded().path(), Some(&Envelope::new(parts))).unwrap();
    let changed: Vec<_> = report
        .changed
        .iter()
        .map(|change| (change.sequence, change.recomputed))
        .collect();
    assert_eq!(changed, [(4, Outcome::Deny), (5, Outcome::Deny)]);
    assert!(
        report.changed[0]
            .recomputed_reasons
            .contains(Reason::LevelNever)
    );
    assert_eq!(report.unchanged + 2, report.decisions);
    assert_eq!(report.unknown, Vec::<u64>::new());
}

#[test]
fn a_tightened_envelope_judges_from_there_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let ask = request(Operation::RunBash, command(&["ls"]));
    let after = record(&log, &scene::envelope(), word(Exposure::NONE), &ask);
    let tight = Envelope::new(EnvelopeParts::nothing());
    let now = Context {
        envelope: tight.digest(),
        ..context(6, after)
    };
    let _ = log
        .record(&Draft::tighten(now, &tight), (), Durability::Durable)
        .unwrap();
    record(&log, &tight, word(after), &ask);
    log.close().unwrap();
    let report = replay(dir.path(), None).unwrap();
    assert_eq!((report.decisions, report.unchanged), (2, 2));
}

#[test]
fn a_redacted_subject_is_unknown_under_another_envelope_and_never_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let redactor = std::sync::Arc::new(Redactor::new());
    redactor.register_secret(b"hush-hush").unwrap();
    let log = scene::open(
        dir.path(),
        LogOptions {
            redactor,
            ..LogOptions::default()
        },
    );
    let secret = request(Operation::RunBash, command(&["echo", "hush-hush"]));
    record(&log, &scene::envelope(), word(Exposure::NONE), &secret);
    log.close().unwrap();
    let own = replay(dir.path(), None).unwrap();
    assert_eq!((own.unchanged, own.by_recorded_facts), (1, 1));
    let other = replay(dir.path(), Some(&scene::envelope())).unwrap();
    assert_eq!((other.unchanged, other.unknown), (0, vec![1]));
}

#[test]
fn a_decision_that_the_envelope_does_not_give_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let ask = request(Operation::RunBash, command(&["ls"]));
    // Recorded under an envelope that is not the one in force.
    record(
        &log,
        &Envelope::new(EnvelopeParts::nothing()),
        word(Exposure::NONE),
        &ask,
    );
    log.close().unwrap();
    let report = replay(dir.path(), None).unwrap();
    assert_eq!(report.unchanged, 0);
    assert_eq!(report.changed[0].recorded, Outcome::Deny);
    assert_eq!(report.changed[0].recomputed, Outcome::Permit);
    assert_eq!(report.changed[0].recomputed_reasons, Reasons::NONE);
}

#[test]
fn exposure_that_falls_or_rises_by_a_refusal_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    for (moment, exposure) in [(2, Exposure::PRIVATE), (3, Exposure::NONE)] {
        let note = Draft::note(context(moment, exposure), "x");
        let _ = log.record(&note, (), Durability::Buffered).unwrap();
    }
    log.close().unwrap();
    assert_eq!(replay(dir.path(), None).unwrap().exposure_breaks, [2]);
}
