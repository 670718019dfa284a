//! Logs as people and other tools see them.

use std::fs;

use nucleus_audit::{
    Draft, Durability, Follow, Format, LogOptions, ReadError, export, read, timeline,
};
use portcullis::Exposure;

use crate::scene::{self, context};

fn exported(format: Format) -> String {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let mut out = Vec::new();
    assert_eq!(export(dir.path(), format, &mut out).unwrap(), 11);
    String::from_utf8(out).unwrap()
}

/// The text with digests and envelopes left out: they belong to other tests.
fn without_hex(text: &str) -> String {
    let is_long = |run: &str| run.len() >= 64 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.split('"')
        .map(|run| if is_long(run) { "…" } else { run })
        .collect::<Vec<_>>()
        .join("\"")
}

#[test]
fn the_timeline_reads_well() {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let lines: Vec<_> = read(dir.path())
        .unwrap()
        .map(|record| timeline(&record.unwrap()))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_csv_export_has_one_row_a_record() {
    insta::assert_snapshot!(without_hex(&exported(Format::Csv).replace("\r\n", "\n")));
}

#[test]
fn a_json_export_has_every_member_but_the_chain() {
    for line in exported(Format::Jsonl).lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value.get("hash").is_none() && value.get("previous").is_none());
        assert!(value.get("exposure").is_some() && value.get("session").is_some());
    }
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_is_disarmed() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    scene::read(&log, 2, "=cmd|x,\"y\"");
    log.close().unwrap();
    let mut out = Vec::new();
    export(dir.path(), Format::Csv, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(r#","'=cmd|x,""y""","#), "{text}");
}

#[test]
fn a_follower_gets_each_record_once_over_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(
        dir.path(),
        LogOptions {
            rotate_bytes: 3000,
            ..LogOptions::default()
        },
    );
    let mut follow = Follow::open(dir.path()).unwrap();
    let mut seen = Vec::new();
    for turn in 0..20 {
        let note = Draft::note(context(turn, Exposure::NONE), "x");
        let _ = log.record(&note, (), Durability::Buffered).unwrap();
        if turn % 3 == 0 {
            seen.extend(follow.poll().unwrap().into_iter().map(|record| record.seq));
        }
    }
    seen.extend(follow.poll().unwrap().into_iter().map(|record| record.seq));
    assert_eq!(seen, (0..21).collect::<Vec<_>>());
    assert_eq!(follow.poll().unwrap(), []);
}

#[test]
fn a_follower_waits_for_the_end_of_a_line() {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let file = dir.path().join("audit-0000.jsonl");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 10]).unwrap();
    let mut follow = Follow::open(dir.path()).unwrap();
    assert_eq!(follow.poll().unwrap().len(), 10);
    fs::write(&file, &bytes).unwrap();
    assert_eq!(follow.poll().unwrap().len(), 1);
}

#[test]
fn what_is_no_log_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read(dir.path()), Err(ReadError::NoLog { .. })));
    assert!(matches!(
        Follow::open(dir.path()),
        Err(ReadError::NoLog { .. })
    ));
    fs::write(dir.path().join("audit-0000.jsonl"), "{}\n").unwrap();
    let first = read(dir.path()).unwrap().next().unwrap();
    assert!(matches!(
        first,
        Err(ReadError::Malformed {
            line: 1,
            byte: 0,
            ..
        })
    ));
}
