//! The reference monitor: one linearised step judges, raises exposure and records; nothing runs before its record.
//!
//! ```text
//! Request ─decide─▶ Permit ─append─▶ Recorded<Permit> ─the effect consumes it─▶ Ticket::finish ─append, settle
//! ```

mod admit;
mod again;
mod approve;
mod describe;
mod exposure;
mod flood;
mod held;
mod hooks;
mod inner;
mod labels;
mod latch;
mod life;
mod options;
mod refused;
mod summary;
mod ticket;

use std::sync::{Arc, MutexGuard};

use nucleus_audit::{Draft, Durability, Log, LogError, Start};
use portcullis::envelope::Envelope;
use portcullis::operation::OperationSet;
use portcullis::request::{Request, RequestBuilder, SessionId, Subject};
use portcullis::session::{Event, step};
use portcullis::verdict::Phase;
use portcullis::{Amount, Exposure};

use crate::budget::AtomicBudget;
use crate::error::MonitorError;
use crate::ports::{Approver, Clock, FaultPoint, FaultStep};

pub use admit::{Admitted, Handing, Need, Purpose, Terms, Waiting, WaitsFor};
pub use approve::Consent;
pub use describe::{cut, describe};
pub use exposure::SharedExposure;
pub use flood::RefusalLimits;
pub use hooks::LifeHook;
pub use options::SessionOptions;
pub use refused::{Doubt, Refused, RefusedKind};
pub use summary::{LabelSince, OperationCount, Summary};
pub use ticket::Ticket;

use held::HeldStore;
use hooks::Hooks;
use inner::Inner;
use latch::Latched;
use options::Assembled;

/// The one door of a session.
///
/// Every effect of the crate takes a [`nucleus_audit::Recorded`] permit by
/// value, and only [`Monitor::admit`] hands them out.
#[derive(Debug)]
pub struct Monitor {
    session: SessionId,
    principal: Arc<str>,
    parent: Option<SessionId>,
    task: Option<Arc<str>>,
    log: Log,
    clock: Arc<dyn Clock>,
    approver: Arc<dyn Approver>,
    budget: AtomicBudget,
    exposure: SharedExposure,
    faults: Arc<dyn FaultPoint>,
    inner: Latched<Inner>,
    hooks: Hooks,
    held: HeldStore,
    refusal_limits: RefusalLimits,
    started_ms: u64,
    boundary: nucleus_audit::Boundary,
}

impl Monitor {
    /// Starts a session: its first record holds the envelope, the boundary, the layers and the probes.
    ///
    /// # Errors
    /// [`MonitorError::Probe`] when a boundary probe got through, which is
    /// recorded; [`MonitorError::StartedBefore`] for a log that has records; and when the log or the state cannot be written.
    pub fn open(options: SessionOptions) -> Result<Arc<Self>, MonitorError> {
        // FAIL-CLOSED: what a session of this number spent before is not known here, so it gets no second budget.
        if options.log.status()?.records > 0 {
            return Err(MonitorError::StartedBefore);
        }
        let Assembled {
            monitor,
            layers,
            probes,
        } = Self::assemble(options)?;
        monitor.record_start(&layers, &probes)?;
        if let Some(through) = probes.iter().find(|probe| !probe.held) {
            monitor.end("a boundary probe got through")?;
            return Err(MonitorError::Probe {
                probe: through.name.clone(),
                detail: through.detail.clone(),
            });
        }
        Ok(monitor)
    }

    fn record_start(
        &self,
        layers: &[nucleus_audit::Layer],
        probes: &[nucleus_audit::Probe],
    ) -> Result<(), MonitorError> {
        let inner = self.lock();
        let start = Start {
            envelope: &inner.envelope,
            boundary: self.boundary,
            layers,
            probes,
            software: concat!("nucleus ", env!("CARGO_PKG_VERSION")),
        };
        let draft = Draft::start(self.context(&inner), start);
        self.log.record(&draft, (), Durability::Durable).map(drop)?;
        Ok(())
    }

    /// The session's number.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Who the session acts for.
    #[must_use]
    pub fn principal(&self) -> &Arc<str> {
        &self.principal
    }

    /// The session that this one is a child of.
    #[must_use]
    pub fn parent(&self) -> Option<SessionId> {
        self.parent
    }

    /// The task as the user gave it on the host: trusted input.
    #[must_use]
    pub fn task(&self) -> Option<&Arc<str>> {
        self.task.as_ref()
    }

    /// The envelope in force.
    #[must_use]
    pub fn envelope(&self) -> Arc<Envelope> {
        self.lock().envelope.clone()
    }

    /// The budget of the session.
    #[must_use]
    pub fn budget(&self) -> &AtomicBudget {
        &self.budget
    }

    /// The live exposure, shared with sessions on the same workspace and with parent and children.
    #[must_use]
    pub fn shared_exposure(&self) -> &SharedExposure {
        &self.exposure
    }

    /// What the session, and those it shares with, have touched.
    ///
    /// FAIL-CLOSED: all three labels when that cannot be read.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        let own = self.lock().session.exposure();
        own.join(self.exposure.read().unwrap_or(Exposure::TRIFECTA))
    }

    /// Whether requests are judged: neither ended nor locked down nor broken.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.phase() == Phase::Active
    }

    /// Active, locked down or ended.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.lock().session.phase()
    }

    /// The log of the session.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The clocks of the session.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Milliseconds left in the time window.
    #[must_use]
    pub fn window_left_ms(&self) -> u64 {
        self.lock()
            .guard
            .deadline_ms()
            .saturating_sub(self.clock.boot_ms())
    }

    /// Hands the records that nobody has waited for to the kernel: outcomes of [`Ticket::finish_soon`].
    ///
    /// # Errors
    /// When they cannot be written; the session is over then.
    pub fn write_records(&self) -> Result<(), MonitorError> {
        Ok(self.log.write().inspect_err(|_| self.fail())?)
    }

    /// Starts a request of this session.
    #[must_use]
    pub fn request(&self, operations: impl Into<OperationSet>, subject: Subject) -> RequestBuilder {
        Request::builder(self.principal.clone(), self.session, operations, subject)
            .parent(self.parent)
    }

    pub(crate) fn fault(&self, step: FaultStep) {
        self.faults.reached(step);
    }

    /// The state under the lock.
    ///
    /// FAIL-CLOSED: a lock poisoned by a panic ends the session, since the
    /// state may be half changed; reading and recording still work.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock(end)
    }

    /// Ends the session for good because its log cannot be written.
    fn fail(&self) {
        self.inner.set(end);
        self.tell_hooks();
    }

    /// Appends a record of the session's own life and waits until it is durable.
    fn record(&self, draft: &Draft<'_>) -> Result<(), LogError> {
        self.log.record(draft, (), Durability::Durable).map(drop)
    }

    fn context(&self, inner: &Inner) -> nucleus_audit::Context<'_> {
        self.context_holding(inner, inner.session.exposure(), Amount::ZERO)
    }

    /// The context of a record: exposure after it, and the budget with what its request holds.
    fn context_holding(
        &self,
        inner: &Inner,
        after: Exposure,
        held: Amount,
    ) -> nucleus_audit::Context<'_> {
        let left = self.budget.remaining();
        let open = portcullis::Ledger::open(left.checked_add(held).unwrap_or(left));
        nucleus_audit::Context {
            times: nucleus_audit::Times {
                boot_ms: self.clock.boot_ms(),
                wall_unix_ms: self.clock.wall_unix_ms(),
            },
            principal: &self.principal,
            parent: self.parent,
            exposure: after,
            envelope: inner.envelope.digest(),
            budget: open.reserve(held).unwrap_or(open),
        }
    }
}

/// Ends a session's state for good.
fn end(inner: &mut Inner) {
    inner.session = step(inner.session, Event::End).0;
}
