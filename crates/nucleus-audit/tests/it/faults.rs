//! Dying writers, full disks and closed directories.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nucleus_audit::{
    Draft, Durability, Kind, Log, LogError, LogOptions, VerifyError, VerifyOptions, read, verify,
};
use portcullis::Exposure;

use crate::scene::{self, SESSION, context, key};

/// Says where the child writes; without it the child writes a little and checks it.
const DIR: &str = "NUCLEUS_AUDIT_TEST_DIR";

/// How long a child may take to get going on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Appends from four threads and notes each record that was given out, until the end of the process or an error.
#[test]
fn child_process_that_appends() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else {
        let dir = tempfile::tempdir().unwrap();
        append_until(dir.path(), 25);
        let report = verify(
            &dir.path().join("log"),
            &VerifyOptions::new(key().verifying()),
        )
        .unwrap();
        assert_eq!(report.records, 101);
        return;
    };
    append_until(&dir, u64::MAX);
}

fn append_until(dir: &Path, turns: u64) {
    let options = LogOptions {
        checkpoint_records: 16,
        rotate_bytes: 40_000,
        ..LogOptions::default()
    };
    let log = scene::open(&dir.join("log"), options);
    let write = |writer: u64| {
        let mut given = OpenOptions::new()
            .append(true)
            .create(true)
            .open(dir.join("given"))
            .unwrap();
        for turn in 0..turns {
            let text = format!("{writer} {turn} {}", "padding ".repeat(20));
            let note = Draft::note(context(turn, Exposure::NONE), &text);
            let durability = if turn % 4 == 0 {
                Durability::Durable
            } else {
                Durability::Buffered
            };
            match log.record(&note, (), durability) {
                Ok(recorded) => {
                    // In one write, so that the lines of two threads do not mix.
                    let line = format!("{}\n", recorded.sequence());
                    given.write_all(line.as_bytes()).unwrap();
                }
                Err(error) => return Some(error.to_string()),
            }
        }
        None
    };
    let errors: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        writers
            .into_iter()
            .filter_map(|writer| writer.join().unwrap())
            .collect()
    });
    if let Some(first) = errors
        .iter()
        .find(|error| !error.contains("no more records"))
    {
        let note = Draft::note(context(0, Exposure::NONE), "after the failure");
        let later = log.record(&note, (), Durability::Buffered).map(|_| ());
        let is_poisoned = matches!(later, Err(LogError::Poisoned { .. }));
        // Not on the full disk.
        let report = format!(
            "{first}\npoisoned {is_poisoned}\nwriters {}\n",
            errors.len()
        );
        fs::write(
            std::env::var_os("NUCLEUS_AUDIT_TEST_REPORT").unwrap(),
            report,
        )
        .unwrap();
    }
}

/// Runs the child under these words.
fn child(words: &[&str], dir: &Path, report: &Path) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut argv: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    argv.push(own.to_str().unwrap().to_owned());
    argv.extend(
        [
            "--exact",
            "faults::child_process_that_appends",
            "--nocapture",
        ]
        .map(str::to_owned),
    );
    Command::new(&argv[0])
        .args(&argv[1..])
        .env(DIR, dir)
        .env("NUCLEUS_AUDIT_TEST_REPORT", report)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The records that were given out before the end.
fn given(dir: &Path) -> Vec<u64> {
    let text = fs::read_to_string(dir.join("given")).unwrap_or_default();
    // The last line may be torn.
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n')?.parse().ok())
        .collect()
}

fn wait_for(dir: &Path, records: usize) {
    let begin = Instant::now();
    while given(dir).len() < records {
        assert!(begin.elapsed() < PATIENCE, "the child does not write");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_writer_killed_at_any_moment_leaves_a_log_that_verifies_and_goes_on() {
    for round in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = child(&[], dir.path(), &dir.path().join("report"));
        wait_for(dir.path(), 1 + round * 40);
        child.kill().unwrap();
        child.wait().unwrap();
        check_after_death(dir.path());
    }
}

/// Every value that was given out has its record, and the log goes on.
fn check_after_death(dir: &Path) {
    let log_dir = dir.join("log");
    let options = VerifyOptions::new(key().verifying());
    let report = verify(&log_dir, &options).unwrap();
    let last_given = given(dir).into_iter().max().unwrap();
    assert!(
        report.records > last_given,
        "{} records, {last_given} given out",
        report.records
    );
    let now = context(9, Exposure::NONE);
    let (log, recovery) =
        Log::recover(&log_dir, SESSION, LogOptions::default(), key(), &now).unwrap();
    assert_eq!(recovery.report, report);
    assert_eq!(recovery.torn.is_some(), report.torn.is_some());
    scene::end(log);
    let after = verify(&log_dir, &options).unwrap();
    assert_eq!(
        after.records,
        report.records + 1 + u64::from(recovery.torn.is_some())
    );
    assert!(after.is_ended && after.torn.is_none());
}

#[test]
fn a_torn_line_is_set_aside_recorded_and_continued_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("audit-0000.jsonl");
    let log = scene::open(dir.path(), LogOptions::default());
    scene::read(&log, 2, "a");
    drop(log);
    let whole = fs::read(&file).unwrap();
    for torn in [&b"{"[..], b"{\"version\":1,\"seq\":3,", b"\0\0\0\0"] {
        fs::write(&file, [&whole, torn].concat()).unwrap();
        let now = context(9, Exposure::PRIVATE);
        let (log, recovery) =
            Log::recover(dir.path(), SESSION, LogOptions::default(), key(), &now).unwrap();
        assert_eq!(recovery.report.records, 3);
        let aside = recovery.torn.unwrap();
        assert_eq!(fs::read(dir.path().join(&aside.file)).unwrap(), torn);
        drop(log);
        let last = read(dir.path()).unwrap().last().unwrap().unwrap();
        assert_eq!((last.seq, last.body.kind), (3, Kind::Recovered));
        verify(dir.path(), &VerifyOptions::new(key().verifying())).unwrap();
        restore(dir.path(), &whole);
    }
}

/// Puts the log back to where it was before a recovery.
fn restore(dir: &Path, whole: &[u8]) {
    fs::write(dir.join("audit-0000.jsonl"), whole).unwrap();
    let notes = fs::read_to_string(dir.join("audit.checkpoints")).unwrap();
    let recovered = notes.find("reason recovered").unwrap();
    let cut = notes[..recovered].rfind("nucleus-audit/").unwrap();
    fs::write(dir.join("audit.checkpoints"), &notes[..cut]).unwrap();
}

#[test]
fn a_torn_checkpoint_is_cut_and_signed_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(scene::open(dir.path(), LogOptions::default()));
    let path = dir.path().join("audit.checkpoints");
    let notes = fs::read(&path).unwrap();
    fs::write(&path, &notes[..notes.len() - 20]).unwrap();
    let now = context(9, Exposure::NONE);
    let (log, _) = Log::recover(dir.path(), SESSION, LogOptions::default(), key(), &now).unwrap();
    drop(log);
    let report = verify(dir.path(), &VerifyOptions::new(key().verifying())).unwrap();
    assert_eq!((report.records, report.signed), (1, 1));
}

#[test]
fn a_damaged_log_is_not_continued() {
    let dir = tempfile::tempdir().unwrap();
    scene::closed(dir.path(), LogOptions::default());
    let file = dir.path().join("audit-0000.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("line one", "line 0ne")).unwrap();
    let now = context(9, Exposure::NONE);
    let refused = Log::recover(dir.path(), SESSION, LogOptions::default(), key(), &now);
    assert!(matches!(
        refused,
        Err(LogError::Damaged(VerifyError::Bad(_)))
    ));
    fs::write(&file, text).unwrap();
    let other = Log::recover(dir.path(), scene::OTHER, LogOptions::default(), key(), &now);
    assert!(matches!(other, Err(LogError::ForeignSession)));
}

#[test]
fn a_log_is_not_continued_past_a_cut_tail_or_without_its_mirror() {
    let outside = tempfile::tempdir().unwrap();
    let (dir, mirror) = (outside.path().join("log"), outside.path().join("mirror"));
    let options = || LogOptions {
        mirror: Some(mirror.clone()),
        ..LogOptions::default()
    };
    let now = context(9, Exposure::NONE);
    let recover = || Log::recover(&dir, SESSION, options(), key(), &now);
    let log = scene::open(&dir, options());
    let notes = fs::read(dir.join("audit.checkpoints")).unwrap();
    scene::read(&log, 2, "a");
    drop(log);
    let (file, sidecar) = (dir.join("audit-0000.jsonl"), dir.join("audit.checkpoints"));
    let (whole, signed) = (fs::read(&file).unwrap(), fs::read(&sidecar).unwrap());
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    fs::write(&file, &whole[..first]).unwrap();
    fs::write(&sidecar, notes).unwrap();
    assert!(matches!(
        recover(),
        Err(LogError::Damaged(VerifyError::Bad(_)))
    ));
    fs::write(&file, &whole).unwrap();
    fs::write(&sidecar, signed).unwrap();
    let kept = fs::read(&mirror).unwrap();
    fs::remove_file(&mirror).unwrap();
    assert!(matches!(
        recover(),
        Err(LogError::Damaged(VerifyError::Bad(_)))
    ));
    fs::write(&mirror, kept).unwrap();
    assert_eq!(recover().unwrap().1.report.records, 3);
}

/// What the child said of its failure.
fn failure(report: &Path) -> Vec<String> {
    let text =
        fs::read_to_string(report).unwrap_or_else(|_| panic!("the child reported no failure"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_file_that_may_not_grow_poisons_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    // 64 blocks of 512 bytes; the signal is ignored so that the write fails instead.
    let script = r#"trap "" XFSZ; ulimit -f 64; exec "$0" "$@""#;
    let mut child = child(&["sh", "-c", script], dir.path(), &report);
    assert!(child.wait().unwrap().success());
    let said = failure(&report);
    assert!(
        said[0].contains("append to") && said[0].contains("File too large"),
        "{said:?}"
    );
    assert_eq!(said[1..], ["poisoned true", "writers 4"]);
    check_after_death(dir.path());
}

#[test]
fn a_full_disk_poisons_the_log() {
    let outside = tempfile::tempdir().unwrap();
    let (dir, report) = (outside.path().join("disk"), outside.path().join("report"));
    let kept = outside.path().join("kept");
    fs::create_dir(&dir).unwrap();
    let mount = r#"mount -t tmpfs -o size=96k none "$NUCLEUS_AUDIT_TEST_DIR""#;
    let script = format!(
        r#"{mount} || exit 77; "$0" "$@"; cp -r "$NUCLEUS_AUDIT_TEST_DIR" "{}""#,
        kept.display()
    );
    let words = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        &script,
    ];
    let status = child(&words, &dir, &report).wait().unwrap();
    if !status.success() {
        println!("SKIPPED: a_full_disk_poisons_the_log (missing: user namespaces)");
        return;
    }
    let said = failure(&report);
    assert!(said[0].contains("No space left on device"), "{said:?}");
    assert_eq!(said[1..], ["poisoned true", "writers 4"]);
    let options = VerifyOptions::new(key().verifying());
    let records = verify(&kept.join("log"), &options).unwrap().records;
    assert!(given(&kept).into_iter().all(|sequence| sequence < records));
}

#[test]
fn a_closed_directory_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Log::create(&file.join("log"), SESSION, LogOptions::default(), key()).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot make the directory"),
        "{error}"
    );
    let mirror = LogOptions {
        mirror: Some(file.join("mirror")),
        ..LogOptions::default()
    };
    let error = Log::create(&dir.path().join("log"), SESSION, mirror, key()).unwrap_err();
    assert!(error.to_string().starts_with("cannot open"), "{error}");
}

#[test]
fn files_of_a_log_are_for_their_owner_alone() {
    let outside = tempfile::tempdir().unwrap();
    let dir = outside.path().join("state").join("log");
    scene::closed(
        &dir,
        LogOptions {
            rotate_bytes: 2500,
            ..LogOptions::default()
        },
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
