//! Judges one request from words alone: total, no heap, every rule evaluated.
//!
//! The numbers of the rules are those of the design's section 5. Rules 1 to 5
//! deny and nothing discharges them; rules 6 to 8 ask, and an approval that
//! showed a reason discharges it.

use crate::named::{named_enum, readers, word_set};
use crate::{Exposure, Label, Operation, OperationSet, Posture};

named_enum! {
    /// One rule that fired.
    Reason {
        /// Rule 1: the session has ended.
        SessionEnded = "session_ended",
        /// Rule 1: the session is locked down.
        LockedDown = "locked_down",
        /// Rule 2: outside the time window.
        OutsideWindow = "outside_window",
        /// Rule 3: the budget could not be reserved.
        BudgetNotReserved = "budget_not_reserved",
        /// Rule 4: the operation is at level `never`.
        LevelNever = "level_never",
        /// Rule 5: the subject is blocked.
        SubjectBlocked = "subject_blocked",
        /// Rule 6: `low_risk` and the subject is not listed.
        NotListed = "not_listed",
        /// Rule 6: the envelope obliges an approval for the operation.
        Obliged = "obliged",
        /// Rule 7: the change touches an activation path.
        ActivationPath = "activation_path",
        /// Rule 8: an exfil sink while the projected exposure is the trifecta.
        FlowExfil = "flow_exfil",
        /// Rule 8: an effect sink while untrusted content was seen.
        FlowEffect = "flow_effect",
        /// Rule 8: `[flow] mode = "strict"` and an exfil sink after any source.
        FlowStrict = "flow_strict",
    }
}

impl Reason {
    /// One sentence for a person.
    #[inline]
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
    #[inline]
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

word_set! {
    /// Why a request was not simply permitted: a set of rules, one bit each.
    Reasons(u16) of Reason, union, intersection, none NONE
}

impl Reasons {
    /// The rules that deny, 1 to 5.
    pub const DENYING: Self = Self(0b0000_0011_1111);
    /// The rules that ask, 6 to 8.
    pub const ASKING: Self = Self(0b1111_1100_0000);

    /// This set, and the reason where its rule fired.
    #[inline]
    const fn and(self, reason: Reason, fired: bool) -> Self {
        self.union(Self::of(reason).when(fired))
    }

    /// What is in this set and not in the other.
    #[inline]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

named_enum! {
    /// What a request comes to.
    Outcome {
        /// A rule of 1 to 5 fired.
        Deny = "deny",
        /// No rule of 1 to 5 fired, and one of 6 to 8 did.
        NeedsApproval = "needs_approval",
        /// No rule fired, or all that did were shown to the approver.
        Permit = "permit",
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
    pub const fn labels(self) -> Exposure {
        self.sources.sources().join(Exposure::EXFIL.when(self.sinks.exfil))
    }
}

/// The outcome with all rules that fired and the exposure a permit would leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Verdict {
    reasons: Reasons,
    projected: Exposure,
}

readers! {
    Verdict {
        /// Every rule that fired.
        word reasons: Reasons,
        /// The exposure of the session if the request is permitted.
        word projected: Exposure,
    }
}

impl Verdict {
    /// The outcome when no approval was given.
    #[inline]
    pub const fn outcome(self) -> Outcome {
        self.outcome_with(Reasons::NONE)
    }

    /// The outcome under an approval that showed these reasons.
    ///
    /// A reason that was not shown is not discharged; rules 1 to 5 never are.
    #[inline]
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
pub const fn verdict(posture: Posture, session: SessionWord, facts: SubjectFacts, reserved: bool) -> Verdict {
    let Sinks { exfil, effect } = facts.sinks;
    let asked = facts.operations;
    let granted = posture.capabilities().granted();
    let free = posture.capabilities().unconditional().union(facts.listed);
    let projected = session.exposure.join(facts.labels());
    let has_source = !projected.sources().is_empty();
    let is_untrusted = projected.contains(Label::UntrustedContent);
    // Rules 1 and 2
    let reasons = Reasons::NONE
        .and(Reason::SessionEnded, matches!(session.phase, Phase::Ended))
        .and(Reason::LockedDown, matches!(session.phase, Phase::LockedDown))
        .and(Reason::OutsideWindow, !session.in_window)
        // Rules 3 to 5
        .and(Reason::BudgetNotReserved, !reserved)
        .and(Reason::LevelNever, asked.is_empty() || !granted.is_superset(asked))
        .and(Reason::SubjectBlocked, facts.blocked.intersects(asked))
        // Rules 6 and 7
        .and(Reason::NotListed, !free.is_superset(granted.intersection(asked)))
        .and(Reason::Obliged, facts.unclassified || posture.asks().intersects(asked))
        .and(Reason::ActivationPath, facts.activation)
        // Rule 8
        .and(Reason::FlowExfil, exfil && projected.is_trifecta())
        .and(Reason::FlowEffect, effect && is_untrusted && !facts.sourced)
        .and(Reason::FlowStrict, exfil && has_source && posture.is_strict());
    Verdict { reasons, projected }
}

/// The outcome table of one operation at one level, for explanations: what each kind of subject meets.
#[inline]
pub const fn level_outcome(posture: Posture, op: Operation, listed: bool, blocked: bool) -> Outcome {
    let set = OperationSet::of(op);
    let facts = SubjectFacts {
        operations: set,
        listed: set.when(listed),
        blocked: set.when(blocked),
        sources: Exposure::NONE,
        sinks: Sinks { exfil: false, effect: false },
        activation: false,
        sourced: false,
        unclassified: false,
    };
    let session = SessionWord { phase: Phase::Active, in_window: true, exposure: Exposure::NONE };
    verdict(posture, session, facts, true).outcome()
}
