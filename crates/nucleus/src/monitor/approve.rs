//! Spends approvals: durable, once, before the step runs again.

use std::sync::Arc;

use nucleus_audit::{ApprovalGiven, Draft, Durability};
use portcullis::request::Request;

use super::Monitor;
use super::admit::{Admitted, Terms};
use super::refused::{Doubt, Refused};
use crate::ports::{Grant, Question};

impl Monitor {
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
        let is_worth = self.spend(request, grant)?;
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
    fn spend(&self, request: &Request, grant: &Grant) -> Result<bool, Refused> {
        let mut inner = self.lock();
        let is_bound = grant.approval.request() == request.digest();
        let is_open = self.clock.boot_ms() < grant.expires_boot_ms;
        if Self::is_over(&inner) || !is_bound || !is_open || !inner.spent.insert(grant.nonce) {
            return Ok(false);
        }
        inner.approvals += 1;
        let given = ApprovalGiven {
            request: request.digest(),
            shown: grant.approval.shown(),
            approver: grant.approval.approver(),
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
