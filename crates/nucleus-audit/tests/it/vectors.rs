//! Writes the golden vectors: logs with fixed keys and times, sound and damaged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nucleus_audit::{
    Draft, Durability, Effect, Judged, Log, LogOptions, Truncation, VerifyError, VerifyOptions,
    VerifyingKey, verify,
};
use portcullis::{Amount, Decision, Exposure};

use crate::forge;
use crate::scene::{self, OTHER, context, judge, read_request, word};

/// Options under which nothing depends on time.
fn options() -> LogOptions {
    LogOptions {
        checkpoint_records: u64::MAX,
        checkpoint_interval: Duration::from_secs(1 << 30),
        ..LogOptions::default()
    }
}

/// Writes every vector below this directory, which is made.
pub(crate) fn write(root: &Path) {
    fs::create_dir_all(root).unwrap();
    fs::write(
        root.join("audit.pub"),
        format!("{}\n", scene::key().verifying()),
    )
    .unwrap();
    good(&root.join("good"));
    bad(&root.join("bad"));
}

fn good(root: &Path) {
    scene::closed(&root.join("01-every-kind"), options());
    scene::closed(
        &root.join("02-several-files"),
        LogOptions {
            rotate_bytes: 3000,
            ..options()
        },
    );
    unfinished(&root.join("03-outcome-unknown"));
    torn(&root.join("04-torn-last-line"));
    recovered(&root.join("05-recovered"));
    mirrored(&root.join("06-mirrored"));
}

fn unfinished(dir: &Path) {
    let log = scene::open(dir, options());
    let request = read_request(log.session(), "a");
    let decision = judge(&request);
    let judged = Judged {
        request: &request,
        decision: &decision,
        session: word(Exposure::NONE),
        reserved: true,
    };
    let draft = Draft::decision(context(2, Exposure::PRIVATE), judged);
    let Decision::Permit(permit) = decision else {
        panic!("a read is permitted")
    };
    let _ = log.record(&draft, permit, Durability::Durable).unwrap();
    let stray = Draft::outcome(
        context(3, Exposure::PRIVATE),
        0,
        Effect::Unknown("lost"),
        Amount::ZERO,
    );
    let _ = log.record(&stray, (), Durability::Durable).unwrap();
    log.close().unwrap();
}

/// A writer that died in the middle of a line.
fn torn(dir: &Path) {
    let log = scene::open(dir, options());
    log.checkpoint().unwrap();
    let notes = fs::read(dir.join("audit.checkpoints")).unwrap();
    scene::read(&log, 2, "a");
    log.close().unwrap();
    fs::write(dir.join("audit.checkpoints"), notes).unwrap();
    let file = dir.join("audit-0000.jsonl");
    let bytes = fs::read(&file).unwrap();
    fs::write(file, &bytes[..bytes.len() - 100]).unwrap();
}

fn recovered(dir: &Path) {
    torn(dir);
    let now = context(4, Exposure::PRIVATE);
    let session = scene::SESSION;
    let (log, _) = Log::recover(dir, session, options(), scene::key(), &now).unwrap();
    scene::end(log);
}

fn mirrored(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let mirror = Some(dir.join("mirror"));
    scene::closed(
        dir,
        LogOptions {
            mirror,
            ..options()
        },
    );
}

/// A sound log with a mirror, and what was done to its lines.
fn damage(root: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let dir = root.join(name);
    mirrored(&dir);
    let file = dir.join("audit-0000.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    change(&mut lines);
    fs::write(file, lines.concat()).unwrap();
}

/// What was done to the checkpoints of a sound log with a mirror.
fn tamper(root: &Path, name: &str, change: impl FnOnce(&str) -> String) {
    let dir = root.join(name);
    mirrored(&dir);
    let file = dir.join("audit.checkpoints");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(file, change(&text)).unwrap();
}

fn bad(root: &Path) {
    let edit = |line: &str| line.replace("line one", "line 0ne");
    damage(root, "01-edited", |lines| lines[6] = edit(&lines[6]));
    damage(root, "02-edited-with-own-hash", |lines| {
        lines[6] = forge::reseal(&edit(&lines[6]))
    });
    damage(root, "03-deleted", |lines| drop(lines.drain(4..6)));
    damage(root, "04-reordered", |lines| lines.swap(3, 7));
    damage(root, "05-repeated", |lines| {
        lines.insert(5, lines[2].clone())
    });
    damage(root, "06-spliced", |lines| lines[5] = foreign_line());
    damage(root, "07-rehashed", |lines| {
        lines[6] = edit(&lines[6]);
        forge::rechain(lines);
    });
    damage(root, "08-truncated", |lines| lines.truncate(9));
    damage(root, "09-other-spelling", |lines| {
        lines[6] = forge::reseal(&lines[6].replace("\"seq\":6", "\"seq\": 6"));
    });
    damage(root, "10-member-twice", |lines| {
        let twice = lines[6].replace("\"kind\":", "\"kind\":\"end\",\"kind\":");
        lines[6] = forge::reseal(&twice);
    });
    damage(root, "11-other-version", |lines| {
        lines[6] = forge::reseal(&lines[6].replace("\"version\":1", "\"version\":2"));
    });
    damage(root, "12-no-newline-inside", |lines| {
        lines[6] = lines[6].replace('\n', " ")
    });
    tamper(root, "13-bad-signature", |text| {
        text.replace("\n11\n", "\n10\n")
    });
    tamper(root, "14-wrong-key", |text| {
        let head = text.find("nucleus-audit/").unwrap();
        let end = text.find("\n\n").unwrap();
        let forged = nucleus_audit::Checkpoint {
            session: scene::SESSION,
            records: 0,
            head: nucleus_audit::ChainHash::ZERO,
            occasion: nucleus_audit::Occasion::Start,
        };
        assert!(head < end);
        forged.sign(&nucleus_audit::SigningKey::from_seed(&[8; 32]))
    });
    tamper(root, "15-no-checkpoints", |_| String::new());
    damage(root, "16-truncated-with-checkpoints", |lines| {
        lines.truncate(9)
    });
    let notes = root
        .join("16-truncated-with-checkpoints")
        .join("audit.checkpoints");
    let text = fs::read_to_string(&notes).unwrap();
    let second = text.match_indices("nucleus-audit/").nth(1).unwrap().0;
    fs::write(notes, &text[..second]).unwrap();
}

/// The same place of another session's log.
fn foreign_line() -> String {
    let dir = tempfile::tempdir().unwrap();
    let log = scene::open_as(dir.path(), OTHER, options());
    scene::every_kind(&log);
    log.close().unwrap();
    let text = fs::read_to_string(dir.path().join("audit-0000.jsonl")).unwrap();
    text.split_inclusive('\n').nth(5).unwrap().to_owned()
}

/// What a verification says of a vector.
pub(crate) fn said(root: &Path, dir: &Path) -> String {
    let key = VerifyingKey::load(&root.join("audit.pub")).unwrap();
    let mirror = Some(dir.join("mirror")).filter(|mirror| mirror.exists());
    match verify(
        dir,
        &VerifyOptions {
            mirror,
            ..VerifyOptions::new(key)
        },
    ) {
        Ok(report) => format!(
            "ok: {} records, {} signed, {}, outcome unknown {:?}, stray {:?}, torn {}, {}\n",
            report.records,
            report.signed,
            match report.truncation {
                Truncation::Excluded { records } => format!("{records} mirrored"),
                Truncation::NotDetectable => "no mirror".to_owned(),
            },
            report.unknown_outcomes,
            report.stray_outcomes,
            report.torn.map_or(0, |torn| torn.bytes),
            if report.is_ended {
                "ended"
            } else {
                "not ended"
            },
        ),
        Err(VerifyError::Bad(finding)) => format!("{}: {finding}\n", finding.fault.name()),
        Err(other) => panic!("{other}"),
    }
}

/// The vectors of this kind, in order.
pub(crate) fn vector_dirs(root: &Path, kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root.join(kind)).unwrap();
    let mut dirs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    dirs
}

/// Writes what verification says of each vector beside it.
pub(crate) fn write_expected(root: &Path) {
    for dir in ["good", "bad"]
        .iter()
        .flat_map(|kind| vector_dirs(root, kind))
    {
        fs::write(dir.join("expected"), said(root, &dir)).unwrap();
    }
}
