//! A record before it has a place in the log; it borrows what it says and is redacted when it is appended.

use portcullis::decide::Decision;
use portcullis::digest::{EnvelopeDigest, RequestDigest};
use portcullis::envelope::Envelope;
use portcullis::request::{Request, SessionId};
use portcullis::verdict::{SessionWord, SubjectFacts};
use portcullis::{Amount, Exposure, Ledger, Outcome, Reasons};

use crate::record::{Boundary, DecisionPart, EffectWord, Kind, Layer, Probe};

/// Two clocks, read by the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The boot-time clock, in milliseconds.
    pub boot_ms: u64,
    /// The wall clock, in milliseconds since 1970-01-01 UTC.
    pub wall_unix_ms: u64,
}

/// What every record says of its moment.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// When.
    pub times: Times,
    /// The authenticated user or key.
    pub principal: &'a str,
    /// The session that this one is a child of.
    pub parent: Option<SessionId>,
    /// What the session has touched once the record stands.
    pub exposure: Exposure,
    /// The envelope in force once the record stands.
    pub envelope: EnvelopeDigest,
    /// The budget once the record stands.
    pub budget: Ledger,
}

/// How a session starts.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The upper bound of its authority.
    pub envelope: &'a Envelope,
    /// What stands between agent and host.
    pub boundary: Boundary,
    /// The layers of the confinement.
    pub layers: &'a [Layer],
    /// The attempts made from inside.
    pub probes: &'a [Probe],
    /// Name and version of the software.
    pub software: &'a str,
}

/// A request with the answer of `decide` and what of the session decided it.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a, 'd> {
    /// The request.
    pub request: &'a Request,
    /// The answer.
    pub decision: &'d Decision,
    /// The session before.
    pub session: SessionWord,
    /// Whether the budget could be reserved.
    pub reserved: bool,
}

/// How an effect went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// It was done.
    Done,
    /// It was not done, and why.
    Failed(&'a str),
    /// Nobody saw how it ended, and why.
    Unknown(&'a str),
}

/// A human's answer that was spent.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalGiven<'a> {
    /// The request it answers.
    pub request: RequestDigest,
    /// The reasons that were shown.
    pub shown: Reasons,
    /// Who gave it.
    pub approver: &'a str,
    /// How it came in, for example `token` or `apply`.
    pub via: &'a str,
}

/// What the request of a decision record was and came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judgement<'a> {
    pub(crate) request: &'a Request,
    pub(crate) facts: SubjectFacts,
    pub(crate) part: DecisionPart,
}

/// What a kind of record brings along, not yet redacted.
#[derive(Clone, Debug)]
pub(crate) enum Matter<'a> {
    Judged(Judgement<'a>),
    Start(Start<'a>),
    Outcome {
        of: u64,
        effect: EffectWord,
        why: &'a str,
        used: Amount,
    },
    Tighten(&'a Envelope),
    Approval(ApprovalGiven<'a>),
    Recovered {
        file: &'a str,
        bytes: u64,
        digest: portcullis::digest::ContentDigest,
    },
    Text(&'a str),
}

/// A record before it has a place in the log.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) kind: Kind,
    pub(crate) before: Exposure,
    pub(crate) matter: Matter<'a>,
}

impl<'a> Draft<'a> {
    /// The first record of a log.
    #[must_use]
    pub fn start(context: Context<'a>, start: Start<'a>) -> Self {
        Self::new(context, Kind::Start, Matter::Start(start))
    }

    /// What `decide` answered: a permit or a refusal.
    ///
    /// Nothing of the decision is borrowed, so that its permit can be the payload.
    #[must_use]
    pub fn decision(context: Context<'a>, judged: Judged<'a, '_>) -> Self {
        let Judged {
            request,
            decision,
            session,
            reserved,
        } = judged;
        let (kind, discharged) = match decision {
            Decision::Permit(permit) => (Kind::Permit, permit.discharged()),
            Decision::NeedsApproval(_) | Decision::Deny(_) => (Kind::Refusal, Reasons::NONE),
        };
        let part = DecisionPart {
            outcome: decision.outcome(),
            reasons: decision.reasons(),
            discharged,
            phase: session.phase,
            in_window: session.in_window,
            reserved,
        };
        let judgement = Judgement {
            request,
            facts: decision.facts(),
            part,
        };
        let draft = Self::new(context, kind, Matter::Judged(judgement));
        Self {
            before: session.exposure,
            ..draft
        }
    }

    /// Marks a decision as one over a change to the workspace: a permit lands it, a refusal keeps it staged.
    #[must_use]
    pub fn landing(self) -> Self {
        let kind = match self.kind {
            Kind::Permit => Kind::Land,
            Kind::Refusal => Kind::Stage,
            other => other,
        };
        Self { kind, ..self }
    }

    /// What became of the intent at this place.
    #[must_use]
    pub fn outcome(context: Context<'a>, of: u64, effect: Effect<'a>, used: Amount) -> Self {
        let (effect, why) = match effect {
            Effect::Done => (EffectWord::Done, ""),
            Effect::Failed(why) => (EffectWord::Failed, why),
            Effect::Unknown(why) => (EffectWord::Unknown, why),
        };
        Self::new(
            context,
            Kind::Outcome,
            Matter::Outcome {
                of,
                effect,
                why,
                used,
            },
        )
    }

    /// Authority is this envelope from here on.
    #[must_use]
    pub fn tighten(context: Context<'a>, envelope: &'a Envelope) -> Self {
        Self::new(context, Kind::Tighten, Matter::Tighten(envelope))
    }

    /// The exposure rose from `before` outside a request.
    #[must_use]
    pub fn expose(context: Context<'a>, before: Exposure, why: &'a str) -> Self {
        Self {
            before,
            ..Self::new(context, Kind::Expose, Matter::Text(why))
        }
    }

    /// The host paused the session.
    #[must_use]
    pub fn lockdown(context: Context<'a>, why: &'a str) -> Self {
        Self::new(context, Kind::Lockdown, Matter::Text(why))
    }

    /// The host ended the pause.
    #[must_use]
    pub fn lift(context: Context<'a>, why: &'a str) -> Self {
        Self::new(context, Kind::Lift, Matter::Text(why))
    }

    /// A human's answer was spent.
    #[must_use]
    pub fn approval(context: Context<'a>, given: ApprovalGiven<'a>) -> Self {
        Self::new(context, Kind::Approval, Matter::Approval(given))
    }

    /// A remark.
    #[must_use]
    pub fn note(context: Context<'a>, text: &'a str) -> Self {
        Self::new(context, Kind::Note, Matter::Text(text))
    }

    /// The session ends.
    #[must_use]
    pub fn end(context: Context<'a>, why: &'a str) -> Self {
        Self::new(context, Kind::End, Matter::Text(why))
    }

    pub(crate) fn new(context: Context<'a>, kind: Kind, matter: Matter<'a>) -> Self {
        Self {
            before: context.exposure,
            context,
            kind,
            matter,
        }
    }

    /// What the record will be about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The request whose permit it records.
    #[must_use]
    pub fn permitted(&self) -> Option<RequestDigest> {
        match &self.matter {
            Matter::Judged(judged) if judged.part.outcome == Outcome::Permit => {
                Some(judged.request.digest())
            }
            _ => None,
        }
    }

    /// The session of the request that it is about, if it is about one.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match &self.matter {
            Matter::Judged(judged) => Some(judged.request.session()),
            _ => None,
        }
    }
}
