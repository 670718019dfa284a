//! The one door: what it changes, what it records, and what it does in doubt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nucleus::monitor::{Doubt, Need, RefusedKind, Terms};
use nucleus::ports::{Approver, FaultPoint, FaultStep, Grant, Question};
use nucleus::sandbox::LineRange;
use nucleus::{Error, Exposure, MonitorError, Refused};
use nucleus_audit::{Effect, Kind};
use portcullis::path::RelPath;
use portcullis::request::{Content, ContentId, Request, SessionId, Subject};
use portcullis::{Amount, Approval, Operation, OperationSet, Reason, Reasons};
use proptest::prelude::*;

use super::session::{MovedClock, OPEN, Session, policy, verify};

fn file(path: &str) -> Subject {
    Subject::Path(RelPath::parse(path).unwrap())
}

fn read_request(session: &Session, path: &str) -> Request {
    session
        .monitor()
        .request(Operation::ReadFiles, file(path))
        .build()
}

fn push_request(session: &Session, url: &str) -> Request {
    let subject = Subject::Push {
        url: url.to_owned(),
        reference: "refs/heads/main".to_owned(),
        old: "0".repeat(40),
        new: "1".repeat(40),
        paths: Vec::new(),
    };
    session
        .monitor()
        .request(Operation::GitPush, subject)
        .build()
}

const PUSHING: &str = r#"
[capabilities]
read_files = "always"
git_push = "always"
[git]
remotes = [{ url = "https://example.com/a.git", refs = ["main"] }]
[budget]
max_cost_usd = 1.0
[time]
valid_hours = 1
"#;

fn refused(outcome: Result<nucleus::monitor::Admitted, Refused>) -> Refused {
    outcome.map(|_| ()).unwrap_err()
}

/// The records that the kernel has.
fn written(session: &Session) -> usize {
    let files = std::fs::read_dir(session.monitor().log().dir()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let records = files.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let lines = records.map(|path| std::fs::read_to_string(path).unwrap().lines().count());
    lines.sum()
}

#[test]
fn a_record_waits_for_the_disk_where_data_could_leave_and_for_the_kernel_elsewhere() {
    let session = Session::under(PUSHING);
    let monitor = session.monitor();
    let durable = |request: &Request| {
        let admitted = monitor
            .admit(request, Amount::ZERO, Need::DurableForSinks)
            .unwrap();
        let sequence = admitted.ticket.sequence();
        assert!(written(&session) as u64 > sequence, "the kernel has it");
        let durable = monitor.log().status().unwrap().durable > sequence;
        admitted.ticket.done().unwrap();
        durable
    };
    assert!(!durable(&read_request(&session, "x")));
    let push = push_request(&session, "https://example.com/a.git");
    assert!(durable(&push));
}

#[test]
fn an_outcome_that_is_to_come_soon_has_its_place_at_once_and_is_written_when_asked_for() {
    let session = Session::under(PUSHING);
    let monitor = session.monitor();
    let admit = || {
        let request = read_request(&session, "x");
        monitor
            .admit(&request, Amount::ZERO, Need::Buffered)
            .unwrap()
    };
    let records = || usize::try_from(monitor.log().status().unwrap().records).unwrap();
    admit().ticket.finish(Effect::Done, Amount::ZERO).unwrap();
    assert_eq!(written(&session), records());
    let admitted = admit();
    let before = records();
    admitted
        .ticket
        .finish_soon(Effect::Done, Amount::ZERO)
        .unwrap();
    assert_eq!(records(), before + 1);
    assert_eq!(written(&session), before);
    monitor.write_records().unwrap();
    assert_eq!(written(&session), before + 1);
}

#[test]
fn a_permit_changes_exposure_and_budget_and_a_refusal_changes_neither() {
    let session = Session::under(PUSHING);
    let monitor = session.monitor();
    let before = (monitor.exposure(), monitor.budget().remaining());
    let write = monitor.request(Operation::WriteFiles, file("x")).build();
    let cost = Amount::of_micro_usd(10);
    assert_eq!(
        refused(monitor.admit(&write, cost, Need::Durable)).kind(),
        RefusedKind::PolicyDenied
    );
    assert_eq!((monitor.exposure(), monitor.budget().remaining()), before);

    let admitted = monitor
        .admit(&read_request(&session, "x"), cost, Need::Buffered)
        .unwrap();
    assert_eq!(monitor.exposure(), Exposure::PRIVATE);
    assert_eq!(
        monitor.budget().remaining().micro_usd,
        before.1.micro_usd - 10
    );
    admitted
        .ticket
        .finish(Effect::Done, Amount::of_micro_usd(3))
        .unwrap();
    assert_eq!(
        monitor.budget().remaining().micro_usd,
        before.1.micro_usd - 3
    );
    assert_eq!(
        session.kinds(),
        [Kind::Start, Kind::Refusal, Kind::Permit, Kind::Outcome]
    );
    session.end();
}

#[test]
fn a_push_needs_approval_once_the_trifecta_is_complete_and_not_before() {
    let session = Session::under(PUSHING);
    let monitor = session.monitor();
    let push = push_request(&session, "https://example.com/a.git");
    drop(monitor.admit(&push, Amount::ZERO, Need::Durable).unwrap());
    drop(
        monitor
            .admit(
                &read_request(&session, "src/billing.rs"),
                Amount::ZERO,
                Need::Buffered,
            )
            .unwrap(),
    );
    drop(monitor.admit(&push, Amount::ZERO, Need::Durable).unwrap());
    monitor
        .expose(Exposure::UNTRUSTED, "fetched `example.com`")
        .unwrap();
    let refused = refused(monitor.admit(&push, Amount::ZERO, Need::Durable));
    assert_eq!(refused.kind(), RefusedKind::ApprovalRequired);
    assert_eq!(refused.operation(), "git_push");
    insta::assert_snapshot!(refused.to_string(), @r"
    `git push to refs/heads/main` needs approval (git_push)
      private data and untrusted content were seen, and data could leave here
      untrusted content was seen, and this changes something outside the session
      session has read `src/billing.rs` (private data) and fetched `example.com` (untrusted content)
    help: finish without it and let the user do this step, or start a new session that does not read that content
    ");
    insta::assert_json_snapshot!(refused.to_json(), @r#"
    {
      "code": "approval_required",
      "evidence": [
        "read `src/billing.rs` (private data)",
        "fetched `example.com` (untrusted content)"
      ],
      "operation": "git_push",
      "rule": [
        "private data and untrusted content were seen, and data could leave here",
        "untrusted content was seen, and this changes something outside the session"
      ],
      "rules": [
        "flow_exfil",
        "flow_effect"
      ],
      "subject": "git push to refs/heads/main",
      "way_out": "finish without it and let the user do this step, or start a new session that does not read that content"
    }
    "#);
}

/// Says yes to what it is told to, with a nonce of its own choice.
#[derive(Debug)]
struct Human {
    asked: AtomicUsize,
    nonce: [u8; 16],
    shown: Option<Reasons>,
    expires_boot_ms: u64,
}

impl Human {
    fn new() -> Self {
        Self {
            asked: AtomicUsize::new(0),
            nonce: [7; 16],
            shown: None,
            expires_boot_ms: u64::MAX,
        }
    }
}

impl Approver for Human {
    fn ask(&self, question: &Question<'_>) -> Option<Grant> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self
            .shown
            .is_some_and(|shown| shown != question.refusal.reasons())
        {
            return None;
        }
        let approval = Approval::vouched_by_host(question.refusal, question.envelope, "uid:0");
        Some(Grant {
            approval,
            nonce: self.nonce,
            expires_boot_ms: self.expires_boot_ms,
        })
    }
}

const OBLIGED: &str = r#"
[capabilities]
write_files = "always"
read_files = "always"
[obligations]
approvals = ["write_files"]
[budget]
max_cost_usd = 1.0
[time]
valid_hours = 1
"#;

#[test]
fn an_approval_is_spent_once_and_recorded_before_its_permit() {
    let human = Arc::new(Human::new());
    let session = Session::with(OBLIGED, |options| options.approver = human.clone());
    session.sandbox.write("a", b"1").unwrap();
    assert_eq!(session.on_disk("a").as_deref(), Some("1"));
    let expected = [
        Kind::Start,
        Kind::Refusal,
        Kind::Approval,
        Kind::Permit,
        Kind::Outcome,
    ];
    assert_eq!(session.kinds(), expected);
    let again = session.sandbox.write("b", b"1");
    assert!(
        matches!(
            again,
            Err(Error::ApprovalRequired {
                operation: "write_files",
                ..
            })
        ),
        "{again:?}"
    );
    assert_eq!(session.on_disk("b"), None, "the nonce was spent");
    assert_eq!(human.asked.load(Ordering::SeqCst), 2);
    assert_eq!(session.monitor().summary().approvals, 1);
    session.end();
}

#[test]
fn without_an_approver_an_obliged_operation_is_refused() {
    let session = Session::under(OBLIGED);
    assert!(matches!(
        session.sandbox.write("a", b"1"),
        Err(Error::ApprovalRequired { .. })
    ));
    assert_eq!(session.on_disk("a"), None);
}

#[test]
fn an_expired_approval_is_worth_nothing() {
    let human = Arc::new(Human {
        expires_boot_ms: 1,
        ..Human::new()
    });
    let session = Session::with(OBLIGED, |options| options.approver = human);
    assert!(matches!(
        session.sandbox.write("a", b"1"),
        Err(Error::ApprovalRequired { .. })
    ));
    assert!(!session.kinds().contains(&Kind::Approval));
}

#[test]
fn an_approval_of_one_request_is_worth_nothing_for_another() {
    let session = Session::under(OBLIGED);
    let monitor = session.monitor();
    let request = |path: &str| monitor.request(Operation::WriteFiles, file(path)).build();
    let first = refused(monitor.admit(&request("a"), Amount::ZERO, Need::Durable));
    let approval = Approval::vouched_by_host(
        first.refusal().unwrap(),
        monitor.envelope().digest(),
        "uid:0",
    );
    let grant = Grant {
        approval,
        nonce: [1; 16],
        expires_boot_ms: u64::MAX,
    };
    let terms = Terms::default();
    let other = refused(monitor.admit_approved(&request("b"), &terms, &grant));
    assert_eq!(other.kind(), RefusedKind::ApprovalRequired);
    assert!(
        monitor
            .admit_approved(&request("a"), &terms, &grant)
            .is_ok()
    );
    let twice = refused(monitor.admit_approved(&request("a"), &terms, &grant));
    assert_eq!(twice.kind(), RefusedKind::ApprovalRequired);
}

#[test]
fn a_reason_that_was_not_shown_is_not_discharged() {
    let session = Session::under(OBLIGED);
    let monitor = session.monitor();
    let request = monitor.request(Operation::WriteFiles, file("a")).build();
    let shown = refused(monitor.admit(&request, Amount::ZERO, Need::Durable));
    assert_eq!(shown.reasons(), Reasons::of(Reason::Obliged));
    let approval = Approval::vouched_by_host(
        shown.refusal().unwrap(),
        monitor.envelope().digest(),
        "uid:0",
    );
    let grant = Grant {
        approval,
        nonce: [1; 16],
        expires_boot_ms: u64::MAX,
    };
    monitor
        .tighten(
            policy(&OBLIGED.replace("write_files = \"always\"", "write_files = \"low_risk\""))
                .envelope(),
        )
        .unwrap();
    let after = refused(monitor.admit_approved(&request, &Terms::default(), &grant));
    assert_eq!(
        after.kind(),
        RefusedKind::ApprovalRequired,
        "the envelope is another"
    );
}

#[test]
fn a_restart_never_renews_budget_or_window_of_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let (at, id) = (dir.path().join("log"), SessionId::from_bytes([3; 16]));
    let key = || nucleus_audit::SigningKey::from_seed(&[5; 32]);
    let log = nucleus_audit::Log::create(&at, id, Default::default(), key()).unwrap();
    let envelope = policy(OPEN).envelope().clone();
    let options = |log, session| {
        let mut options =
            nucleus::monitor::SessionOptions::new(envelope.clone(), "tester", session, log);
        options.window_file = Some(dir.path().join("window.json"));
        options
    };
    let first = nucleus::Monitor::open(options(log, id)).unwrap();
    let cost = Amount::of_micro_usd(4_000_000);
    let request = first.request(Operation::ReadFiles, file("x")).build();
    let admitted = first.admit(&request, cost, Need::Durable).unwrap();
    drop((admitted, first));
    // As after `kill -9`: the log goes on where it was, the session does not.
    let context = nucleus_audit::Context {
        times: nucleus_audit::Times::default(),
        principal: "tester",
        parent: None,
        exposure: Exposure::NONE,
        envelope: envelope.digest(),
        budget: portcullis::Ledger::open(Amount::ZERO),
    };
    let (log, _) =
        nucleus_audit::Log::recover(&at, id, Default::default(), key(), &context).unwrap();
    let error = nucleus::Monitor::open(options(log, id)).unwrap_err();
    assert!(matches!(error, MonitorError::StartedBefore), "{error}");
    // The twin: a new session with a log of its own, whose window is still the old one.
    let other = SessionId::from_bytes([4; 16]);
    let log = nucleus_audit::Log::create(&dir.path().join("new"), other, Default::default(), key());
    nucleus::Monitor::open(options(log.unwrap(), other)).unwrap();
}

/// Panics once at a step.
#[derive(Debug)]
struct Panics {
    at: FaultStep,
    armed: AtomicBool,
}

impl FaultPoint for Panics {
    fn reached(&self, step: FaultStep) {
        assert!(
            !(step == self.at && self.armed.swap(false, Ordering::SeqCst)),
            "planted"
        );
    }
}

fn panicking(at: FaultStep) -> (Session, Arc<Panics>) {
    let faults = Arc::new(Panics {
        at,
        armed: AtomicBool::new(false),
    });
    let session = Session::with(OPEN, |options| options.faults = faults.clone());
    (session, faults)
}

#[test]
fn a_panic_under_the_lock_ends_the_session_and_is_recorded() {
    for step in [FaultStep::Reserved, FaultStep::Raised] {
        let (session, faults) = panicking(step);
        session.write("a", "1");
        session.sandbox.read("a", LineRange::default()).unwrap();
        faults.armed.store(true, Ordering::SeqCst);
        let broken = session.sandbox.read("a", LineRange::default()).unwrap_err();
        assert_eq!(broken.refused().unwrap().doubt(), Some(Doubt::Panicked));
        assert!(session.kinds().contains(&Kind::Lockdown));
        let after = session.sandbox.read("a", LineRange::default()).unwrap_err();
        assert!(matches!(after, Error::StateBlocked { .. }), "{after}");
        assert!(
            session.monitor().lift("no").is_err(),
            "a half-changed state is not lifted"
        );
        verify(&session.log_dir(), session.state.root());
    }
}

#[test]
fn a_panic_in_a_handler_locks_the_session_down_until_the_host_lifts_it() {
    let session = Session::open();
    session.write("a", "1");
    let outcome = session
        .monitor()
        .guarded(|| -> Result<(), Error> { panic!("planted") });
    assert!(matches!(outcome, Err(Error::StateBlocked { .. })));
    assert_eq!(session.monitor().summary().phase, "locked_down");
    assert!(matches!(
        session.sandbox.read_bytes("a"),
        Err(Error::StateBlocked { .. })
    ));
    session.monitor().lift("looked at it").unwrap();
    assert_eq!(session.sandbox.read_bytes("a").unwrap(), b"1");
    assert_eq!(session.monitor().guarded(|| Ok(5)).unwrap(), 5);
}

#[test]
fn a_clock_that_goes_back_denies_and_is_recorded() {
    let clock = Arc::new(MovedClock::default());
    let session = Session::with(OPEN, |options| options.clock = clock.clone());
    session.write("a", "1");
    session.sandbox.read_bytes("a").unwrap();
    clock.behind_ms.store(60_000, Ordering::SeqCst);
    let error = session.sandbox.read_bytes("a").unwrap_err();
    assert_eq!(
        error.refused().unwrap().doubt(),
        Some(Doubt::ClockWentBack),
        "{error}"
    );
    assert_eq!(session.kinds().last(), Some(&Kind::Refusal));
    clock.behind_ms.store(0, Ordering::SeqCst);
    session.sandbox.read_bytes("a").unwrap();
}

#[test]
fn a_window_that_is_over_denies() {
    let clock = Arc::new(MovedClock::default());
    let session = Session::with(OPEN, |options| options.clock = clock.clone());
    session.write("a", "1");
    session.sandbox.read_bytes("a").unwrap();
    clock.ahead_ms.store(3_600_000, Ordering::SeqCst);
    let error = session.sandbox.read_bytes("a").unwrap_err();
    assert!(matches!(error, Error::StateBlocked { .. }));
    assert_eq!(
        error.refused().unwrap().reasons(),
        Reasons::of(Reason::OutsideWindow)
    );
}

#[test]
fn requests_that_are_not_this_sessions_are_denied_and_recorded() {
    let session = Session::open();
    let monitor = session.monitor();
    let other = |principal: &str, id: SessionId, operations: OperationSet| {
        Request::builder(principal, id, operations, file("a")).build()
    };
    let own = monitor.session();
    let read = OperationSet::of(Operation::ReadFiles);
    let cases = [
        (
            other(monitor.principal(), SessionId::from_bytes([9; 16]), read),
            Doubt::ForeignRequest,
        ),
        (other("uid:99999", own, read), Doubt::ForeignRequest),
        (
            other(monitor.principal(), own, OperationSet::EMPTY),
            Doubt::UnknownOperation,
        ),
    ];
    for (request, doubt) in cases {
        let before = session.records().len();
        let refused = refused(monitor.admit(&request, Amount::ZERO, Need::Durable));
        assert_eq!(
            (refused.kind(), refused.doubt()),
            (RefusedKind::StateBlocked, Some(doubt))
        );
        assert_eq!(session.records().len(), before + 1);
    }
    let twin = other(monitor.principal(), own, read);
    assert!(monitor.admit(&twin, Amount::ZERO, Need::Buffered).is_ok());
}

#[test]
fn an_effect_does_not_happen_when_its_record_cannot_be_written() {
    let session = Session::with(OPEN, |options| options.log.rotate_bytes = 4096);
    let log = session.log_dir();
    std::fs::rename(&log, log.with_extension("away")).unwrap();
    let mut written = 0;
    let error = loop {
        match session.sandbox.write(&format!("f{written}"), b"x") {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 200, "the log never failed");
    };
    assert!(
        matches!(
            error,
            Error::StateBlocked { .. } | Error::Monitor(MonitorError::Log(_))
        ),
        "{error}"
    );
    assert_eq!(session.on_disk(&format!("f{}", written + 1)), None);
    let after = session.sandbox.write("later", b"x").unwrap_err();
    assert!(matches!(after, Error::StateBlocked { .. }), "{after}");
    assert_eq!(session.on_disk("later"), None);
    assert_eq!(session.monitor().summary().phase, "ended");
}

#[test]
fn sessions_on_one_workspace_share_what_they_have_touched() {
    let first = Session::open();
    let second = Session::beside(&first.dir, OPEN, |_| {}).unwrap();
    assert_eq!(second.monitor().exposure(), Exposure::NONE);
    first
        .monitor()
        .expose(Exposure::UNTRUSTED, "fetched `example.com`")
        .unwrap();
    assert_eq!(second.monitor().exposure(), Exposure::UNTRUSTED);
    first.write("a", "1");
    second.sandbox.read_bytes("a").unwrap();
    assert_eq!(
        first.monitor().exposure(),
        Exposure::PRIVATE.join(Exposure::UNTRUSTED)
    );
    assert!(
        second.kinds().contains(&Kind::Expose),
        "the log of the other says so too"
    );
    let elsewhere = Session::open();
    assert_eq!(elsewhere.monitor().exposure(), Exposure::NONE);
    let dir = first.dir.clone();
    drop((first, second));
    let later = Session::beside(&dir, OPEN, |_| {}).unwrap();
    assert_eq!(
        later.monitor().exposure(),
        Exposure::NONE,
        "it ended with the last of them"
    );
}

#[test]
fn a_child_is_at_most_its_parent_and_spends_and_touches_for_it() {
    let denied = Session::under(PUSHING);
    let beside = Session::beside(&denied.dir, OPEN, |options| {
        options.parent = Some(denied.monitor().clone())
    });
    assert!(matches!(
        beside.err(),
        Some(Error::PolicyDenied {
            operation: "manage_pods",
            ..
        })
    ));
    let parent = Session::under(&PUSHING.replace("[git]", "manage_pods = \"always\"\n[git]"));
    let dir = Arc::new(tempfile::tempdir().unwrap());
    std::fs::create_dir(dir.path().join("ws")).unwrap();
    let of = parent.monitor().clone();
    let child = Session::beside(&dir, OPEN, |options| options.parent = Some(of)).unwrap();
    assert!(child.monitor().envelope().leq(&parent.monitor().envelope()));
    assert!(matches!(
        child.sandbox.write("a", b"1"),
        Err(Error::PolicyDenied { .. })
    ));
    child.write("a", "1");
    child.sandbox.read_bytes("a").unwrap();
    assert_eq!(parent.monitor().exposure(), Exposure::PRIVATE);
    parent.monitor().expose(Exposure::UNTRUSTED, "x").unwrap();
    assert!(Exposure::UNTRUSTED.leq(child.monitor().exposure()));
    let before = parent.monitor().budget().remaining();
    let request = child
        .monitor()
        .request(Operation::ReadFiles, file("a"))
        .build();
    drop(
        child
            .monitor()
            .admit(&request, Amount::of_micro_usd(9), Need::Buffered)
            .unwrap(),
    );
    assert_eq!(
        parent.monitor().budget().remaining().micro_usd,
        before.micro_usd - 9
    );
}

#[test]
fn held_content_exposes_when_it_is_looked_at_and_labels_what_uses_it() {
    let session = Session::under(PUSHING);
    let monitor = session.monitor();
    let id = monitor
        .hold(b"secret".as_slice().into(), Exposure::PRIVATE)
        .unwrap();
    assert_eq!(monitor.exposure(), Exposure::NONE);
    let read = || monitor.request(Operation::ReadFiles, file("a"));
    let request = monitor.with_held(read(), id).unwrap().build();
    assert_eq!(request.carried(), Exposure::PRIVATE);
    let admitted = monitor
        .admit(&request, Amount::ZERO, Need::Durable)
        .unwrap();
    let bytes = monitor.content_for(&admitted.permit, &request).unwrap();
    assert_eq!(&*bytes, b"secret");
    assert!(
        monitor
            .content_for(&admitted.permit, &read().build())
            .is_none(),
        "another request's permit"
    );
    assert_eq!(&*monitor.reveal(id).unwrap().unwrap(), b"secret");
    assert_eq!(monitor.exposure(), Exposure::PRIVATE);
    let digest = portcullis::ContentDigest::of(b"secret");
    for content in [
        Content::Held(ContentId(99), digest),
        Content::Held(id, portcullis::ContentDigest::of(b"x")),
    ] {
        let forged = read().content(content).carrying(Exposure::PRIVATE).build();
        let refused = refused(monitor.admit(&forged, Amount::ZERO, Need::Durable));
        assert_eq!(refused.doubt(), Some(Doubt::UnknownContent));
    }
    let unlabelled = read().content(Content::Held(id, digest)).build();
    assert!(
        monitor
            .admit(&unlabelled, Amount::ZERO, Need::Durable)
            .is_err(),
        "its labels are missing"
    );
}

#[test]
fn a_dropped_ticket_is_recorded_as_unknown_and_stays_spent() {
    let session = Session::open();
    let monitor = session.monitor();
    let before = monitor.budget().remaining().micro_usd;
    drop(
        monitor
            .admit(
                &read_request(&session, "a"),
                Amount::of_micro_usd(50),
                Need::Durable,
            )
            .unwrap(),
    );
    assert_eq!(monitor.budget().remaining().micro_usd, before - 50);
    monitor.log().checkpoint().unwrap();
    let report = verify(&session.log_dir(), session.state.root());
    assert!(session.log_text().contains("unknown"), "{report:?}");
}

#[test]
fn tightening_narrows_and_never_widens() {
    let session = Session::open();
    let monitor = session.monitor();
    session.sandbox.write("a", b"1").unwrap();
    monitor.tighten(policy(PUSHING).envelope()).unwrap();
    assert!(matches!(
        session.sandbox.write("a", b"2"),
        Err(Error::PolicyDenied { .. })
    ));
    assert!(session.sandbox.read_bytes("a").is_ok());
    monitor.tighten(policy(OPEN).envelope()).unwrap();
    assert!(matches!(
        session.sandbox.write("a", b"2"),
        Err(Error::PolicyDenied { .. })
    ));
    let refused = refused(monitor.admit(
        &push_request(&session, "https://example.com/a.git"),
        Amount::ZERO,
        Need::Durable,
    ));
    assert_eq!(
        refused.kind(),
        RefusedKind::PolicyDenied,
        "a push was never granted"
    );
    let summary = monitor.summary();
    assert_eq!(
        summary.authority_line(),
        "authority tightened 2 times, widened 0 times"
    );
    assert!(monitor.budget().remaining().micro_usd <= 1_000_000);
    assert_eq!(
        session
            .kinds()
            .iter()
            .filter(|kind| **kind == Kind::Tighten)
            .count(),
        2
    );
    session.end();
}

#[test]
fn an_ended_session_denies_everything_and_says_so_in_its_log() {
    let session = Session::open();
    session.write("a", "1");
    session.monitor().end("done").unwrap();
    assert!(matches!(
        session.sandbox.read_bytes("a"),
        Err(Error::StateBlocked { .. })
    ));
    assert!(session.monitor().expose(Exposure::PRIVATE, "x").is_err());
    assert!(matches!(
        session.monitor().tighten(policy(PUSHING).envelope()),
        Err(MonitorError::Over)
    ));
    assert!(session.kinds().contains(&Kind::End));
    verify(&session.log_dir(), session.state.root());
}

#[test]
fn the_task_is_kept_as_the_user_gave_it() {
    let session = Session::with(OPEN, |options| options.task = Some("fix the bug".into()));
    assert_eq!(
        session.monitor().task().map(|task| &**task),
        Some("fix the bug")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Over random requests: exposure only grows, what is left only falls, refusals change nothing.
    #[test]
    fn ratchets_hold_over_random_requests(acts in prop::collection::vec((0u8..6, 0u64..2_000_000), 1..30)) {
        let session = Session::under(PUSHING);
        let monitor = session.monitor();
        for (act, cost) in acts {
            let before = (monitor.exposure(), monitor.budget().remaining().micro_usd);
            let request = match act {
                0 => read_request(&session, "a"),
                1 => push_request(&session, "https://example.com/a.git"),
                2 => push_request(&session, "https://evil.example/a.git"),
                3 => monitor.request(Operation::WriteFiles, file("x")).build(),
                4 => monitor.request(Operation::ReadFiles, file("b")).carrying(Exposure::UNTRUSTED).build(),
                _ => monitor.request(OperationSet::EMPTY, file("x")).build(),
            };
            let outcome = monitor.admit(&request, Amount::of_micro_usd(cost), Need::Buffered);
            let after = (monitor.exposure(), monitor.budget().remaining().micro_usd);
            match outcome {
                Ok(admitted) => {
                    prop_assert!(before.0.leq(after.0));
                    prop_assert_eq!(after.1, before.1 - cost);
                    admitted.ticket.finish(Effect::Done, Amount::of_micro_usd(cost / 2)).unwrap();
                }
                Err(_) => prop_assert_eq!(before, after),
            }
        }
    }
}
