//! Judges one request from words alone: total, no heap, every rule evaluated.
//!
//! The numbers of the rules are those of the design's section 5. Rules 1 to 5
//! deny and nothing discharges them; rules 6 to 8 ask, and an approval that
//! showed a reason discharges it.

use crate::exposure::{Exposure, Label};
use crate::operation::{Operation, OperationSet};
use crate::posture::Posture;

/// Why a request was not simply permitted: a set of rules, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reasons(u16);

/// One rule that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Rule 1: the session has ended.
    SessionEnded = 0,
    /// Rule 1: the session is locked down.
    LockedDown = 1,
    /// Rule 2: outside the time window.
    OutsideWindow = 2,
    /// Rule 3: the budget could not be reserved.
    BudgetNotReserved = 3,
    /// Rule 4: the operation is at level `never`.
    LevelNever = 4,
    /// Rule 5: the subject is blocked.
    SubjectBlocked = 5,
    /// Rule 6: `low_risk` and the subject is not listed.
    NotListed = 6,
    /// Rule 6: the envelope obliges an approval for the operation.
    Obliged = 7,
    /// Rule 7: the change touches an activation path.
    ActivationPath = 8,
    /// Rule 8: an exfil sink while the projected exposure is the trifecta.
    FlowExfil = 9,
    /// Rule 8: an effect sink while untrusted content was seen.
    FlowEffect = 10,
    /// Rule 8: `[flow] mode = "strict"` and an exfil sink after any source.
    FlowStrict = 11,
}

impl Reason {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::SessionEnded,
        Self::LockedDown,
        Self::OutsideWindow,
        Self::BudgetNotReserved,
        Self::LevelNever,
        Self::SubjectBlocked,
        Self::NotListed,
        Self::Obliged,
        Self::ActivationPath,
        Self::FlowExfil,
        Self::FlowEffect,
        Self::FlowStrict,
    ];

    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionEnded => "session_ended",
            Self::LockedDown => "locked_down",
            Self::OutsideWindow => "outside_window",
            Self::BudgetNotReserved => "budget_not_reserved",
            Self::LevelNever => "level_never",
            Self::SubjectBlocked => "subject_blocked",
            Self::NotListed => "not_listed",
            Self::Obliged => "obliged",
            Self::ActivationPath => "activation_path",
            Self::FlowExfil => "flow_exfil",
            Self::FlowEffect => "flow_effect",
            Self::FlowStrict => "flow_strict",
        }
    }

    /// The reason of that name, or `None`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// One sentence for a person.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SessionEnded => "the session has ended",
            Self::LockedDown => "the session is locked down",
            Self::OutsideWindow => "the time window of the session is over",
            Self::BudgetNotReserved => "the budget does not cover it",
            Self::LevelNever => "the policy never grants this operation",
            Self::SubjectBlocked => "the policy blocks this subject",
            Self::NotListed => "the policy does not list this subject",
            Self::Obliged => "the policy obliges an approval for this operation",
            Self::ActivationPath => "the host would run or obey this file by itself",
            Self::FlowExfil => "private data and untrusted content were seen, and data could leave here",
            Self::FlowEffect => "untrusted content was seen, and this changes something outside the session",
            Self::FlowStrict => "strict mode: a source was read, and data could leave here",
        }
    }

    /// The number of its rule, 1 to 8.
    #[must_use]
    pub const fn rule(self) -> u8 {
        match self {
            Self::SessionEnded | Self::LockedDown => 1,
            Self::OutsideWindow => 2,
            Self::BudgetNotReserved => 3,
            Self::LevelNever => 4,
            Self::SubjectBlocked => 5,
            Self::NotListed | Self::Obliged => 6,
            Self::ActivationPath => 7,
            Self::FlowExfil | Self::FlowEffect | Self::FlowStrict => 8,
        }
    }
}

impl Reasons {
    /// No rule fired.
    pub const NONE: Self = Self(0);
    /// The rules that deny, 1 to 5.
    pub const DENYING: Self = Self(0b0000_0011_1111);
    /// The rules that ask, 6 to 8.
    pub const ASKING: Self = Self(0b1111_1100_0000);

    /// The set of one reason.
    #[inline]
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self(1 << reason as u16)
    }

    /// The set with these bits, or `None` when a bit names no reason.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits & !(Self::DENYING.0 | Self::ASKING.0) == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits; bit `n` is the reason with number `n`.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// What is in either set.
    #[inline]
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[inline]
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    #[inline]
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// This set when the condition holds, else nothing.
    #[inline]
    #[must_use]
    pub const fn when(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }

    /// Whether the reason is in the set.
    #[inline]
    #[must_use]
    pub const fn contains(self, reason: Reason) -> bool {
        self.0 & Self::of(reason).0 != 0
    }

    /// Whether no rule fired.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |reason| self.contains(*reason))
    }
}

impl FromIterator<Reason> for Reasons {
    fn from_iter<I: IntoIterator<Item = Reason>>(reasons: I) -> Self {
        reasons.into_iter().fold(Self::NONE, |set, reason| set.union(Self::of(reason)))
    }
}

/// What a request comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A rule of 1 to 5 fired.
    Deny,
    /// No rule of 1 to 5 fired, and one of 6 to 8 did.
    NeedsApproval,
    /// No rule fired, or all that did were shown to the approver.
    Permit,
}

impl Outcome {
    /// The name used in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::NeedsApproval => "needs_approval",
            Self::Permit => "permit",
        }
    }
}

/// Where a session stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Requests are judged.
    #[default]
    Active,
    /// Every request is denied until the host lifts it.
    LockedDown,
    /// Every request is denied for good.
    Ended,
}

/// What of the session decides, as one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SessionWord {
    /// Active, locked down or ended.
    pub phase: Phase,
    /// Whether the time window is open.
    pub in_window: bool,
    /// What the session has touched.
    pub exposure: Exposure,
}

/// Where data can go by a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sinks {
    /// Data leaves.
    pub exfil: bool,
    /// A change outlives the session or others act on it.
    pub effect: bool,
}

/// All that decides of the subject, without its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SubjectFacts {
    /// The operations it was recognised as; never empty in a well-formed request.
    pub operations: OperationSet,
    /// The operations for which the subject is listed.
    pub listed: OperationSet,
    /// The operations for which the subject is blocked.
    pub blocked: OperationSet,
    /// The source labels that the request brings in.
    pub sources: Exposure,
    /// Where data can go.
    pub sinks: Sinks,
    /// Whether the request changes an activation path.
    pub activation: bool,
    /// Whether the user's own configuration accepts every argument it names as
    /// the user's own, or it is the next step of a frozen plan.
    pub sourced: bool,
    /// Whether it is a tool that the catalog does not know, which asks on every call.
    pub unclassified: bool,
}

impl SubjectFacts {
    /// The labels of the request: its sources, and the way out exactly when it is an exfil sink.
    #[inline]
    #[must_use]
    pub const fn labels(self) -> Exposure {
        self.sources.sources().join(Exposure::EXFIL.when(self.sinks.exfil))
    }
}

/// The outcome with all rules that fired and the exposure a permit would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    reasons: Reasons,
    projected: Exposure,
}

impl Verdict {
    /// Every rule that fired.
    #[inline]
    #[must_use]
    pub const fn reasons(self) -> Reasons {
        self.reasons
    }

    /// The exposure of the session if the request is permitted.
    #[inline]
    #[must_use]
    pub const fn projected(self) -> Exposure {
        self.projected
    }

    /// The outcome when no approval was given.
    #[inline]
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        self.outcome_with(Reasons::NONE)
    }

    /// The outcome under an approval that showed these reasons.
    ///
    /// A reason that was not shown is not discharged; rules 1 to 5 never are.
    #[inline]
    #[must_use]
    pub const fn outcome_with(self, shown: Reasons) -> Outcome {
        let rest = self.reasons.difference(shown.intersection(Reasons::ASKING));
        if !rest.intersection(Reasons::DENYING).is_empty() {
            Outcome::Deny
        } else if !rest.is_empty() {
            Outcome::NeedsApproval
        } else {
            Outcome::Permit
        }
    }
}

/// Judges a request of these facts; the one function that says what a policy means.
///
/// FAIL-CLOSED: a request recognised as no operation reads as level `never`.
#[inline]
#[must_use]
pub const fn verdict(posture: Posture, session: SessionWord, facts: SubjectFacts, reserved: bool) -> Verdict {
    let projected = session.exposure.join(facts.labels());
    let reasons = session_rules(session)
        .union(Reasons::of(Reason::BudgetNotReserved).when(!reserved))
        .union(level_rules(posture, facts))
        .union(ask_rules(posture, facts))
        .union(flow_rules(posture, facts, projected));
    Verdict { reasons, projected }
}

/// Rules 1 and 2.
#[inline]
const fn session_rules(session: SessionWord) -> Reasons {
    let phase = match session.phase {
        Phase::Active => Reasons::NONE,
        Phase::LockedDown => Reasons::of(Reason::LockedDown),
        Phase::Ended => Reasons::of(Reason::SessionEnded),
    };
    phase.union(Reasons::of(Reason::OutsideWindow).when(!session.in_window))
}

/// Rules 4 and 5.
#[inline]
const fn level_rules(posture: Posture, facts: SubjectFacts) -> Reasons {
    let granted = posture.capabilities().granted();
    let never = facts.operations.is_empty() || !granted.is_superset(facts.operations);
    Reasons::of(Reason::LevelNever)
        .when(never)
        .union(Reasons::of(Reason::SubjectBlocked).when(facts.blocked.intersects(facts.operations)))
}

/// Rules 6 and 7.
#[inline]
const fn ask_rules(posture: Posture, facts: SubjectFacts) -> Reasons {
    let free = posture.capabilities().unconditional().union(facts.listed);
    let granted = posture.capabilities().granted().intersection(facts.operations);
    Reasons::of(Reason::NotListed)
        .when(!free.is_superset(granted))
        .union(Reasons::of(Reason::Obliged).when(facts.unclassified || posture.asks().intersects(facts.operations)))
        .union(Reasons::of(Reason::ActivationPath).when(facts.activation))
}

/// Rule 8.
#[inline]
const fn flow_rules(posture: Posture, facts: SubjectFacts, projected: Exposure) -> Reasons {
    let sink = facts.sinks.exfil;
    let untrusted = projected.contains(Label::UntrustedContent);
    let sourced_any = projected.sources().bits() != 0;
    Reasons::of(Reason::FlowExfil)
        .when(sink && projected.is_trifecta())
        .union(Reasons::of(Reason::FlowEffect).when(facts.sinks.effect && untrusted && !facts.sourced))
        .union(Reasons::of(Reason::FlowStrict).when(posture.is_strict() && sink && sourced_any))
}

/// The outcome table of one operation at one level, for explanations: what each kind of subject meets.
#[inline]
#[must_use]
pub const fn level_outcome(posture: Posture, op: Operation, listed: bool, blocked: bool) -> Outcome {
    let set = OperationSet::of(op);
    let facts = SubjectFacts {
        operations: set,
        listed: if listed { set } else { OperationSet::EMPTY },
        blocked: if blocked { set } else { OperationSet::EMPTY },
        sources: Exposure::NONE,
        sinks: Sinks { exfil: false, effect: false },
        activation: false,
        sourced: false,
        unclassified: false,
    };
    let session = SessionWord { phase: Phase::Active, in_window: true, exposure: Exposure::NONE };
    verdict(posture, session, facts, true).outcome()
}
