//! A session that is refused again and again cannot fill the disk: it locks itself down.

use nucleus::monitor::{RefusalLimits, RefusedKind};
use nucleus::sandbox::LineRange;
use nucleus_audit::Kind;
use portcullis::{Operation, Phase};

use super::session::{OPEN, Session};

/// Reads and nothing else, with so many refusals.
fn session(requests: u64, bytes: u64) -> Session {
    let text = OPEN.replace("write_files = \"always\"", "write_files = \"never\"");
    let session = Session::with(&text, |options| {
        options.refusals = RefusalLimits { requests, bytes };
    });
    session.write("a", "text");
    session
}

fn is_refused(session: &Session, name: &str) -> RefusedKind {
    let error = session.sandbox.write(name, b"x").unwrap_err();
    error.refused().unwrap().kind()
}

fn reads(session: &Session) -> bool {
    session.sandbox.read("a", LineRange::default()).is_ok()
}

#[test]
fn the_session_locks_itself_down_at_the_bound_and_not_before() {
    let session = session(5, u64::MAX);
    let budget = session.monitor().budget().remaining();
    for round in 0..5 {
        assert!(reads(&session), "round {round}");
        assert_eq!(is_refused(&session, "b"), RefusedKind::PolicyDenied);
    }
    assert_eq!(session.monitor().phase(), Phase::LockedDown);
    assert!(!reads(&session));
    assert_eq!(is_refused(&session, "b"), RefusedKind::StateBlocked);
    assert_eq!(session.monitor().budget().remaining(), budget);
    let why = "too many requests were refused";
    assert!(session.kinds().contains(&Kind::Lockdown) && session.log_text().contains(why));
    // A person on the host gives as many again.
    session.monitor().lift("looked at it").unwrap();
    assert!(reads(&session));
    assert_eq!(is_refused(&session, "b"), RefusedKind::PolicyDenied);
    assert_eq!(session.monitor().phase(), Phase::Active);
    session.end();
}

#[test]
fn the_log_stops_growing_however_often_the_session_goes_on_asking() {
    let session = session(5, u64::MAX);
    for _ in 0..200 {
        is_refused(&session, "b");
    }
    let records = session.records().len();
    assert!(records <= 1 + 2 * 5 + 1, "{records} records");
    let writes =
        |count: &&nucleus::monitor::OperationCount| count.operation == Operation::WriteFiles.name();
    let summary = session.monitor().summary();
    let counted = summary.operations.iter().find(writes).unwrap().denied;
    assert_eq!(counted, 200, "each is counted nevertheless");
    session.end();
}

#[test]
fn large_requests_reach_the_bound_sooner() {
    let session = session(u64::MAX, 100 << 10);
    let words = |count: usize| vec!["x".repeat(4000); count].join(" ");
    let executor = session.executor();
    executor
        .run(&format!("git push {}", words(10)))
        .unwrap_err();
    assert_eq!(
        session.monitor().phase(),
        Phase::Active,
        "the twin: one is nothing"
    );
    for _ in 0..3 {
        executor
            .run(&format!("git push {}", words(10)))
            .unwrap_err();
    }
    assert_eq!(session.monitor().phase(), Phase::LockedDown);
}
