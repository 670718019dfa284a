//! What was done to a log is told apart, and the first bad record is named.

use std::fs;
use std::path::{Path, PathBuf};

use nucleus_audit::{
    Draft, Durability, Fault, Finding, Log, LogOptions, SigningKey, Truncation, VerifyError,
    VerifyOptions, verify,
};
use portcullis::Exposure;

use crate::forge;
use crate::scene::{self, OTHER, SESSION, context, key};

/// A log of eleven records in one file, with a mirror of its checkpoints.
pub(crate) struct Victim {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) mirror: PathBuf,
    _outside: tempfile::TempDir,
}

impl Victim {
    pub(crate) fn new() -> Self {
        Self::with(LogOptions::default())
    }

    pub(crate) fn with(options: LogOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let mirror = outside.path().join("mirror");
        scene::closed(
            dir.path(),
            LogOptions {
                mirror: Some(mirror.clone()),
                ..options
            },
        );
        Self {
            dir,
            mirror,
            _outside: outside,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("audit-0000.jsonl")
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn write(&self, lines: &[String]) {
        fs::write(self.file(), lines.concat()).unwrap();
    }

    fn change(&self, change: impl FnOnce(&mut Vec<String>)) {
        let mut lines = self.lines();
        change(&mut lines);
        self.write(&lines);
    }

    pub(crate) fn options(&self) -> VerifyOptions {
        VerifyOptions {
            mirror: Some(self.mirror.clone()),
            ..VerifyOptions::new(key().verifying())
        }
    }

    fn finding(&self) -> Finding {
        finding(self.path(), &self.options())
    }

    /// The fault and the place in the log of the first bad record.
    fn fault(&self) -> (Fault, u64) {
        let Finding { fault, place } = self.finding();
        (fault, place.unwrap().sequence)
    }
}

pub(crate) fn finding(dir: &Path, options: &VerifyOptions) -> Finding {
    match verify(dir, options) {
        Err(VerifyError::Bad(finding)) => finding,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_untouched_log_verifies() {
    let victim = Victim::new();
    let report = verify(victim.path(), &victim.options()).unwrap();
    assert_eq!(report.truncation, Truncation::Excluded { records: 11 });
}

#[test]
fn an_edit_is_named_with_file_and_line() {
    let victim = Victim::new();
    victim.change(|lines| lines[6] = lines[6].replace("line one", "line 0ne"));
    let found = victim.finding();
    assert_eq!(found.fault, Fault::Edited);
    assert_eq!(
        found.to_string(),
        "record 6 (audit-0000.jsonl line 7): the record was edited"
    );
}

#[test]
fn an_edit_with_a_hash_of_its_own_is_named_and_not_its_successor() {
    let victim = Victim::new();
    victim.change(|lines| {
        lines[6] = forge::reseal(&lines[6].replace("line one", "line 0ne"));
    });
    assert_eq!(victim.fault(), (Fault::Edited, 6));
}

#[test]
fn a_record_made_to_follow_another_is_named_itself() {
    let victim = Victim::new();
    victim.change(|lines| {
        let zeros = "0".repeat(64);
        lines[6] = forge::reseal(&forge::with_previous(&lines[6], &zeros));
    });
    assert_eq!(victim.fault(), (Fault::Edited, 6));
}

#[test]
fn a_deletion_names_what_is_missing() {
    let victim = Victim::new();
    victim.change(|lines| drop(lines.drain(4..6)));
    assert_eq!(victim.fault(), (Fault::Deleted { first: 4, last: 5 }, 4));
}

#[test]
fn a_deleted_head_is_a_deletion() {
    let victim = Victim::new();
    victim.change(|lines| drop(lines.remove(0)));
    assert_eq!(victim.fault(), (Fault::Deleted { first: 0, last: 0 }, 0));
}

#[test]
fn a_swap_and_a_repeat_are_reorderings() {
    let victim = Victim::new();
    victim.change(|lines| lines.swap(3, 7));
    assert_eq!(victim.fault(), (Fault::Reordered { written_at: 7 }, 3));
    let victim = Victim::new();
    victim.change(|lines| lines.insert(5, lines[2].clone()));
    assert_eq!(victim.fault(), (Fault::Reordered { written_at: 2 }, 5));
}

#[test]
fn a_record_of_another_session_is_a_splice() {
    let victim = Victim::new();
    let other = tempfile::tempdir().unwrap();
    let log = scene::open_as(other.path(), OTHER, LogOptions::default());
    scene::every_kind(&log);
    scene::end(log);
    let foreign = fs::read_to_string(other.path().join("audit-0000.jsonl")).unwrap();
    let foreign: Vec<_> = foreign.split_inclusive('\n').collect();
    victim.change(|lines| lines[5] = foreign[5].to_owned());
    assert_eq!(victim.fault(), (Fault::Spliced { session: OTHER }, 5));
}

#[test]
fn a_chain_computed_anew_meets_a_checkpoint() {
    let victim = Victim::with(LogOptions {
        checkpoint_records: u64::MAX,
        ..LogOptions::default()
    });
    victim.change(|lines| {
        lines[6] = lines[6].replace("line one", "line 0ne");
        forge::rechain(lines);
    });
    assert_eq!(
        victim.fault(),
        (
            Fault::Rehashed {
                confirmed: 0,
                signed: 11
            },
            10
        )
    );
}

#[test]
fn a_chain_computed_anew_is_confirmed_up_to_the_checkpoint_before() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(dir.path(), LogOptions::default());
    for moment in 0..4 {
        scene::read(&log, moment, "a");
        log.checkpoint().unwrap();
    }
    log.close().unwrap();
    let file = dir.path().join("audit-0000.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    lines[6] = lines[6].replace("uid:1000", "uid:1001");
    forge::rechain(&mut lines);
    fs::write(&file, lines.concat()).unwrap();
    let found = finding(dir.path(), &VerifyOptions::new(key().verifying()));
    assert_eq!(
        found.fault,
        Fault::Rehashed {
            confirmed: 5,
            signed: 7
        }
    );
}

#[test]
fn a_fork_signed_by_another_key_is_the_wrong_key() {
    let victim = Victim::new();
    let options = VerifyOptions::new(SigningKey::from_seed(&[8; 32]).verifying());
    let found = finding(victim.path(), &options);
    let file = "audit.checkpoints".to_owned();
    assert_eq!(
        found.fault,
        Fault::WrongKey {
            checkpoint: 1,
            file
        }
    );
}

#[test]
fn a_changed_checkpoint_has_a_bad_signature() {
    let victim = Victim::new();
    let path = victim.path().join("audit.checkpoints");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\n11\n", "\n10\n")).unwrap();
    let file = "audit.checkpoints".to_owned();
    assert_eq!(
        victim.finding().fault,
        Fault::BadSignature {
            checkpoint: 2,
            file
        }
    );
}

#[test]
fn without_checkpoints_nothing_is_proved() {
    let victim = Victim::new();
    let path = victim.path().join("audit.checkpoints");
    for content in ["", "nonsense\n"] {
        fs::write(&path, content).unwrap();
        let fault = victim.finding().fault;
        assert_eq!(
            fault,
            Fault::NoCheckpoints {
                file: "audit.checkpoints".to_owned()
            }
        );
    }
    fs::remove_file(&path).unwrap();
    assert!(matches!(
        victim.finding().fault,
        Fault::NoCheckpoints { .. }
    ));
}

#[test]
fn a_mirror_of_another_log_proves_nothing() {
    let (victim, other) = (Victim::new(), tempfile::tempdir().unwrap());
    let mirror = other.path().join("mirror");
    let log = Log::create(
        &other.path().join("log"),
        OTHER,
        LogOptions {
            mirror: Some(mirror.clone()),
            ..LogOptions::default()
        },
        key(),
    );
    drop(log.unwrap());
    let options = VerifyOptions {
        mirror: Some(mirror),
        ..victim.options()
    };
    assert!(matches!(
        finding(victim.path(), &options).fault,
        Fault::NoCheckpoints { .. }
    ));
}

#[test]
fn one_mirror_serves_several_logs() {
    let outside = tempfile::tempdir().unwrap();
    let mirror = outside.path().join("mirror");
    for (name, session) in [("a", SESSION), ("b", OTHER)] {
        let dir = outside.path().join(name);
        let options = LogOptions {
            mirror: Some(mirror.clone()),
            ..LogOptions::default()
        };
        drop(scene::open_as(&dir, session, options));
    }
    for name in ["a", "b"] {
        let options = VerifyOptions {
            mirror: Some(mirror.clone()),
            ..VerifyOptions::new(key().verifying())
        };
        let report = verify(&outside.path().join(name), &options).unwrap();
        assert_eq!(report.truncation, Truncation::Excluded { records: 1 });
    }
}

#[test]
fn a_cut_tail_is_seen_by_the_checkpoints_that_stayed() {
    let victim = Victim::new();
    victim.change(|lines| lines.truncate(9));
    let file = "mirror".to_owned();
    let (fault, place) = victim.fault();
    assert!(
        matches!(&fault, Fault::Truncated { records: 9, signed: 11, file: by } if *by == file || by == "audit.checkpoints"),
        "{fault}"
    );
    assert_eq!(place, 9);
}

#[test]
fn a_tail_cut_with_its_checkpoints_is_seen_only_by_the_mirror() {
    let victim = Victim::new();
    victim.change(|lines| lines.truncate(9));
    let path = victim.path().join("audit.checkpoints");
    let text = fs::read_to_string(&path).unwrap();
    let second = text.match_indices("nucleus-audit/").nth(1).unwrap().0;
    fs::write(&path, &text[..second]).unwrap();
    let alone = VerifyOptions::new(key().verifying());
    let report = verify(victim.path(), &alone).unwrap();
    assert_eq!(
        (report.records, report.truncation),
        (9, Truncation::NotDetectable)
    );
    assert_eq!(report.signed, 0);
    let fault = victim.fault().0;
    assert_eq!(
        fault,
        Fault::Truncated {
            records: 9,
            signed: 11,
            file: "mirror".to_owned()
        }
    );
}

#[test]
fn a_removed_file_in_the_middle_is_a_deletion() {
    let victim = Victim::with(LogOptions {
        rotate_bytes: 2500,
        ..LogOptions::default()
    });
    fs::remove_file(victim.path().join("audit-0001.jsonl")).unwrap();
    let (fault, _) = victim.fault();
    assert!(matches!(fault, Fault::Deleted { .. }), "{fault}");
}

#[test]
fn a_torn_line_in_a_file_that_has_a_successor_is_an_edit() {
    let victim = Victim::with(LogOptions {
        rotate_bytes: 2500,
        ..LogOptions::default()
    });
    let bytes = fs::read(victim.file()).unwrap();
    fs::write(victim.file(), &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(victim.finding().fault, Fault::Edited);
}

#[test]
fn a_torn_last_line_is_said_and_is_no_fault() {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open(
        dir.path(),
        LogOptions {
            checkpoint_records: u64::MAX,
            ..LogOptions::default()
        },
    );
    let note = Draft::note(context(2, Exposure::NONE), "torn");
    let _ = log.record(&note, (), Durability::Durable).unwrap();
    // A writer that died signed nothing more.
    let notes = fs::read(dir.path().join("audit.checkpoints")).unwrap();
    drop(log);
    fs::write(dir.path().join("audit.checkpoints"), notes).unwrap();
    let file = dir.path().join("audit-0000.jsonl");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 30]).unwrap();
    let report = verify(dir.path(), &VerifyOptions::new(key().verifying())).unwrap();
    assert_eq!(report.records, 1);
    assert!(report.torn.is_some_and(|torn| torn.bytes > 500));
}

#[test]
fn a_spelling_that_means_the_same_is_an_edit() {
    let victim = Victim::new();
    // The hash fits: only the form is another.
    victim.change(|lines| lines[6] = forge::reseal(&lines[6].replace("\"seq\":6", "\"seq\": 6")));
    assert_eq!(victim.fault(), (Fault::Edited, 6));
    let victim = Victim::new();
    victim
        .change(|lines| lines[6] = forge::reseal(&lines[6].replace("line one", "\\u006cine one")));
    assert_eq!(victim.fault(), (Fault::Edited, 6));
    let victim = Victim::new();
    victim.change(|lines| {
        lines[6] = forge::reseal(&lines[6].replace("\"kind\":", "\"kind\":\"end\",\"kind\":"));
    });
    assert_eq!(victim.fault(), (Fault::Edited, 6));
}
