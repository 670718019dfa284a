//! Spends approvals: durable, once, before the step runs again.

use std::sync::Arc;

use nucleus_audit::{ApprovalGiven, Draft, Durability};
use portcullis::Reasons;
use portcullis::decide::{Approval, Decision, decide};
use portcullis::digest::RequestDigest;
use portcullis::request::Request;

use super::Monitor;
use super::admit::{Admitted, Terms};
use super::refused::{Doubt, Refused};
use crate::ports::{Grant, Question};

/// A person's yes on the host to one request, given after reading these reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Every reason that was shown; no other is discharged.
    pub shown: Reasons,
    /// Who gave it.
    pub approver: String,
    /// Spent with it; a second use is refused.
    pub nonce: [u8; 16],
    /// The reading of the boot-time clock from which it is worth nothing.
    pub expires_boot_ms: u64,
}

/// What is written down when an approval is spent.
struct Spent<'a> {
    request: RequestDigest,
    shown: Reasons,
    approver: &'a str,
    nonce: [u8; 16],
    expires_boot_ms: u64,
}

impl Monitor {
    /// The reasons for which this request would need an approval now. Nothing is recorded or reserved.
    #[must_use]
    pub fn reasons_to_ask(&self, request: &Request) -> Reasons {
        match self.foresee(request) {
            Decision::NeedsApproval(refusal) => refusal.reasons(),
            Decision::Permit(_) | Decision::Deny(_) => Reasons::NONE,
        }
    }

    /// What the law would answer now, were the budget there.
    pub(super) fn foresee(&self, request: &Request) -> Decision {
        let mut inner = self.lock();
        let (session, _) = inner.word_at(self.clock.boot_ms());
        decide(&inner.envelope, session, request, true, None)
    }

    /// Judges a request that a person has said yes to after reading `consent.shown`.
    ///
    /// `beside` are reasons that the hands found beside the law, such as a path
    /// that git's settings name. The approval is on record before the request
    /// is judged, also where only those ask for one.
    ///
    /// # Errors
    /// [`Refused`] when the law denies it, when a reason holds that was not
    /// shown, and when the consent was spent or has expired.
    pub fn admit_consented(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        beside: Reasons,
        consent: &Consent,
    ) -> Result<Admitted, Refused> {
        self.at_the_door(request, || self.consented(request, terms, beside, consent))
    }

    fn consented(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        beside: Reasons,
        consent: &Consent,
    ) -> Result<Admitted, Refused> {
        let approval = match self.foresee(request) {
            Decision::Permit(_) => None,
            Decision::NeedsApproval(refusal) => {
                let envelope = self.envelope().digest();
                let approver = &consent.approver;
                Some(Approval::vouched_by_host(&refusal, envelope, approver))
            }
            Decision::Deny(_) => return self.judge(request, terms, None),
        };
        let needed = approval
            .as_ref()
            .map_or(Reasons::NONE, Approval::shown)
            .union(beside);
        // FAIL-CLOSED: a reason that nobody was shown is not discharged.
        if !needed.difference(consent.shown).is_empty() {
            return Err(self.doubt(&mut self.lock(), request, Doubt::NotShown));
        }
        let spent = Spent {
            request: request.digest(),
            shown: consent.shown,
            approver: &consent.approver,
            nonce: consent.nonce,
            expires_boot_ms: consent.expires_boot_ms,
        };
        if !self.spend(request, &spent)? {
            return Err(self.doubt(&mut self.lock(), request, Doubt::ApprovalSpent));
        }
        self.judge(request, terms, approval.as_ref())
    }

    /// Judges a request under an approval that came in beside the approver, such as `nucleus apply` on the host.
    ///
    /// # Errors
    /// [`Refused`] when the approval was spent, has expired, or does not
    /// discharge every reason that holds now.
    pub fn admit_approved(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        grant: &Grant,
    ) -> Result<Admitted, Refused> {
        self.at_the_door(request, || self.admit_granted(request, terms, grant))
    }

    /// Spends the grant, then runs the whole step again under it.
    pub(super) fn admit_granted(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        grant: &Grant,
    ) -> Result<Admitted, Refused> {
        let spent = Spent {
            request: grant.approval.request(),
            shown: grant.approval.shown(),
            approver: grant.approval.approver(),
            nonce: grant.nonce,
            expires_boot_ms: grant.expires_boot_ms,
        };
        let is_worth = self.spend(request, &spent)?;
        self.judge(request, terms, is_worth.then_some(&grant.approval))
    }

    /// Asks the approver, outside the lock.
    pub(super) fn ask(&self, request: &Request, refused: &Refused) -> Option<Grant> {
        let question = Question {
            request,
            refusal: refused.refusal()?,
            envelope: self.envelope().digest(),
            refused,
        };
        self.approver.ask(&question)
    }

    /// Records that the grant is spent; `false` for one that is worth nothing.
    ///
    /// FAIL-CLOSED: a grant for another request or envelope, an expired and a
    /// spent one are worth nothing, and so is one whose spending is not durable.
    fn spend(&self, request: &Request, spent: &Spent<'_>) -> Result<bool, Refused> {
        let mut inner = self.lock();
        let is_bound = spent.request == request.digest();
        let is_open = self.clock.boot_ms() < spent.expires_boot_ms;
        if Self::is_over(&inner) || !is_bound || !is_open || !inner.spent.insert(spent.nonce) {
            return Ok(false);
        }
        inner.approvals += 1;
        let given = ApprovalGiven {
            request: request.digest(),
            shown: spent.shown,
            approver: spent.approver,
            via: "host",
        };
        let draft = Draft::approval(self.context(&inner), given);
        let appended = self.log.append(&draft, (), Durability::Durable);
        drop(inner);
        let durable = appended.and_then(nucleus_audit::Pending::wait);
        durable.map(|_| true).map_err(|_| {
            self.fail();
            Refused::by_doubt(request, Doubt::RecordFailed)
        })
    }
}
