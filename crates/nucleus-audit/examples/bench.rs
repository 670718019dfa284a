//! Measures the log and prints one JSON object a figure; the targets are the caller's.
//!
//! `--smoke` measures little and quickly; `--dir DIR` says on which disk; `--only buffered|durable|million` leaves
//! the others out.
#![expect(clippy::unwrap_used, reason = "a bench stops at the first error")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nucleus_audit::{
    Boundary, Context, Draft, Durability, Judged, Log, LogOptions, SigningKey, Start, Times,
    VerifyOptions, verify,
};
use portcullis::envelope::EnvelopeParts;
use portcullis::path::RelPath;
use portcullis::{
    Amount, Decision, Envelope, Exposure, Ledger, Operation, Phase, Request, SessionId,
    SessionWord, Subject, decide,
};

const SESSION: SessionId = SessionId::from_bytes([3; 16]);

/// How much is measured.
struct Size {
    rounds: usize,
    round: Duration,
    buffered: u64,
    million: u64,
}

/// One permitted read, judged once and recorded again and again.
struct Scene {
    envelope: Envelope,
    request: Request,
    decision: Decision,
    session: SessionWord,
}

impl Scene {
    fn new() -> Self {
        let envelope = Envelope::new(EnvelopeParts::everything());
        let path = RelPath::parse("crates/billing/src/invoice/total.rs").unwrap();
        let request = Request::builder(
            "uid:1000",
            SESSION,
            Operation::ReadFiles,
            Subject::Path(path),
        )
        .build();
        let session = SessionWord {
            phase: Phase::Active,
            in_window: true,
            exposure: Exposure::PRIVATE,
        };
        let decision = decide(&envelope, session, &request, true, None);
        Self {
            envelope,
            request,
            decision,
            session,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            times: Times {
                boot_ms: 86_400_000,
                wall_unix_ms: 1_700_000_000_000,
            },
            principal: "uid:1000",
            parent: None,
            exposure: Exposure::PRIVATE,
            envelope: self.envelope.digest(),
            budget: Ledger::open(Amount::of_micro_usd(2_000_000)),
        }
    }

    fn draft(&self) -> Draft<'_> {
        let judged = Judged {
            request: &self.request,
            decision: &self.decision,
            session: self.session,
            reserved: true,
        };
        Draft::decision(self.context(), judged)
    }

    fn open(&self, dir: &Path) -> Log {
        let key = SigningKey::from_seed(&[9; 32]);
        let log = Log::create(dir, SESSION, LogOptions::default(), key).unwrap();
        let start = Start {
            envelope: &self.envelope,
            boundary: Boundary::Jail,
            layers: &[],
            probes: &[],
            software: "bench",
        };
        let _ = log
            .record(
                &Draft::start(self.context(), start),
                (),
                Durability::Durable,
            )
            .unwrap();
        log
    }

    fn append(&self, log: &Log, durability: Durability) {
        let _ = log.record(&self.draft(), (), durability).unwrap();
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_smoke = arguments.iter().any(|argument| argument == "--smoke");
    let named = arguments.iter().position(|argument| argument == "--dir");
    let base = named
        .and_then(|at| arguments.get(at + 1))
        .map_or_else(default_dir, PathBuf::from);
    std::fs::create_dir_all(&base).unwrap();
    let dir = tempfile::tempdir_in(base).unwrap();
    let size = if is_smoke {
        Size {
            rounds: 1,
            round: Duration::from_millis(50),
            buffered: 2_000,
            million: 5_000,
        }
    } else {
        Size {
            rounds: 5,
            round: Duration::from_millis(600),
            buffered: 200_000,
            million: 1_000_000,
        }
    };
    let only = arguments.iter().position(|argument| argument == "--only");
    let only = only
        .and_then(|at| arguments.get(at + 1))
        .map_or("", String::as_str);
    let scene = Scene::new();
    let is_wanted = |name: &str| only.is_empty() || only == name;
    if is_wanted("buffered") {
        buffered(&scene, dir.path(), &size);
    }
    if is_wanted("durable") {
        durable(&scene, dir.path(), &size);
    }
    if is_wanted("million") {
        million(&scene, dir.path(), &size);
    }
}

/// Beside the build, so on a disk and not in memory.
fn default_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/audit-bench")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn say(id: &str, unit: &str, ours: f64, rival: Option<(f64, &str)>) {
    let mut object = serde_json::json!({ "id": id, "unit": unit, "ours": ours });
    if let Some((figure, name)) = rival {
        object["rival"] = figure.into();
        object["rival_name"] = name.into();
        object["ratio"] = (ours / figure).into();
    }
    println!("{object}");
}

/// Appends from one thread without waiting for the device.
fn buffered(scene: &Scene, dir: &Path, size: &Size) {
    let figures = (0..size.rounds).map(|round| {
        let log = scene.open(&dir.join(format!("buffered-{round}")));
        let begin = Instant::now();
        for _ in 0..size.buffered {
            scene.append(&log, Durability::Buffered);
        }
        size.buffered as f64 / begin.elapsed().as_secs_f64()
    });
    say(
        "log_append_buffered",
        "records/s",
        median(figures.collect()),
        None,
    );
}

/// Durable appends of one and of 64 writers beside a bare write and flush of the same bytes, in turns.
fn durable(scene: &Scene, dir: &Path, size: &Size) {
    let log = scene.open(&dir.join("durable"));
    let line = one_line(scene, dir);
    let mut raw = OpenOptions::new()
        .append(true)
        .create(true)
        .open(dir.join("raw"))
        .unwrap();
    let (mut bare, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    // Short turns, so that a change in the machine's load meets both alike.
    for _ in 0..size.rounds * 4 {
        bare.push(flushes(&mut raw, &line, size.round / 4));
        one.push(writers(scene, &log, 1, size.round / 4));
    }
    for _ in 0..size.rounds {
        many.push(writers(scene, &log, 64, size.round));
    }
    let (bare, one, many) = (median(bare), median(one), median(many));
    say(
        "log_append_durable_1",
        "records/s",
        one,
        Some((bare, "write + fdatasync of the same bytes")),
    );
    say(
        "log_append_durable_64",
        "records/s",
        many,
        Some((one, "one durable writer")),
    );
    say("log_append_durable_64_rate", "records/s", many, None);
}

/// The bytes of one record.
fn one_line(scene: &Scene, dir: &Path) -> Vec<u8> {
    let dir = dir.join("line");
    let log = scene.open(&dir);
    scene.append(&log, Durability::Durable);
    let bytes = std::fs::read(dir.join("audit-0000.jsonl")).unwrap();
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .next_back()
        .unwrap()
        .to_vec()
}

fn flushes(file: &mut File, line: &[u8], round: Duration) -> f64 {
    let begin = Instant::now();
    let mut count = 0_u64;
    while begin.elapsed() < round {
        file.write_all(line).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    count as f64 / begin.elapsed().as_secs_f64()
}

fn writers(scene: &Scene, log: &Log, count: usize, round: Duration) -> f64 {
    let begin = Instant::now();
    let write = || {
        let mut records = 0_u64;
        while begin.elapsed() < round {
            scene.append(log, Durability::Durable);
            records += 1;
        }
        records
    };
    let total: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(write)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    total as f64 / begin.elapsed().as_secs_f64()
}

/// Appends to a log of a million records and to an empty one, in turns; then verifies the large one.
fn million(scene: &Scene, dir: &Path, size: &Size) {
    let large_dir = dir.join("million");
    let large = scene.open(&large_dir);
    for _ in 0..size.million {
        scene.append(&large, Durability::Buffered);
    }
    large.checkpoint().unwrap();
    let batch = (size.million / 100).max(100);
    let time = |log: &Log| {
        let begin = Instant::now();
        for _ in 0..batch {
            scene.append(log, Durability::Buffered);
        }
        begin.elapsed().as_secs_f64() * 1e9 / batch as f64
    };
    let (mut full, mut empty) = (Vec::new(), Vec::new());
    for round in 0..size.rounds * 3 {
        let fresh = scene.open(&dir.join(format!("empty-{round}")));
        empty.push(time(&fresh));
        full.push(time(&large));
    }
    say(
        "log_append_million",
        "ns",
        median(full),
        Some((median(empty), "an empty log")),
    );
    large.close().unwrap();
    let options = VerifyOptions::new(SigningKey::from_seed(&[9; 32]).verifying());
    let figures = (0..size.rounds).map(|_| {
        let begin = Instant::now();
        let report = verify(&large_dir, &options).unwrap();
        report.records as f64 / begin.elapsed().as_secs_f64()
    });
    say("log_verify", "records/s", median(figures.collect()), None);
}
