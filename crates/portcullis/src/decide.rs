//! The one door: `decide` turns a request into a permit, a question or a denial.

use crate::facts::facts;
use crate::named::readers;
use crate::{
    Envelope, EnvelopeDigest, Exposure, OperationSet, Outcome, Reasons, Request, RequestDigest, SessionWord,
    SubjectFacts, Verdict, verdict,
};

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

readers! {
    Approval {
        /// The request it answers.
        value request: RequestDigest,
        /// The reasons that were shown.
        value shown: Reasons,
    }
}

impl Approval {
    /// Who gave it.
    #[inline]
    pub fn approver(&self) -> &str {
        &self.approver
    }

    /// An approval vouched for by the caller, who has checked that the named
    /// human gave it on the host for exactly this refusal.
    ///
    /// **Whoever can call this can approve**: it is called by the verifier of
    /// approval tokens and by host commands that a jail cannot reach.
    #[inline]
    pub fn vouched_by_host(refusal: &Refusal, envelope: EnvelopeDigest, approver: &str) -> Self {
        Self { request: refusal.digest, envelope, shown: refusal.reasons(), approver: approver.to_owned() }
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

readers! {
    Permit {
        /// The request it permits.
        value digest: RequestDigest,
        /// What decided of the subject.
        value facts: SubjectFacts,
        /// The exposure of the session from now on.
        value projected: Exposure,
        /// The reasons that an approval discharged.
        value discharged: Reasons,
    }
}

impl Permit {
    /// The operations it permits.
    #[inline]
    pub fn operations(&self) -> OperationSet {
        self.facts.operations
    }

    /// Whether it permits this very request.
    #[inline]
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

readers! {
    Refusal {
        /// The request that was refused.
        value digest: RequestDigest,
        /// What decided of the subject.
        value facts: SubjectFacts,
    }
}

impl Refusal {
    /// Every rule that fired.
    #[inline]
    pub fn reasons(&self) -> Reasons {
        self.verdict.reasons()
    }

    /// The exposure the request would have led to.
    #[inline]
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
    #[inline]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Permit(_) => Outcome::Permit,
            Self::NeedsApproval(_) => Outcome::NeedsApproval,
            Self::Deny(_) => Outcome::Deny,
        }
    }

    /// What decided of the subject.
    #[inline]
    pub fn facts(&self) -> SubjectFacts {
        match self {
            Self::Permit(permit) => permit.facts,
            Self::NeedsApproval(refusal) | Self::Deny(refusal) => refusal.facts,
        }
    }

    /// Every rule that fired and was not discharged.
    #[inline]
    pub fn reasons(&self) -> Reasons {
        match self {
            Self::Permit(_) => Reasons::NONE,
            Self::NeedsApproval(refusal) | Self::Deny(refusal) => refusal.reasons(),
        }
    }
}

/// Decides one request: its facts under the envelope, then the verdict under the session.
#[inline]
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
