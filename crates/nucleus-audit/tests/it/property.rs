//! Laws over random logs.

use std::fs;

use nucleus_audit::{
    Detail, Draft, Durability, Fault, Judged, LogOptions, RecordedSubject, VerifyOptions, read,
    verify,
};
use portcullis::command::Argv;
use portcullis::path::RelPath;
use portcullis::request::CommandSubject;
use portcullis::{Decision, Exposure, Operation, Request, Subject};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::damage::{Victim, finding};
use crate::scene::{self, SESSION, context, judge, key, word};

/// What is appended.
#[derive(Clone, Debug)]
enum Step {
    Note(String),
    Read(String),
    Run(Vec<String>),
}

fn step() -> impl Strategy<Value = Step> {
    // Printable or not, short enough that no rule takes it for a key.
    let text = "[\\PC\u{0}-\u{1f}\u{7f}-\u{9f}\u{2028}\u{202e}]{0,12}";
    prop_oneof![
        text.prop_map(Step::Note),
        "[a-z]{1,8}(/[a-zé]{1,8}){0,3}".prop_map(Step::Read),
        vec("[a-z]{1,6}", 1..5).prop_map(Step::Run),
    ]
}

fn request(step: &Step) -> Option<Request> {
    let (operation, subject) = match step {
        Step::Note(_) => return None,
        Step::Read(path) => (
            Operation::ReadFiles,
            Subject::Path(RelPath::parse(path).ok()?),
        ),
        Step::Run(argv) => {
            let argv = Argv::new(argv.iter().cloned()).ok()?;
            let (environment, cwd) = (vec![], RelPath::root());
            let command = CommandSubject {
                argv,
                cwd,
                environment,
                stdin: None,
                executable: None,
            };
            (Operation::RunBash, Subject::Command(command))
        }
    };
    Some(Request::builder("uid:1000", SESSION, operation, subject).build())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_appended_is_what_is_read(steps in vec(step(), 0..20), rotate_bytes in 1_u64..20_000) {
        let dir = tempfile::tempdir().unwrap();
        let log = scene::open(dir.path(), LogOptions { rotate_bytes, ..LogOptions::default() });
        let steps: Vec<_> = steps.into_iter().filter(|step| {
            matches!(step, Step::Note(_)) || request(step).is_some()
        }).collect();
        for (step, moment) in steps.iter().zip(0_u64..) {
            match (step, request(step)) {
                (Step::Note(text), _) => {
                    let note = Draft::note(context(moment, Exposure::NONE), text);
                    let _ = log.record(&note, (), Durability::Buffered).unwrap();
                }
                (_, Some(request)) => {
                    let decision = judge(&request);
                    let judged = Judged { request: &request, decision: &decision, session: word(Exposure::NONE), reserved: true };
                    let draft = Draft::decision(context(moment, Exposure::TRIFECTA), judged);
                    let Decision::Permit(permit) = decision else { panic!("permitted") };
                    let _ = log.record(&draft, permit, Durability::Buffered).unwrap();
                }
                (_, None) => unreachable!("filtered above"),
            }
        }
        log.close().unwrap();
        let report = verify(dir.path(), &VerifyOptions::new(key().verifying())).unwrap();
        prop_assert_eq!(report.records, steps.len() as u64 + 1);
        let records: Vec<_> = read(dir.path()).unwrap().map(Result::unwrap).collect();
        for (record, step) in records.iter().skip(1).zip(&steps) {
            match step {
                Step::Note(text) => {
                    prop_assert_eq!(&record.body.detail, &Some(Detail::Text { text: text.clone() }));
                }
                Step::Read(_) | Step::Run(_) => {
                    let request = request(step).unwrap();
                    prop_assert_eq!(record.body.request.as_ref().unwrap().digest, request.digest());
                    prop_assert_eq!(record.body.facts, Some(judge(&request).facts()));
                    let is_same = match (record.body.subject.as_ref().unwrap(), request.subject()) {
                        (RecordedSubject::Path { path }, Subject::Path(own)) => path == own.as_str(),
                        (RecordedSubject::Command { argv, .. }, Subject::Command(own)) => argv == own.argv.words(),
                        _ => false,
                    };
                    prop_assert!(is_same);
                }
            }
        }
        // Every line is JSON for everybody else too.
        for number in 0..report.files {
            let text = fs::read_to_string(dir.path().join(format!("audit-{number:04}.jsonl"))).unwrap();
            for line in text.lines() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok());
            }
        }
    }

    #[test]
    fn a_deleted_run_is_named(first in 0_usize..11, count in 1_usize..11) {
        let victim = Victim::new();
        let text = fs::read_to_string(victim.file()).unwrap();
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        let last = (first + count).min(11);
        lines.drain(first..last);
        fs::write(victim.file(), lines.concat()).unwrap();
        let found = finding(victim.path(), &victim.options());
        if last == 11 {
            let is_cut = matches!(found.fault, Fault::Truncated { records, signed: 11, .. } if records == first as u64);
            prop_assert!(is_cut, "{}", found);
        } else {
            prop_assert_eq!(found.fault, Fault::Deleted { first: first as u64, last: last as u64 - 1 });
        }
        prop_assert_eq!(found.place.unwrap().sequence, first as u64);
    }

    #[test]
    fn a_swap_is_named(one in 0_usize..11, other in 0_usize..11) {
        prop_assume!(one != other);
        let victim = Victim::new();
        let text = fs::read_to_string(victim.file()).unwrap();
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        lines.swap(one, other);
        fs::write(victim.file(), lines.concat()).unwrap();
        let found = finding(victim.path(), &victim.options());
        let (low, high) = (one.min(other) as u64, one.max(other) as u64);
        prop_assert_eq!(found.fault, Fault::Reordered { written_at: high });
        prop_assert_eq!(found.place.unwrap().sequence, low);
    }

    #[test]
    fn a_tail_cut_anywhere_is_seen_against_the_mirror(permille in 0_usize..1000) {
        let victim = Victim::new();
        let bytes = fs::read(victim.file()).unwrap();
        fs::write(victim.file(), &bytes[..bytes.len() * permille / 1000]).unwrap();
        let found = finding(victim.path(), &victim.options());
        prop_assert!(matches!(found.fault, Fault::Truncated { .. }), "{}", found);
    }
}

#[test]
fn any_single_byte_changed_in_any_record_is_detected_at_that_record() {
    let victim = Victim::new();
    let options = VerifyOptions {
        threads: 1,
        ..victim.options()
    };
    let bytes = fs::read(victim.file()).unwrap();
    let mut changed = bytes.clone();
    let mut record = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let flip = [0x01, 0x20, 0x80][at % 3];
        changed[at] = byte ^ flip;
        fs::write(victim.file(), &changed).unwrap();
        let found = finding(victim.path(), &options);
        let is_last = at + 1 == bytes.len();
        let is_named = found
            .place
            .as_ref()
            .is_some_and(|place| place.sequence == record);
        assert!(
            is_named || is_last,
            "byte {at} flipped by {flip:#x}: {found}"
        );
        let fits = matches!(found.fault, Fault::Edited)
            || is_last && matches!(found.fault, Fault::Truncated { .. });
        assert!(fits, "byte {at} flipped by {flip:#x}: {found}");
        changed[at] = *byte;
        record += u64::from(*byte == b'\n');
    }
}

#[test]
fn any_single_byte_changed_in_the_checkpoints_is_detected() {
    let victim = Victim::new();
    let path = victim.path().join("audit.checkpoints");
    let alone = VerifyOptions {
        mirror: None,
        threads: 1,
        ..victim.options()
    };
    let whole = verify(victim.path(), &alone).unwrap();
    let bytes = fs::read(&path).unwrap();
    let mut changed = bytes.clone();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80] {
            changed[at] = bytes[at] ^ flip;
            fs::write(&path, &changed).unwrap();
            // A last note that is no note any more reads as torn: less is signed, and the report says so.
            let is_seen =
                verify(victim.path(), &alone).map_or(true, |report| report.signed < whole.signed);
            assert!(is_seen, "byte {at} flipped by {flip:#x}");
        }
        changed[at] = bytes[at];
    }
}
