//! A session with fixed times and keys, and every kind of record in it.

use std::path::Path;

use nucleus_audit::{
    ApprovalGiven, Boundary, Context, Draft, Durability, Effect, Judged, Layer, Log, LogOptions,
    Probe, SigningKey, Start, Times,
};
use portcullis::envelope::EnvelopeParts;
use portcullis::path::RelPath;
use portcullis::request::Subject;
use portcullis::{
    Amount, Decision, Envelope, Exposure, Ledger, Operation, Outcome, Phase, Reasons, Request,
    SessionId, SessionWord, decide,
};

pub(crate) const SESSION: SessionId = SessionId::from_bytes([0x11; 16]);
pub(crate) const OTHER: SessionId = SessionId::from_bytes([0x22; 16]);

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

pub(crate) fn envelope() -> Envelope {
    Envelope::new(EnvelopeParts::everything())
}

pub(crate) fn context(moment: u64, exposure: Exposure) -> Context<'static> {
    Context {
        times: Times {
            boot_ms: moment,
            wall_unix_ms: 1_700_000_000_000 + moment,
        },
        principal: "uid:1000",
        parent: None,
        exposure,
        envelope: envelope().digest(),
        budget: Ledger::open(Amount::of_micro_usd(2_000_000)),
    }
}

pub(crate) fn word(exposure: Exposure) -> SessionWord {
    SessionWord {
        phase: Phase::Active,
        in_window: true,
        exposure,
    }
}

pub(crate) fn read_request(session: SessionId, path: &str) -> Request {
    let subject = Subject::Path(RelPath::parse(path).unwrap());
    Request::builder("uid:1000", session, Operation::ReadFiles, subject).build()
}

pub(crate) fn judge(request: &Request) -> Decision {
    decide(&envelope(), word(Exposure::NONE), request, true, None)
}

pub(crate) fn open(dir: &Path, options: LogOptions) -> Log {
    open_as(dir, SESSION, options)
}

pub(crate) fn open_as(dir: &Path, session: SessionId, options: LogOptions) -> Log {
    let log = Log::create(dir, session, options, key()).unwrap();
    start(&log);
    log
}

pub(crate) fn start(log: &Log) {
    let layers = [Layer {
        name: "landlock".to_owned(),
        state: "present".to_owned(),
        detail: "ABI 6".to_owned(),
    }];
    let probes = [Probe {
        name: "dial_out".to_owned(),
        held: true,
        detail: "no route".to_owned(),
    }];
    let envelope = envelope();
    let start = Start {
        envelope: &envelope,
        boundary: Boundary::Jail,
        layers: &layers,
        probes: &probes,
        software: "nucleus 0.1.0",
    };
    let draft = Draft::start(context(1, Exposure::NONE), start);
    let _ = log.record(&draft, (), Durability::Durable).unwrap();
}

/// Records one permitted read and what became of it; returns the place of the intent.
pub(crate) fn read(log: &Log, moment: u64, path: &str) -> u64 {
    let request = read_request(log.session(), path);
    let decision = judge(&request);
    let draft = Draft::decision(
        context(moment, decision.facts().labels()),
        Judged {
            request: &request,
            decision: &decision,
            session: word(Exposure::NONE),
            reserved: true,
        },
    );
    let Decision::Permit(permit) = decision else {
        panic!("a read is permitted")
    };
    let recorded = log.record(&draft, permit, Durability::Buffered).unwrap();
    assert!(recorded.get().covers(&request));
    let done = Draft::outcome(
        context(moment, Exposure::PRIVATE),
        recorded.sequence(),
        Effect::Done,
        Amount::ZERO,
    );
    let _ = log.record(&done, (), Durability::Buffered).unwrap();
    recorded.sequence()
}

/// Records a refusal.
pub(crate) fn refuse(log: &Log, moment: u64) {
    let request = read_request(log.session(), "src/main.rs");
    let ended = SessionWord {
        phase: Phase::LockedDown,
        ..word(Exposure::NONE)
    };
    let decision = decide(&envelope(), ended, &request, true, None);
    assert_eq!(decision.outcome(), Outcome::Deny);
    let draft = Draft::decision(
        context(moment, Exposure::NONE),
        Judged {
            request: &request,
            decision: &decision,
            session: ended,
            reserved: true,
        },
    );
    let _ = log.record(&draft, (), Durability::Buffered).unwrap();
}

/// Records one of every other kind.
pub(crate) fn every_kind(log: &Log) {
    let envelope = envelope();
    let request = read_request(log.session(), "a").digest();
    let given = ApprovalGiven {
        request,
        shown: Reasons::ASKING,
        approver: "alice",
        via: "token",
    };
    let now = |moment| context(moment, Exposure::UNTRUSTED);
    for draft in [
        Draft::expose(now(10), Exposure::NONE, "read-only view"),
        Draft::approval(now(11), given),
        Draft::tighten(now(12), &envelope),
        Draft::lockdown(now(13), "by hand"),
        Draft::lift(now(14), "by hand"),
        Draft::note(
            now(15),
            "line one\nline two\u{2028}\u{1b}[2J \"quoted\" \\ é 漢",
        ),
    ] {
        let _ = log.record(&draft, (), Durability::Buffered).unwrap();
    }
    read(log, 20, "src/lib.rs");
    refuse(log, 30);
}

pub(crate) fn end(log: Log) {
    let draft = Draft::end(context(99, Exposure::PRIVATE), "done");
    let _ = log.record(&draft, (), Durability::Durable).unwrap();
    log.close().unwrap();
}

/// A closed log with every kind of record.
pub(crate) fn closed(dir: &Path, options: LogOptions) {
    let log = open(dir, options);
    every_kind(&log);
    end(log);
}
