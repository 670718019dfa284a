//! The one door: `decide` turns a request into a permit, a question or a denial.

use crate::digest::{EnvelopeDigest, RequestDigest};
use crate::envelope::Envelope;
use crate::exposure::Exposure;
use crate::facts::facts;
use crate::operation::OperationSet;
use crate::request::Request;
use crate::verdict::{Outcome, Reasons, SessionWord, SubjectFacts, Verdict, verdict};

/// A human's answer to one request, already checked by whoever made it.
///
/// It discharges only the reasons that were shown, only for the request with
/// this digest, and only under the envelope with this digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    request: RequestDigest,
    envelope: EnvelopeDigest,
    shown: Reasons,
    approver: String,
}

impl Approval {
    /// An approval vouched for by the caller, who has checked that the named
    /// human gave it on the host for exactly this refusal.
    ///
    /// **Whoever can call this can approve**: it is called by the verifier of
    /// approval tokens and by host commands that a jail cannot reach.
    #[must_use]
    pub fn vouched_by_host(refusal: &Refusal, envelope: EnvelopeDigest, approver: &str) -> Self {
        Self { request: refusal.digest, envelope, shown: refusal.reasons(), approver: approver.to_owned() }
    }

    /// The request it answers.
    #[must_use]
    pub fn request(&self) -> RequestDigest {
        self.request
    }

    /// The reasons that were shown.
    #[must_use]
    pub fn shown(&self) -> Reasons {
        self.shown
    }

    /// Who gave it.
    #[must_use]
    pub fn approver(&self) -> &str {
        &self.approver
    }

    /// The reasons it discharges for this request under this envelope; none for any other.
    fn discharges(&self, request: &Request, envelope: &Envelope) -> Reasons {
        let is_bound = self.request == request.digest() && self.envelope == envelope.digest();
        self.shown.when(is_bound)
    }
}

/// The right to run one request once.
///
/// Only `decide` makes it; it is not `Clone`, and an effect takes it by value
/// after it was recorded.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is dropped permits nothing"]
pub struct Permit {
    digest: RequestDigest,
    facts: SubjectFacts,
    projected: Exposure,
    discharged: Reasons,
}

impl Permit {
    /// The request it permits.
    #[must_use]
    pub fn digest(&self) -> RequestDigest {
        self.digest
    }

    /// What decided of the subject.
    #[must_use]
    pub fn facts(&self) -> SubjectFacts {
        self.facts
    }

    /// The operations it permits.
    #[must_use]
    pub fn operations(&self) -> OperationSet {
        self.facts.operations
    }

    /// The exposure of the session from now on.
    #[must_use]
    pub fn projected(&self) -> Exposure {
        self.projected
    }

    /// The reasons that an approval discharged.
    #[must_use]
    pub fn discharged(&self) -> Reasons {
        self.discharged
    }

    /// Whether it permits this very request.
    #[must_use]
    pub fn covers(&self, request: &Request) -> bool {
        self.digest == request.digest()
    }
}

/// A request that was not permitted, with every rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    digest: RequestDigest,
    facts: SubjectFacts,
    verdict: Verdict,
}

impl Refusal {
    /// The request that was refused.
    #[must_use]
    pub fn digest(&self) -> RequestDigest {
        self.digest
    }

    /// What decided of the subject.
    #[must_use]
    pub fn facts(&self) -> SubjectFacts {
        self.facts
    }

    /// Every rule that fired.
    #[must_use]
    pub fn reasons(&self) -> Reasons {
        self.verdict.reasons()
    }

    /// The exposure the request would have led to.
    #[must_use]
    pub fn projected(&self) -> Exposure {
        self.verdict.projected()
    }
}

/// What `decide` answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may run, once recorded.
    Permit(Permit),
    /// A human may allow it.
    NeedsApproval(Refusal),
    /// Nobody may allow it.
    Deny(Refusal),
}

impl Decision {
    /// The outcome without its evidence.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Permit(_) => Outcome::Permit,
            Self::NeedsApproval(_) => Outcome::NeedsApproval,
            Self::Deny(_) => Outcome::Deny,
        }
    }

    /// What decided of the subject.
    #[must_use]
    pub fn facts(&self) -> SubjectFacts {
        match self {
            Self::Permit(permit) => permit.facts,
            Self::NeedsApproval(refusal) | Self::Deny(refusal) => refusal.facts,
        }
    }

    /// Every rule that fired and was not discharged.
    #[must_use]
    pub fn reasons(&self) -> Reasons {
        match self {
            Self::Permit(_) => Reasons::NONE,
            Self::NeedsApproval(refusal) | Self::Deny(refusal) => refusal.reasons(),
        }
    }
}

/// Decides one request: its facts under the envelope, then the verdict under the session.
#[must_use]
pub fn decide(
    envelope: &Envelope,
    session: SessionWord,
    request: &Request,
    reserved: bool,
    approval: Option<&Approval>,
) -> Decision {
    let facts = facts(envelope, request);
    let verdict = verdict(envelope.posture(), session, facts, reserved);
    let shown = approval.map_or(Reasons::NONE, |given| given.discharges(request, envelope));
    let digest = request.digest();
    let refusal = || Refusal { digest, facts, verdict };
    match verdict.outcome_with(shown) {
        Outcome::Permit => {
            Decision::Permit(Permit { digest, facts, projected: verdict.projected(), discharged: verdict.reasons() })
        }
        Outcome::NeedsApproval => Decision::NeedsApproval(refusal()),
        Outcome::Deny => Decision::Deny(refusal()),
    }
}
