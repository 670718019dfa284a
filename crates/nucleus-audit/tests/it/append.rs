//! Records are appended in order, vouch for their values, and verify.

use std::time::Duration;

use nucleus_audit::{
    Context, Draft, Durability, Judged, Kind, Log, LogError, LogOptions, Truncation, VerifyOptions,
    read, verify,
};
use portcullis::{Decision, Exposure, Outcome};

use crate::scene::{self, OTHER, SESSION, context, judge, key, read_request, word};

fn options() -> VerifyOptions {
    VerifyOptions::new(key().verifying())
}

#[test]
fn every_kind_of_record_verifies_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let report = verify(dir.path(), &options()).unwrap();
    assert_eq!((report.records, report.files), (11, 1));
    assert_eq!((report.signed, report.checkpoints), (11, 2));
    assert!(report.is_ended && report.torn.is_none());
    assert_eq!(report.unknown_outcomes, Vec::<u64>::new());
    assert_eq!(report.truncation, Truncation::NotDetectable);
    let kinds: Vec<_> = read(dir.path())
        .unwrap()
        .map(|record| record.unwrap().body.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            Kind::Start,
            Kind::Expose,
            Kind::Approval,
            Kind::Tighten,
            Kind::Lockdown,
            Kind::Lift,
            Kind::Note,
            Kind::Permit,
            Kind::Outcome,
            Kind::Refusal,
            Kind::End
        ]
    );
}

#[test]
fn a_line_is_plain_json_with_every_member() {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let text = std::fs::read_to_string(dir.path().join("audit-0000.jsonl")).unwrap();
    for (line, seq) in text.lines().zip(0_u64..) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!(object["version"], 1);
        assert_eq!(object["seq"], seq);
        for member in [
            "session",
            "parent",
            "boot_ms",
            "wall_unix_ms",
            "principal",
            "kind",
            "operations",
            "subject",
            "redacted",
            "request",
            "facts",
            "decision",
            "exposure",
            "envelope",
            "budget",
            "detail",
            "previous",
            "hash",
        ] {
            assert!(object.contains_key(member), "{member} is missing");
        }
    }
    let note: serde_json::Value = serde_json::from_str(text.lines().nth(6).unwrap()).unwrap();
    assert_eq!(
        note["detail"]["text"],
        "line one\nline two\u{2028}\u{1b}[2J \"quoted\" \\ é 漢"
    );
}

#[test]
fn a_newline_in_a_note_does_not_make_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let forged = "x\"}\n{\"version\":1,\"seq\":2,\"kind\":\"end\"}\r\n\u{85}\u{2028}\u{2029}";
    let _ = log
        .record(
            &Draft::note(context(2, Exposure::NONE), forged),
            (),
            Durability::Durable,
        )
        .unwrap();
    log.close().unwrap();
    let bytes = std::fs::read(dir.path().join("audit-0000.jsonl")).unwrap();
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 2);
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{1b}']));
    assert_eq!(verify(dir.path(), &options()).unwrap().records, 2);
}

#[test]
fn an_intent_without_outcome_is_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let request = read_request(SESSION, "a");
    let decision = judge(&request);
    let judged = Judged {
        request: &request,
        decision: &decision,
        session: word(Exposure::NONE),
        reserved: true,
    };
    let draft = Draft::decision(context(2, Exposure::PRIVATE), judged).landing();
    assert_eq!(draft.kind(), Kind::Land);
    let Decision::Permit(permit) = decision else {
        panic!("permitted")
    };
    let _ = log.record(&draft, permit, Durability::Durable).unwrap();
    drop(log);
    assert_eq!(
        verify(dir.path(), &options()).unwrap().unknown_outcomes,
        [1]
    );
}

#[test]
fn a_permit_is_vouched_for_only_by_its_own_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let (ours, theirs) = (read_request(SESSION, "a"), read_request(SESSION, "b"));
    let decision = judge(&theirs);
    let judged = Judged {
        request: &theirs,
        decision: &decision,
        session: word(Exposure::NONE),
        reserved: true,
    };
    let draft = Draft::decision(context(2, Exposure::PRIVATE), judged);
    let permit = || match judge(&ours) {
        Decision::Permit(permit) => permit,
        other => panic!("{other:?}"),
    };
    let other_decision = log.append(&draft, permit(), Durability::Durable);
    assert!(matches!(other_decision, Err(LogError::PayloadMismatch)));
    let note = Draft::note(context(2, Exposure::NONE), "trust me");
    assert!(matches!(
        log.append(&note, permit(), Durability::Durable),
        Err(LogError::PayloadMismatch)
    ));
    assert_eq!(log.status().unwrap().records, 1);
}

#[test]
fn a_request_of_another_session_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let request = read_request(OTHER, "a");
    let decision = judge(&request);
    assert_eq!(decision.outcome(), Outcome::Permit);
    let judged = Judged {
        request: &request,
        decision: &decision,
        session: word(Exposure::NONE),
        reserved: true,
    };
    let draft = Draft::decision(context(2, Exposure::PRIVATE), judged);
    assert!(matches!(
        log.append(&draft, (), Durability::Buffered),
        Err(LogError::ForeignSession)
    ));
}

/// No value is given out before its record would survive the death of the process.
#[test]
fn a_placed_record_is_with_the_kernel_once_it_was_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let lines = || {
        let text = std::fs::read_to_string(dir.path().join("audit-0000.jsonl")).unwrap();
        text.lines().count() as u64
    };
    let note = Draft::note(context(2, Exposure::NONE), "waits");
    let placed = log.place(&note, (), Durability::Buffered).unwrap();
    assert_eq!(placed.sequence(), lines(), "not written before the wait");
    let recorded = placed.wait().unwrap();
    assert_eq!(recorded.sequence() + 1, lines());
    let appended = log.append(&note, (), Durability::Buffered).unwrap();
    assert_eq!(appended.sequence() + 1, lines(), "written without a wait");
    drop(appended);
    drop(log.place(&note, (), Durability::Buffered).unwrap());
    drop(log);
    let last = read(dir.path()).unwrap().last().unwrap().unwrap();
    assert_eq!(last.seq + 1, lines(), "written with the last flush");
}

#[test]
fn the_start_is_the_first_record_and_only_that() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::create(dir.path(), SESSION, LogOptions::default(), key()).unwrap();
    let context: Context<'_> = context(1, Exposure::NONE);
    let note = Draft::note(context, "early");
    assert!(matches!(
        log.append(&note, (), Durability::Buffered),
        Err(LogError::OutOfPlace { .. })
    ));
    scene::start(&log);
    let envelope = scene::envelope();
    let again = Draft::start(
        context,
        nucleus_audit::Start {
            envelope: &envelope,
            boundary: nucleus_audit::Boundary::None,
            layers: &[],
            probes: &[],
            software: "",
        },
    );
    assert!(matches!(
        log.append(&again, (), Durability::Buffered),
        Err(LogError::OutOfPlace { .. })
    ));
}

#[test]
fn a_second_writer_is_refused_and_an_old_log_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    let second = Log::create(dir.path(), SESSION, LogOptions::default(), key());
    assert!(matches!(second, Err(LogError::InUse { .. })));
    drop(log);
    let third = Log::create(dir.path(), SESSION, LogOptions::default(), key());
    assert!(matches!(third, Err(LogError::AlreadyExists { .. })));
}

#[test]
fn files_follow_each_other_by_size_and_age() {
    for options in [
        LogOptions {
            rotate_bytes: 2000,
            ..LogOptions::default()
        },
        LogOptions {
            rotate_age: Duration::ZERO,
            ..LogOptions::default()
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        scene::closed(dir.path(), options);
        let report = verify(dir.path(), &super::append::options()).unwrap();
        assert_eq!(report.records, 11);
        assert!(report.files > 3, "{report:?}");
        assert_eq!(read(dir.path()).unwrap().count(), 11);
    }
}

#[test]
fn checkpoints_come_by_number_and_by_time() {
    let by_number = LogOptions {
        checkpoint_records: 2,
        ..LogOptions::default()
    };
    let by_time = LogOptions {
        checkpoint_interval: Duration::from_millis(5),
        ..LogOptions::default()
    };
    for options in [by_number, by_time] {
        let dir = tempfile::tempdir().unwrap();
        let log = scene::open(dir.path(), options);
        scene::read(&log, 2, "a");
        let notes = || std::fs::read_to_string(dir.path().join("audit.checkpoints")).unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while !notes().contains("reason records") && !notes().contains("reason interval") {
            assert!(std::time::Instant::now() < deadline, "no checkpoint");
            std::thread::yield_now();
        }
        drop(log);
        assert!(
            verify(dir.path(), &super::append::options())
                .unwrap()
                .checkpoints
                > 2
        );
    }
}

#[test]
fn writers_at_once_keep_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(
        dir.path(),
        LogOptions {
            rotate_bytes: 20_000,
            ..LogOptions::default()
        },
    );
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for turn in 0..20 {
                    let durability = if turn % 2 == 0 {
                        Durability::Durable
                    } else {
                        Durability::Buffered
                    };
                    let text = format!("{writer} {turn}");
                    let draft = Draft::note(context(turn, Exposure::NONE), &text);
                    let recorded = log.record(&draft, (), durability).unwrap();
                    assert!(log.status().unwrap().records > recorded.sequence());
                    if durability == Durability::Durable {
                        assert!(log.status().unwrap().durable > recorded.sequence());
                    }
                }
            });
        }
    });
    log.close().unwrap();
    assert_eq!(verify(dir.path(), &options()).unwrap().records, 161);
}
