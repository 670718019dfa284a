//! The one linearised step: reserve, decide, raise exposure, append; outside the lock wait for durability.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nucleus_audit::{Draft, Durability, Judged, Pending, Recorded};
use portcullis::decide::{Approval, Decision, Permit, decide};
use portcullis::request::Request;
use portcullis::verdict::{Phase, SessionWord, SubjectFacts};
use portcullis::{Amount, Exposure, Outcome};

use super::Monitor;
use super::describe::deed;
use super::inner::Inner;
use super::refused::{Doubt, Refused, RefusedKind};
use super::ticket::Ticket;
use crate::budget::{AtomicBudget, Reservation};
use crate::guard::WindowFault;
use crate::ports::FaultStep;

/// How firmly the record must stand before the effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// Handed to the kernel: for reads, whose flush the next durable record covers.
    Buffered,
    /// On the disk where data could leave by it, else handed to the kernel: for what needs no dial of its own.
    DurableForSinks,
    /// On the disk: for every write, command, dial and sink.
    #[default]
    Durable,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A request of the agent; it may be asked about.
    #[default]
    Request,
    /// A change that a command made; what needs approval is staged, not asked about.
    Landing,
    /// As a landing, of one file of a commit, which was judged and is counted as one itself.
    CommitPart,
    /// As a landing, of the references that a command moved: counted as the commit that they amount to.
    References,
}

/// Who gets what a read brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handing {
    /// The agent: the session is exposed to its labels.
    #[default]
    Agent,
    /// The monitor, which keeps it with its labels: the session is not exposed yet.
    Held,
}

/// The terms of one request beside its subject.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// What is reserved for it.
    pub cost: Amount,
    /// How firmly its record must stand.
    pub need: Need,
    /// What it is about.
    pub purpose: Purpose,
    /// Who gets what it brings.
    pub handing: Handing,
    /// A second budget that must cover the cost too.
    pub also: Option<&'a AtomicBudget>,
}

impl Terms<'_> {
    /// A read at no cost.
    #[must_use]
    pub fn read() -> Self {
        Self {
            need: Need::Buffered,
            ..Self::default()
        }
    }

    /// How firmly the record of a permit with these facts must stand.
    fn durability(&self, facts: SubjectFacts) -> Durability {
        match self.need {
            Need::DurableForSinks if facts.sinks.exfil || facts.sinks.effect => Durability::Durable,
            Need::Buffered | Need::DurableForSinks => Durability::Buffered,
            Need::Durable => Durability::Durable,
        }
    }
}

/// The right to run one effect once, and the duty to say how it went.
#[derive(Debug)]
#[must_use = "an admitted request that is dropped is recorded as `outcome unknown`"]
pub struct Admitted {
    /// Consumed by the effect.
    pub permit: Recorded<Permit>,
    /// Says how the effect went; dropped, the outcome is unknown and the reservation spent.
    pub ticket: Ticket,
}

/// The rest of a judgement, which blocks unless the kernel alone is waited for.
#[derive(Debug)]
#[must_use = "nothing runs before the wait; dropped, a permit is recorded as `outcome unknown`"]
pub struct Waiting {
    monitor: Arc<Monitor>,
    request: Arc<Request>,
    terms: Terms<'static>,
    awaited: Awaited,
}

/// Who is waited for.
#[derive(Debug)]
enum Awaited {
    Record(Standing),
    Human(Box<Refused>),
}

/// What the rest of a judgement waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// The kernel takes the record: no longer than a write.
    Kernel,
    /// The record reaches the disk.
    Disk,
    /// A human answers.
    Human,
}

/// A permit whose record has its place, and the duty that comes with it.
#[derive(Debug)]
struct Standing {
    pending: Pending<Permit>,
    ticket: Ticket,
}

impl Waiting {
    /// What is waited for.
    #[must_use]
    pub fn waits_for(&self) -> WaitsFor {
        match &self.awaited {
            Awaited::Record(standing) => match standing.pending.durability() {
                Durability::Buffered => WaitsFor::Kernel,
                Durability::Durable => WaitsFor::Disk,
            },
            Awaited::Human(_) => WaitsFor::Human,
        }
    }

    /// Waits for the record to stand, or for a human and then for the record.
    ///
    /// # Errors
    /// As [`Monitor::admit`].
    pub fn wait(self) -> Result<Admitted, Refused> {
        let Self {
            monitor,
            request,
            terms,
            awaited,
        } = self;
        monitor.at_the_door(&request, || match awaited {
            Awaited::Record(standing) => monitor.stood(&request, standing),
            Awaited::Human(refused) => monitor.asked(&request, &terms, *refused),
        })
    }
}

/// What the step leaves to be done outside the lock.
struct Step {
    pending: Pending<Permit>,
    reservations: Vec<Reservation>,
}

impl Monitor {
    /// Judges and records one request, asking the approver where a human may allow it.
    ///
    /// # Errors
    /// [`Refused`] when it may not run; neither exposure nor budget has changed then.
    pub fn admit(
        self: &Arc<Self>,
        request: &Request,
        cost: Amount,
        need: Need,
    ) -> Result<Admitted, Refused> {
        self.admit_on(
            request,
            &Terms {
                cost,
                need,
                ..Terms::default()
            },
        )
    }

    /// As [`Monitor::admit`], on these terms.
    ///
    /// # Errors
    /// As [`Monitor::admit`].
    pub fn admit_on(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
    ) -> Result<Admitted, Refused> {
        self.at_the_door(request, || self.admit_asking(request, terms))
    }

    /// As [`Monitor::admit_on`], but returns before its record is written and before it would wait for a human.
    ///
    /// # Errors
    /// As [`Monitor::admit`].
    pub fn begin(
        self: &Arc<Self>,
        request: &Arc<Request>,
        terms: Terms<'static>,
    ) -> Result<Waiting, Refused> {
        let awaited = self.at_the_door(request, || self.stepped(request, &terms, None));
        let awaited = match awaited {
            Ok(standing) => Awaited::Record(standing),
            Err(refused) if refused.kind() == RefusedKind::ApprovalRequired => {
                Awaited::Human(Box::new(refused))
            }
            Err(refused) => return Err(refused),
        };
        Ok(Waiting {
            monitor: Arc::clone(self),
            request: Arc::clone(request),
            terms,
            awaited,
        })
    }

    /// Runs the step; a panic in it locks the session down.
    pub(super) fn at_the_door<T>(
        &self,
        request: &Request,
        run: impl FnOnce() -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
            self.lock_down_after_panic();
            Err(Refused::by_doubt(request, Doubt::Panicked))
        })
    }

    fn admit_asking(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
    ) -> Result<Admitted, Refused> {
        match self.judge(request, terms, None) {
            Err(refused) if refused.kind() == RefusedKind::ApprovalRequired => {
                self.asked(request, terms, refused)
            }
            settled => settled,
        }
    }

    /// Asks for what a human may allow, and judges again under the approval.
    fn asked(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        refused: Refused,
    ) -> Result<Admitted, Refused> {
        if terms.purpose != Purpose::Request {
            return Err(refused);
        }
        let Some(grant) = self.ask(request, &refused) else {
            return Err(refused);
        };
        self.admit_granted(request, terms, &grant)
    }

    /// Runs the whole step once, under an approval or without.
    pub(super) fn judge(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        approval: Option<&Approval>,
    ) -> Result<Admitted, Refused> {
        let standing = self.stepped(request, terms, approval)?;
        self.stood(request, standing)
    }

    /// The step, up to where its record has a place.
    fn stepped(
        self: &Arc<Self>,
        request: &Request,
        terms: &Terms<'_>,
        approval: Option<&Approval>,
    ) -> Result<Standing, Refused> {
        let stepped = self.check_origin(request).and_then(|()| {
            let mut inner = self.lock();
            self.step(&mut inner, request, terms, approval)
        });
        let Step {
            pending,
            reservations,
        } = stepped.inspect_err(|_| self.stop_flood())?;
        self.fault(FaultStep::Appended);
        let (of, purpose) = (pending.sequence(), terms.purpose);
        let ticket = Ticket::new(self.clone(), of, purpose, reservations);
        Ok(Standing { pending, ticket })
    }

    /// Waits until the record stands as firmly as was asked for.
    fn stood(&self, request: &Request, standing: Standing) -> Result<Admitted, Refused> {
        let Standing { pending, ticket } = standing;
        let permit = pending.wait().map_err(|_| self.record_failed(request))?;
        self.fault(FaultStep::Durable);
        Ok(Admitted { permit, ticket })
    }

    /// FAIL-CLOSED: a request made for another session or principal, of no
    /// operation, or with content that is not held here, is not judged at all.
    fn check_origin(&self, request: &Request) -> Result<(), Refused> {
        let doubt = if request.session() != self.session
            || *request.principal() != self.principal
            || request.parent() != self.parent
        {
            Doubt::ForeignRequest
        } else if request.operations().is_empty() {
            Doubt::UnknownOperation
        } else if !self.held.knows(request) {
            Doubt::UnknownContent
        } else {
            return Ok(());
        };
        Err(self.doubt(&mut self.lock(), request, doubt))
    }

    /// The part under the lock.
    fn step(
        &self,
        inner: &mut Inner,
        request: &Request,
        terms: &Terms<'_>,
        approval: Option<&Approval>,
    ) -> Result<Step, Refused> {
        let reservations = self.reserve(terms);
        self.fault(FaultStep::Reserved);
        let reserved = reservations.is_some();
        self.see_shared(inner)
            .map_err(|doubt| self.doubt(inner, request, doubt))?;
        let (session, window) = inner.word_at(self.clock.boot_ms());
        let decision = decide(&inner.envelope, session, request, reserved, approval);
        let judged = (session, reserved);
        match decision {
            Decision::Permit(permit) => {
                let reservations = reservations.unwrap_or_default();
                self.permitted(inner, request, terms, judged, permit)
                    .map(|pending| Step {
                        pending,
                        reservations,
                    })
            }
            other => {
                drop(reservations);
                Err(self.refuse(inner, request, terms, judged, &other, window))
            }
        }
    }

    /// Reserves from the session's budget and, where there is one, from the second.
    fn reserve(&self, terms: &Terms<'_>) -> Option<Vec<Reservation>> {
        let second = terms.also.filter(|also| !also.is_same(&self.budget));
        let mut held = vec![self.budget.reserve(terms.cost)?];
        if let Some(also) = second {
            held.push(also.reserve(terms.cost)?);
        }
        Some(held)
    }

    /// Takes over what sessions that share the exposure have touched since, and records it.
    fn see_shared(&self, inner: &mut Inner) -> Result<(), Doubt> {
        let shared = self.exposure.read().map_err(|_| Doubt::ExposureUnknown)?;
        let before = inner.session.exposure();
        if shared.leq(before) {
            return Ok(());
        }
        let why = "shared this workspace with a session that read such content";
        inner.expose(shared, why, self.clock.boot_ms());
        let draft = Draft::expose(self.context(inner), before, why);
        let appended = self.log.append(&draft, (), Durability::Buffered);
        appended.map(drop).map_err(|_| Doubt::RecordFailed)
    }

    /// Raises the exposure, then appends the record of the permit.
    fn permitted(
        &self,
        inner: &mut Inner,
        request: &Request,
        terms: &Terms<'_>,
        (session, reserved): (SessionWord, bool),
        permit: Permit,
    ) -> Result<Pending<Permit>, Refused> {
        let labels = handed_labels(permit.facts().labels(), terms.handing);
        if self.exposure.raise(labels).is_err() {
            return Err(self.doubt(inner, request, Doubt::ExposureUnknown));
        }
        if !labels.leq(inner.session.exposure()) {
            inner.expose(labels, &deed(request), self.clock.boot_ms());
        }
        if terms.purpose != Purpose::CommitPart {
            inner.count(request.operations(), Outcome::Permit);
        }
        self.fault(FaultStep::Raised);
        let decision = Decision::Permit(permit);
        let context = self.context_holding(inner, inner.session.exposure(), terms.cost);
        let draft = drafted(
            context,
            terms,
            Judged {
                request,
                decision: &decision,
                session,
                reserved,
            },
        );
        let Decision::Permit(permit) = decision else {
            return Err(self.doubt(inner, request, Doubt::UnknownOperation));
        };
        let durability = terms.durability(permit.facts());
        self.log.place(&draft, permit, durability).map_err(|_| {
            self.end_now(inner);
            Refused::by_doubt(request, Doubt::RecordFailed)
        })
    }

    /// Records a refusal; it changes neither exposure nor budget.
    fn refuse(
        &self,
        inner: &mut Inner,
        request: &Request,
        terms: &Terms<'_>,
        (session, reserved): (SessionWord, bool),
        decision: &Decision,
        window: Option<WindowFault>,
    ) -> Refused {
        inner.count(request.operations(), decision.outcome());
        inner.refusals.add(request);
        let judged = Judged {
            request,
            decision,
            session,
            reserved,
        };
        let draft = drafted(self.context(inner), terms, judged);
        if self.is_refusal_recorded(inner)
            && self.log.append(&draft, (), Durability::Buffered).is_err()
        {
            self.end_now(inner);
            return Refused::by_doubt(request, Doubt::RecordFailed);
        }
        let (Decision::NeedsApproval(refusal) | Decision::Deny(refusal)) = decision else {
            return Refused::by_doubt(request, Doubt::UnknownOperation);
        };
        let posture = inner.envelope.posture();
        let outcome = decision.outcome();
        let refused =
            Refused::by_rules(request, refusal.clone(), outcome, posture, inner.evidence())
                .short_of(terms.cost, self.budget.remaining());
        match window {
            Some(WindowFault::ClockWentBack) => refused.doubted(Doubt::ClockWentBack),
            _ => refused,
        }
    }

    /// Refuses for a doubt of the monitor's own, with a record.
    pub(super) fn doubt(&self, inner: &mut Inner, request: &Request, doubt: Doubt) -> Refused {
        inner.count(request.operations(), Outcome::Deny);
        inner.refusals.add(request);
        if !self.is_refusal_recorded(inner) {
            return Refused::by_doubt(request, doubt);
        }
        let text = format!("denied: {}", doubt.sentence());
        let draft = Draft::note(self.context(inner), &text);
        let appended = self.log.append(&draft, (), Durability::Buffered);
        if appended.is_err() || doubt == Doubt::RecordFailed {
            self.end_now(inner);
        }
        Refused::by_doubt(request, doubt)
    }

    /// Ends the session because its record did not become durable.
    fn record_failed(&self, request: &Request) -> Refused {
        self.fail();
        Refused::by_doubt(request, Doubt::RecordFailed)
    }

    /// Whether nothing more can run.
    pub(super) fn is_over(inner: &Inner) -> bool {
        inner.session.phase() == Phase::Ended
    }
}

/// Held content exposes the session to nothing but the way out it was asked through.
fn handed_labels(labels: Exposure, handing: Handing) -> Exposure {
    match handing {
        Handing::Agent => labels,
        Handing::Held => labels.meet(Exposure::EXFIL),
    }
}

/// The record of a decision, marked where it is about a change.
fn drafted<'a>(
    context: nucleus_audit::Context<'a>,
    terms: &Terms<'_>,
    judged: Judged<'a, '_>,
) -> Draft<'a> {
    let is_kept = judged.decision.outcome() != Outcome::Deny;
    let draft = Draft::decision(context, judged);
    match terms.purpose {
        Purpose::Request => draft,
        _ if is_kept => draft.landing(),
        _ => draft,
    }
}
