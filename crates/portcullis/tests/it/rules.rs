//! Each rule of the design alone changes an outcome, and each has a twin that is permitted.

use portcullis::command::{Argv, CommandPattern};
use portcullis::glob::PathPattern;
use portcullis::host::{Host, HostPattern, HostRule, UrlPath, UrlPathPattern};
use portcullis::path::RelPath;
use portcullis::{
    Approval, Capabilities, CommandSubject, Conjunction, Content, ContentDigest, Decision, Envelope, EnvelopeParts,
    Exposure, GitPattern, Level, Operation, OperationSet, Outcome, Phase, Provenance, Reason, Reasons, Request,
    Section, SessionId, SessionWord, Subject, TextPattern, ToolClass, Union, UrlSubject, decide,
};

const OPEN: SessionWord = SessionWord { phase: Phase::Active, in_window: true, exposure: Exposure::NONE };

fn path(text: &str) -> Subject {
    Subject::Path(RelPath::parse(text).unwrap())
}

fn command(line: &str) -> Subject {
    Subject::Command(CommandSubject::new(Argv::new(line.split(' ')).unwrap()))
}

fn url(method: &str, host: &str, path: &str) -> Subject {
    Subject::Url(UrlSubject {
        method: method.to_owned(),
        scheme: "https".to_owned(),
        host: Host::parse(host).unwrap(),
        port: 443,
        path: Some(UrlPath::parse(path).unwrap()),
        query: String::new(),
        upgrade: false,
        credential: None,
    })
}

fn push(url: &str) -> Subject {
    push_of(url, &[])
}

fn push_of(url: &str, files: &[&str]) -> Subject {
    Subject::Push {
        url: url.to_owned(),
        reference: "refs/heads/main".to_owned(),
        old: "0".repeat(40),
        new: "1".repeat(40),
        paths: files.iter().map(|file| RelPath::parse(file).unwrap()).collect(),
    }
}

fn request(op: Operation, subject: Subject) -> Request {
    Request::builder("uid:1000", SessionId::from_bytes([1; 16]), op, subject).build()
}

fn patterns(texts: &[&str]) -> Vec<PathPattern> {
    texts.iter().map(|text| PathPattern::parse(text).unwrap()).collect()
}

/// All operations at one level, the source tree, tests, one host and one remote listed.
fn parts(level: Level) -> EnvelopeParts {
    let nothing = EnvelopeParts::nothing();
    EnvelopeParts {
        capabilities: Operation::ALL.into_iter().map(|op| (op, level)).collect(),
        paths: Section { listed: Conjunction::of(patterns(&["src/**"])), blocked: Union::of(patterns(&[".env"])) },
        commands: Section {
            listed: Conjunction::of([CommandPattern::exact("cargo", &["test"])]),
            blocked: Union::of([CommandPattern::exact("curl", &[])]),
        },
        hosts: Section {
            listed: Conjunction::of([HostRule::new(HostPattern::parse("example.com").unwrap())]),
            blocked: Union::of([HostRule::new(HostPattern::parse("evil.test").unwrap())]),
        },
        git: Section {
            listed: Conjunction::of([
                GitPattern::Commit { repository: TextPattern::new(""), branch: TextPattern::new("*") },
                GitPattern::Remote {
                    url: TextPattern::new("https://forge.test/us/*"),
                    reference: TextPattern::new("*"),
                },
            ]),
            blocked: Union::default(),
        },
        ..nothing
    }
}

fn envelope(level: Level) -> Envelope {
    Envelope::new(parts(level))
}

fn judge(envelope: &Envelope, session: SessionWord, request: &Request) -> (Outcome, Reasons) {
    let decision = decide(envelope, session, request, true, None);
    (decision.outcome(), decision.reasons())
}

#[track_caller]
fn assert_judged(envelope: &Envelope, session: SessionWord, request: &Request, expected: &[Reason]) {
    let reasons: Reasons = expected.iter().copied().collect();
    let outcome = if !reasons.intersection(Reasons::DENYING).is_empty() {
        Outcome::Deny
    } else if reasons.is_empty() {
        Outcome::Permit
    } else {
        Outcome::NeedsApproval
    };
    assert_eq!(judge(envelope, session, request), (outcome, reasons));
}

#[test]
fn levels_mean_what_the_table_says() {
    let cases = [
        (Level::Never, "src/a.rs", vec![Reason::LevelNever, Reason::NotListed]),
        (Level::Never, "docs/a", vec![Reason::LevelNever]),
        (Level::LowRisk, "src/a.rs", vec![]),
        (Level::LowRisk, "docs/a", vec![Reason::NotListed]),
        (Level::LowRisk, "docs/.env", vec![Reason::SubjectBlocked, Reason::NotListed]),
        (Level::LowRisk, "src/.env", vec![Reason::SubjectBlocked]),
        (Level::Always, "src/a.rs", vec![]),
        (Level::Always, "docs/a", vec![]),
        (Level::Always, "src/.ENV", vec![Reason::SubjectBlocked]),
    ];
    for (level, text, expected) in cases {
        let asked = request(Operation::WriteFiles, path(text));
        let expected: Vec<_> =
            expected.into_iter().filter(|reason| level != Level::Never || *reason != Reason::NotListed).collect();
        assert_judged(&envelope(level), OPEN, &asked, &expected);
    }
}

#[test]
fn ended_locked_and_late_sessions_deny() {
    let asked = request(Operation::ReadFiles, path("src/a.rs"));
    let envelope = envelope(Level::Always);
    let ended = SessionWord { phase: Phase::Ended, ..OPEN };
    let locked = SessionWord { phase: Phase::LockedDown, ..OPEN };
    let late = SessionWord { in_window: false, ..OPEN };
    assert_judged(&envelope, ended, &asked, &[Reason::SessionEnded]);
    assert_judged(&envelope, locked, &asked, &[Reason::LockedDown]);
    assert_judged(&envelope, late, &asked, &[Reason::OutsideWindow]);
    assert_judged(&envelope, OPEN, &asked, &[]);
}

#[test]
fn unreserved_budget_denies() {
    let asked = request(Operation::RunBash, command("cargo test"));
    let decision = decide(&envelope(Level::LowRisk), OPEN, &asked, false, None);
    assert_eq!(decision.outcome(), Outcome::Deny);
    assert_eq!(decision.reasons(), Reasons::of(Reason::BudgetNotReserved));
    assert_judged(&envelope(Level::LowRisk), OPEN, &asked, &[]);
}

#[test]
fn obligation_asks_even_where_always() {
    let obliged =
        Envelope::new(EnvelopeParts { approvals: OperationSet::of(Operation::RunBash), ..parts(Level::Always) });
    let asked = request(Operation::RunBash, command("make"));
    assert_judged(&obliged, OPEN, &asked, &[Reason::Obliged]);
    assert_judged(&envelope(Level::Always), OPEN, &asked, &[]);
}

#[test]
fn activation_paths_ask_whatever_the_exposure() {
    let envelope = envelope(Level::Always);
    for text in [".git/hooks/pre-commit", ".vscode/tasks.json", "sub/.git/config", "AGENTS.md"] {
        let asked = request(Operation::WriteFiles, path(text));
        assert_judged(&envelope, OPEN, &asked, &[Reason::ActivationPath]);
        let read = request(Operation::ReadFiles, path(text));
        assert_judged(&envelope, OPEN, &read, &[]);
    }
    let plain = request(Operation::EditFiles, path("src/main.rs"));
    assert_judged(&envelope, OPEN, &plain, &[]);
}

#[test]
fn renaming_is_judged_for_both_names() {
    let envelope = envelope(Level::Always);
    let moved = |from: &str, to: &str| {
        let subject = Subject::Move { from: RelPath::parse(from).unwrap(), to: RelPath::parse(to).unwrap() };
        request(Operation::WriteFiles, subject)
    };
    assert_judged(&envelope, OPEN, &moved("src/a", ".envrc"), &[Reason::ActivationPath]);
    assert_judged(&envelope, OPEN, &moved(".env", "src/a"), &[Reason::SubjectBlocked]);
    assert_judged(&envelope, OPEN, &moved("src/a", "src/b"), &[]);
}

#[test]
fn commits_are_judged_by_their_files() {
    let envelope = envelope(Level::LowRisk);
    let commit = |files: &[&str]| {
        let subject = Subject::Commit {
            repository: RelPath::root(),
            branch: "main".to_owned(),
            message: "m".to_owned(),
            paths: files.iter().map(|file| RelPath::parse(file).unwrap()).collect(),
        };
        request(Operation::GitCommit, subject)
    };
    assert_judged(&envelope, OPEN, &commit(&["src/a.rs", "docs/b"]), &[]);
    let hooked = commit(&["src/a.rs", ".github/workflows/ci.yml"]);
    assert_judged(&envelope, OPEN, &hooked, &[Reason::ActivationPath]);
    assert_judged(&envelope, OPEN, &commit(&["x/.env"]), &[Reason::SubjectBlocked]);
}

#[test]
fn pushes_are_judged_by_the_files_of_their_commits() {
    let envelope = envelope(Level::Always);
    let pushed = |files: &[&str]| {
        let subject = push_of("https://forge.test/us/it", files);
        request(Operation::GitPush, subject)
    };
    assert_judged(&envelope, OPEN, &pushed(&["src/a.rs", "docs/b"]), &[]);
    let workflow = pushed(&["src/a.rs", ".github/workflows/ci.yml"]);
    assert_judged(&envelope, OPEN, &workflow, &[Reason::ActivationPath]);
    let secret = pushed(&["x/.env"]);
    assert_judged(&envelope, OPEN, &secret, &[Reason::SubjectBlocked]);
    assert_ne!(pushed(&[]).digest(), pushed(&["a"]).digest());
    assert_ne!(pushed(&["a"]).digest(), pushed(&["b"]).digest());
}

#[test]
fn trifecta_gates_every_exfil_sink() {
    let envelope = envelope(Level::Always);
    let fetch = request(Operation::WebFetch, url("GET", "example.com", "/"));
    let private = SessionWord { exposure: Exposure::PRIVATE, ..OPEN };
    // A fetch brings untrusted content itself, so private data alone completes the trifecta.
    assert_judged(&envelope, private, &fetch, &[Reason::FlowExfil]);
    assert_judged(&envelope, OPEN, &fetch, &[]);
    let both = SessionWord { exposure: Exposure::PRIVATE.join(Exposure::UNTRUSTED), ..OPEN };
    let pushed = request(Operation::GitPush, push("https://forge.test/us/it"));
    assert_judged(&envelope, both, &pushed, &[Reason::FlowExfil, Reason::FlowEffect]);
    assert_judged(&envelope, private, &pushed, &[]);
}

#[test]
fn untrusted_content_gates_every_effect_sink_unless_sourced() {
    let envelope = envelope(Level::Always);
    let untrusted = SessionWord { exposure: Exposure::UNTRUSTED, ..OPEN };
    let subject = push("https://forge.test/us/it");
    let asked = request(Operation::GitPush, subject.clone());
    assert_judged(&envelope, untrusted, &asked, &[Reason::FlowEffect]);
    assert_judged(&envelope, OPEN, &asked, &[]);
    let sourced = Request::builder("uid:1000", SessionId::from_bytes([1; 16]), Operation::GitPush, subject)
        .provenance(Provenance { accepted_by: Some("task".to_owned()), planned_step: None })
        .build();
    assert_judged(&envelope, untrusted, &sourced, &[]);
}

#[test]
fn strict_mode_gates_exfil_after_any_source() {
    let strict = Envelope::new(EnvelopeParts { strict: true, ..parts(Level::Always) });
    let private = SessionWord { exposure: Exposure::PRIVATE, ..OPEN };
    let asked = request(Operation::GitPush, push("https://forge.test/us/it"));
    assert_judged(&strict, private, &asked, &[Reason::FlowStrict]);
    assert_judged(&envelope(Level::Always), private, &asked, &[]);
}

#[test]
fn quiet_and_trusted_hosts_are_neither_sink_nor_source() {
    let quiet = HostRule::new(HostPattern::parse("docs.test").unwrap())
        .with_methods(["GET"])
        .and_then(|rule| rule.with_paths([UrlPathPattern::parse("/book/**").unwrap()]))
        .and_then(|rule| rule.with_sink(false))
        .unwrap();
    let mut with_quiet = parts(Level::Always);
    with_quiet.declarations.quiet_hosts = Conjunction::of([quiet.clone()]);
    let envelope = Envelope::new(with_quiet.clone());
    let both = SessionWord { exposure: Exposure::PRIVATE.join(Exposure::UNTRUSTED), ..OPEN };
    let fetch = |method, host, path| request(Operation::WebFetch, url(method, host, path));
    assert_judged(&envelope, both, &fetch("GET", "docs.test", "/book/1"), &[]);
    assert_judged(&envelope, both, &fetch("GET", "docs.test", "/x"), &[Reason::FlowExfil]);
    assert_judged(&envelope, both, &fetch("POST", "docs.test", "/book/1"), &[Reason::FlowExfil, Reason::FlowEffect]);
    with_quiet.declarations.trusted_hosts = Conjunction::of([quiet]);
    let trusting = Envelope::new(with_quiet);
    let sources =
        |envelope: &Envelope| decide(envelope, OPEN, &fetch("GET", "docs.test", "/book/1"), true, None).facts().sources;
    assert_eq!(sources(&envelope), Exposure::UNTRUSTED);
    assert_eq!(sources(&trusting), Exposure::NONE);
}

#[test]
fn pushes_and_pull_requests_over_http_are_recognised() {
    let no_push = Envelope::new(EnvelopeParts {
        capabilities: Capabilities::NONE.with(Operation::WebFetch, Level::Always),
        ..parts(Level::Always)
    });
    for route in ["/us/it.git/git-receive-pack", "/repos/us/it/pulls"] {
        let asked = request(Operation::WebFetch, url("POST", "example.com", route));
        assert_judged(&no_push, OPEN, &asked, &[Reason::LevelNever, Reason::FlowEffect]);
    }
    // What the answer brings in is untrusted, so a change at such a host asks by itself.
    let asked = request(Operation::WebFetch, url("POST", "example.com", "/graph"));
    assert_judged(&no_push, OPEN, &asked, &[Reason::FlowEffect]);
}

#[test]
fn a_command_is_judged_as_all_it_is_recognised_as() {
    let no_push = Envelope::new(EnvelopeParts {
        capabilities: Capabilities::ALL.with(Operation::GitPush, Level::Never),
        ..parts(Level::Always)
    });
    let asked = request(Operation::RunBash, command("git push origin main"));
    assert_judged(&no_push, OPEN, &asked, &[Reason::LevelNever]);
    let status = request(Operation::RunBash, command("git status"));
    assert_judged(&no_push, OPEN, &status, &[]);
}

#[test]
fn unclassified_tools_ask_on_every_call() {
    let tool = |is_classified| {
        let subject = Subject::Tool {
            server: "files".to_owned(),
            tool: "read".to_owned(),
            pin: ContentDigest::of(b"definition"),
            arguments: "{}".to_owned(),
            class: ToolClass { sinks: portcullis::Sinks::default(), ..ToolClass::UNKNOWN },
            is_classified,
        };
        request(Operation::ReadFiles, subject)
    };
    let envelope = envelope(Level::Always);
    assert_judged(&envelope, OPEN, &tool(false), &[Reason::Obliged]);
    assert_judged(&envelope, OPEN, &tool(true), &[]);
}

#[test]
fn request_without_operation_is_denied() {
    let bare =
        Request::builder("uid:1000", SessionId::from_bytes([1; 16]), OperationSet::EMPTY, path("src/a.rs")).build();
    assert_judged(&envelope(Level::Always), OPEN, &bare, &[Reason::LevelNever]);
}

#[test]
fn approval_is_bound_to_request_envelope_and_reasons_shown() {
    let low = envelope(Level::LowRisk);
    let asked = request(Operation::WriteFiles, path("docs/a"));
    let Decision::NeedsApproval(refusal) = decide(&low, OPEN, &asked, true, None) else {
        panic!("an unlisted path needs approval");
    };
    let approval = Approval::vouched_by_host(&refusal, low.digest(), "uid:1000");
    let with = |envelope: &Envelope, session, request: &Request| {
        decide(envelope, session, request, true, Some(&approval)).outcome()
    };
    assert_eq!(with(&low, OPEN, &asked), Outcome::Permit);
    // Another request, another envelope, a reason that was not shown, a rule of 1 to 5.
    let other = request(Operation::WriteFiles, path("docs/b"));
    assert_eq!(with(&low, OPEN, &other), Outcome::NeedsApproval);
    let narrower = low.meet(&Envelope::new(EnvelopeParts { strict: true, ..EnvelopeParts::everything() }));
    assert_eq!(with(&narrower, OPEN, &asked), Outcome::NeedsApproval);
    let locked = SessionWord { phase: Phase::LockedDown, ..OPEN };
    assert_eq!(with(&low, locked, &asked), Outcome::Deny);
    let changed = Request::builder("uid:1000", SessionId::from_bytes([1; 16]), Operation::WriteFiles, path("docs/a"))
        .content(Content::Inline(b"other bytes".as_slice().into()))
        .build();
    assert_eq!(with(&low, OPEN, &changed), Outcome::NeedsApproval);
}

#[test]
fn a_reason_not_shown_is_not_discharged() {
    let envelope = envelope(Level::LowRisk);
    let asked = request(Operation::GitPush, push("https://elsewhere.test/x"));
    let Decision::NeedsApproval(refusal) = decide(&envelope, OPEN, &asked, true, None) else {
        panic!("an unlisted remote needs approval");
    };
    let approval = Approval::vouched_by_host(&refusal, envelope.digest(), "uid:1000");
    let later = SessionWord { exposure: Exposure::UNTRUSTED, ..OPEN };
    let judged = |session| decide(&envelope, session, &asked, true, Some(&approval)).outcome();
    assert_eq!(judged(OPEN), Outcome::Permit);
    assert_eq!(judged(later), Outcome::NeedsApproval);
}

#[test]
fn capability_trifecta_obliges_exfil_statically() {
    let reachable = Envelope::new(EnvelopeParts { capability_trifecta: true, ..parts(Level::Always) });
    let asked = request(Operation::WebFetch, url("GET", "example.com", "/"));
    assert_judged(&reachable, OPEN, &asked, &[Reason::Obliged]);
    let no_way_out = Envelope::new(EnvelopeParts {
        capability_trifecta: true,
        capabilities: Capabilities::ALL
            .with(Operation::WebFetch, Level::Always)
            .with(Operation::RunBash, Level::Never)
            .with(Operation::ReadFiles, Level::Never)
            .with(Operation::GlobSearch, Level::Never)
            .with(Operation::GrepSearch, Level::Never),
        ..parts(Level::Always)
    });
    assert_judged(&no_way_out, OPEN, &asked, &[]);
}
