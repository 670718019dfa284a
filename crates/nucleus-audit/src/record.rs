//! One record as it stands in the log.

use std::path::Path;

use portcullis::digest::{ContentDigest, EnvelopeDigest, RequestDigest};
use portcullis::request::SessionId;
use portcullis::verdict::{Phase, Sinks, SubjectFacts};
use portcullis::{Amount, Exposure, OperationSet, Outcome, Reasons};

use crate::canon::{canon_enum, canon_struct, canon_words};
use crate::chain::{ChainHash, SpelledBody, put_line};
use crate::error::ReadError;
use crate::subject::RecordedSubject;

pub use crate::canon::HexBytes;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, counted from 0 over all files.
    pub seq: u64,
    /// The session that the log belongs to.
    pub session: SessionId,
    /// All that does not depend on its place.
    pub body: Body,
    /// The hash of the record before, or zeros.
    pub previous: ChainHash,
    /// The hash over every other member.
    pub hash: ChainHash,
}

impl Record {
    /// Reads one line of a log, without its newline; its hash must be that of its bytes, its place is not looked at.
    ///
    /// # Errors
    /// [`ReadError::Malformed`] for any other spelling than the one the writer has, and for a wrong hash.
    pub fn from_line(line: &[u8]) -> Result<Self, ReadError> {
        let record = crate::read::parse(line, Path::new("line"), 1)?;
        if record.to_line() == line {
            Ok(record)
        } else {
            Err(ReadError::Malformed {
                file: "line".to_owned(),
                line: 1,
                byte: line.len(),
                expected: "the hash of the line's own bytes",
            })
        }
    }

    /// The line of this record, with the hash of its bytes, without a newline.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        let body = SpelledBody::of(&self.body);
        put_line(&mut line, self.seq, self.session, &body, self.previous);
        line.pop();
        line
    }
}

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The session starts; always the first record.
    Start,
    /// A request was permitted: the intent, before its effect.
    Permit,
    /// A request was refused, or needs an approval.
    Refusal,
    /// What became of an intent.
    Outcome,
    /// Authority was narrowed.
    Tighten,
    /// Labels joined the exposure outside a request.
    Expose,
    /// The host paused the session.
    Lockdown,
    /// The host ended the pause.
    Lift,
    /// A human's answer was spent.
    Approval,
    /// A change was permitted to land in the workspace: an intent.
    Land,
    /// A change was not permitted to land and stays staged.
    Stage,
    /// A remark.
    Note,
    /// A torn last line was set aside after a crash.
    Recovered,
    /// The session ends.
    End,
}

canon_words!(Kind {
    Start = "start",
    Permit = "permit",
    Refusal = "refusal",
    Outcome = "outcome",
    Tighten = "tighten",
    Expose = "expose",
    Lockdown = "lockdown",
    Lift = "lift",
    Approval = "approval",
    Land = "land",
    Stage = "stage",
    Note = "note",
    Recovered = "recovered",
    End = "end",
});

impl Kind {
    /// Whether an outcome must follow.
    #[must_use]
    pub const fn is_intent(self) -> bool {
        matches!(self, Self::Permit | Self::Land)
    }

    /// Whether it records what `decide` answered.
    #[must_use]
    pub const fn is_decision(self) -> bool {
        matches!(
            self,
            Self::Permit | Self::Refusal | Self::Land | Self::Stage
        )
    }
}

/// The members of a record between its place and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The session that this one is a child of.
    pub parent: Option<SessionId>,
    /// The boot-time clock, in milliseconds.
    pub boot_ms: u64,
    /// The wall clock, in milliseconds since 1970-01-01 UTC.
    pub wall_unix_ms: u64,
    /// The authenticated user or key.
    pub principal: String,
    /// What the record is about.
    pub kind: Kind,
    /// The operations that the request was recognised as.
    pub operations: OperationSet,
    /// What the request is about, redacted by rule.
    pub subject: Option<RecordedSubject>,
    /// The members of the record in which something was left out.
    pub redacted: Vec<String>,
    /// All else of the request.
    pub request: Option<RequestPart>,
    /// What decided of the subject.
    pub facts: Option<SubjectFacts>,
    /// What was decided.
    pub decision: Option<DecisionPart>,
    /// What the session had touched.
    pub exposure: ExposurePart,
    /// The envelope in force.
    pub envelope: EnvelopeDigest,
    /// The budget after the record.
    pub budget: BudgetPart,
    /// What the kind brings along.
    pub detail: Option<Detail>,
}

canon_struct!(Body {
    parent,
    boot_ms,
    wall_unix_ms,
    principal,
    kind,
    operations,
    subject,
    redacted,
    request,
    facts,
    decision,
    exposure,
    envelope,
    budget,
    detail
});

impl Body {
    /// Whether exactly the members that belong to the kind are there.
    pub(crate) fn is_coherent(&self) -> bool {
        let is_decision = self.kind.is_decision();
        let parts = [
            self.subject.is_some(),
            self.request.is_some(),
            self.facts.is_some(),
        ];
        let detail_fits = match (&self.detail, self.kind) {
            (None, kind) => kind.is_decision(),
            (Some(detail), kind) => detail.belongs_to(kind),
        };
        let outcome_fits = match (&self.decision, self.kind) {
            (Some(decision), Kind::Permit | Kind::Land) => decision.outcome == Outcome::Permit,
            (Some(decision), Kind::Refusal | Kind::Stage) => decision.outcome != Outcome::Permit,
            (decision, _) => decision.is_none(),
        };
        parts.into_iter().all(|part| part == is_decision) && detail_fits && outcome_fits
    }
}

/// What of a request stands beside its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPart {
    /// The digest of everything that decides the effect.
    pub digest: RequestDigest,
    /// The digest of the bytes it brings along.
    pub content: Option<ContentDigest>,
    /// The source labels that its subject or content carries.
    pub carried: Exposure,
    /// The rule that accepts its arguments as the user's own.
    pub accepted_by: Option<String>,
    /// The step of a frozen plan that it is.
    pub planned_step: Option<u32>,
}

canon_struct!(RequestPart {
    digest,
    content,
    carried,
    accepted_by,
    planned_step
});

/// The facts of a subject as they stand in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FactsPart {
    operations: OperationSet,
    listed: OperationSet,
    blocked: OperationSet,
    sources: Exposure,
    exfil: bool,
    effect: bool,
    activation: bool,
    sourced: bool,
    unclassified: bool,
}

canon_struct!(FactsPart {
    operations,
    listed,
    blocked,
    sources,
    exfil,
    effect,
    activation,
    sourced,
    unclassified
});

impl From<SubjectFacts> for FactsPart {
    fn from(facts: SubjectFacts) -> Self {
        let SubjectFacts {
            operations,
            listed,
            blocked,
            sources,
            sinks,
            activation,
            sourced,
            unclassified,
        } = facts;
        let Sinks { exfil, effect } = sinks;
        Self {
            operations,
            listed,
            blocked,
            sources,
            exfil,
            effect,
            activation,
            sourced,
            unclassified,
        }
    }
}

impl From<FactsPart> for SubjectFacts {
    fn from(part: FactsPart) -> Self {
        Self {
            operations: part.operations,
            listed: part.listed,
            blocked: part.blocked,
            sources: part.sources,
            sinks: Sinks {
                exfil: part.exfil,
                effect: part.effect,
            },
            activation: part.activation,
            sourced: part.sourced,
            unclassified: part.unclassified,
        }
    }
}

/// What was decided, and what of the session decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionPart {
    /// The outcome.
    pub outcome: Outcome,
    /// Every rule that fired and was not discharged.
    pub reasons: Reasons,
    /// Every rule that fired and that an approval discharged.
    pub discharged: Reasons,
    /// Where the session stood.
    pub phase: Phase,
    /// Whether the time window was open.
    pub in_window: bool,
    /// Whether the budget could be reserved.
    pub reserved: bool,
}

canon_struct!(DecisionPart {
    outcome,
    reasons,
    discharged,
    phase,
    in_window,
    reserved
});

/// What the session had touched before and after the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposurePart {
    /// Before.
    pub before: Exposure,
    /// After.
    pub after: Exposure,
}

canon_struct!(ExposurePart { before, after });

/// The budget after the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPart {
    /// What can still be reserved.
    pub left: Amount,
    /// What is held for requests under way.
    pub held: Amount,
}

canon_struct!(BudgetPart { left, held });

/// What stands between the agent and the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// A microVM.
    Vm,
    /// A kernel-enforced jail.
    Jail,
    /// **Nothing: the log is advisory.**
    None,
}

canon_words!(Boundary { Vm = "vm", Jail = "jail", None = "none" });

/// One layer of the confinement, and whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Present, missing, waived or not needed.
    pub state: String,
    /// How it holds, or why it is missing.
    pub detail: String,
}

canon_struct!(Layer {
    name,
    state,
    detail
});

/// One attempt made from inside before the session started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What was tried.
    pub name: String,
    /// Whether the boundary held.
    pub held: bool,
    /// What stopped it, or what it got.
    pub detail: String,
}

canon_struct!(Probe { name, held, detail });

/// How an effect went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectWord {
    /// It was done.
    Done,
    /// It was not done.
    Failed,
    /// Nobody saw how it ended.
    Unknown,
}

canon_words!(EffectWord { Done = "done", Failed = "failed", Unknown = "unknown" });

/// What a kind of record brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// How the session starts.
    Start {
        /// The envelope in canonical bytes.
        envelope: HexBytes,
        /// What stands between agent and host.
        boundary: Boundary,
        /// The layers of the confinement.
        layers: Vec<Layer>,
        /// The attempts made from inside.
        probes: Vec<Probe>,
        /// Name and version of the software.
        software: String,
    },
    /// What became of an intent.
    Outcome {
        /// The place of the intent.
        of: u64,
        /// How it went.
        effect: EffectWord,
        /// Why it failed or is unknown; empty when done.
        why: String,
        /// What was spent.
        used: Amount,
    },
    /// The envelope from here on.
    Tighten {
        /// In canonical bytes.
        envelope: HexBytes,
    },
    /// An approval that was spent.
    Approval {
        /// The request it answers.
        request: RequestDigest,
        /// The reasons that were shown.
        shown: Reasons,
        /// Who gave it.
        approver: String,
        /// How it came in.
        via: String,
    },
    /// A torn line set aside.
    Recovered {
        /// The file that keeps it, beside the log.
        file: String,
        /// How many bytes it had.
        bytes: u64,
        /// Their digest.
        digest: ContentDigest,
    },
    /// A reason or remark.
    Text {
        /// What it says.
        text: String,
    },
}

canon_enum!(Detail by "what" {
    "start" => Start { envelope, boundary, layers, probes, software }
    "outcome" => Outcome { of, effect, why, used }
    "tighten" => Tighten { envelope }
    "approval" => Approval { request, shown, approver, via }
    "recovered" => Recovered { file, bytes, digest }
    "text" => Text { text }
});

impl Detail {
    /// Whether records of this kind bring it along.
    const fn belongs_to(&self, kind: Kind) -> bool {
        match self {
            Self::Start { .. } => matches!(kind, Kind::Start),
            Self::Outcome { .. } => matches!(kind, Kind::Outcome),
            Self::Tighten { .. } => matches!(kind, Kind::Tighten),
            Self::Approval { .. } => matches!(kind, Kind::Approval),
            Self::Recovered { .. } => matches!(kind, Kind::Recovered),
            Self::Text { .. } => matches!(
                kind,
                Kind::Expose | Kind::Lockdown | Kind::Lift | Kind::Note | Kind::End
            ),
        }
    }
}
