//! A real door: requests are decided and recorded before they land.

use nucleus::workspace::{Change, Landed, Landing, WorkspaceError, WorkspaceView};
use nucleus_audit::{
    Boundary, Context, Draft, Durability, Judged, Log, LogOptions, Recorded, SigningKey, Start,
    Times,
};
use portcullis::glob::PathPattern;
use portcullis::{
    Amount, Conjunction, Decision, Envelope, EnvelopeParts, Exposure, Ledger, Permit, Phase,
    Request, Section, SessionId, SessionWord, Subject, Union, decide,
};

/// Everything but these paths.
pub(crate) fn envelope(blocked: &[&str]) -> Envelope {
    let mut parts = EnvelopeParts::everything();
    parts.paths = Section {
        listed: Conjunction::everything(),
        blocked: Union::of(blocked.iter().map(|p| PathPattern::parse(p).unwrap())),
    };
    Envelope::new(parts)
}

/// One session's log and its exposure.
pub(crate) struct Door {
    log: Log,
    pub(crate) envelope: Envelope,
    pub(crate) session: SessionId,
    pub(crate) exposure: Exposure,
    _dir: tempfile::TempDir,
}

impl Door {
    pub(crate) fn new(envelope: Envelope) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let session = SessionId::from_bytes(*b"0123456789abcdef");
        let options = LogOptions::default();
        let key = SigningKey::from_seed(&[7; 32]);
        let log = Log::create(&dir.path().join("log"), session, options, key).unwrap();
        let door = Self {
            log,
            envelope,
            session,
            exposure: Exposure::NONE,
            _dir: dir,
        };
        let start = Start {
            envelope: &door.envelope,
            boundary: Boundary::None,
            layers: &[],
            probes: &[],
            software: "tests",
        };
        let _start = door.log.record(
            &Draft::start(door.context(), start),
            (),
            Durability::Buffered,
        );
        door
    }

    fn context(&self) -> Context<'_> {
        Context {
            times: Times::default(),
            principal: "tests",
            parent: None,
            exposure: self.exposure,
            envelope: self.envelope.digest(),
            budget: Ledger::open(Amount::ZERO),
        }
    }

    pub(crate) fn request(&self, change: &Change) -> Request {
        let subject = Subject::Path(change.path.parse().unwrap());
        Request::builder("tests", self.session, change.operations(), subject)
            .content(change.content())
            .build()
    }

    /// The recorded permit, or the answer that is none.
    pub(crate) fn permit(&self, request: &Request) -> Result<Recorded<Permit>, Decision> {
        let word = SessionWord {
            phase: Phase::Active,
            in_window: true,
            exposure: self.exposure,
        };
        let decision = decide(&self.envelope, word, request, true, None);
        let judged = Judged {
            request,
            decision: &decision,
            session: word,
            reserved: true,
        };
        let draft = Draft::decision(
            Context {
                exposure: self.exposure,
                ..self.context()
            },
            judged,
        );
        match decision {
            Decision::Permit(permit) => Ok(self
                .log
                .record(&draft, permit, Durability::Buffered)
                .unwrap()),
            refused => Err(refused),
        }
    }

    pub(crate) fn land(
        &self,
        view: &dyn WorkspaceView,
        change: Change,
    ) -> Result<Landed, WorkspaceError> {
        let request = self.request(&change);
        view.land(self.permit(&request).unwrap(), &request, change)
    }

    pub(crate) fn land_all(
        &self,
        view: &dyn WorkspaceView,
        changes: Vec<Change>,
    ) -> Vec<Result<Landed, WorkspaceError>> {
        let landings = changes
            .into_iter()
            .map(|change| {
                let request = self.request(&change);
                Landing {
                    permit: self.permit(&request).unwrap(),
                    request,
                    change,
                }
            })
            .collect();
        view.land_all(landings)
    }

    /// Lands everything, which must land.
    pub(crate) fn land_whole(&self, view: &dyn WorkspaceView, changes: Vec<Change>) {
        let shown: Vec<String> = changes
            .iter()
            .map(|c| format!("{} {}", c.verb(), c.path))
            .collect();
        for (landed, shown) in self.land_all(view, changes).into_iter().zip(shown) {
            assert_eq!(landed.unwrap(), Landed::Done, "{shown}");
        }
    }
}
