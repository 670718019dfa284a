//! What a session is started with.

use std::path::PathBuf;
use std::sync::Arc;

use nucleus_audit::{Boundary, Layer, Log, Probe};
use portcullis::envelope::Envelope;
use portcullis::request::{SessionId, Subject};
use portcullis::{Amount, Operation};

use super::Monitor;
use super::admit::Need;
use super::exposure::SharedExposure;
use super::flood::RefusalLimits;
use super::held::HeldStore;
use super::hooks::Hooks;
use super::inner::Inner;
use super::latch::Latched;
use crate::budget::AtomicBudget;
use crate::error::{Error, MonitorError};
use crate::guard::MonotonicGuard;
use crate::ports::{Approver, Clock, FaultPoint, NoApprover, NoFaults, SystemClock};

/// All that a session is started with.
#[derive(Debug)]
pub struct SessionOptions {
    /// The upper bound of its authority.
    pub envelope: Envelope,
    /// The authenticated user or key it acts for.
    pub principal: Arc<str>,
    /// Its number.
    pub session: SessionId,
    /// The session it is a child of.
    pub parent: Option<SessionId>,
    /// Its log, newly made.
    pub log: Log,
    /// The clocks; the machine's by default.
    pub clock: Arc<dyn Clock>,
    /// Who answers questions; nobody by default.
    pub approver: Arc<dyn Approver>,
    /// The budget; one of its own with the envelope's maximum by default.
    pub budget: AtomicBudget,
    /// What confines the agent; nothing by default, which is **advisory**.
    pub boundary: Boundary,
    /// Each layer of the confinement and whether it holds.
    pub layers: Vec<Layer>,
    /// What the boundary probes found; one that got through keeps the session from starting.
    pub probes: Vec<Probe>,
    /// The live exposure; one of its own by default.
    pub exposure: SharedExposure,
    /// The task text as the user gave it on the host.
    pub task: Option<Arc<str>>,
    /// Where the time window is kept over a restart; nowhere by default.
    pub window_file: Option<PathBuf>,
    /// Told of every step, for crash tests.
    pub faults: Arc<dyn FaultPoint>,
    /// How much may be refused before the session locks itself down.
    pub refusals: RefusalLimits,
}

impl SessionOptions {
    /// A session of its own with a budget of its own, without approver, confinement or task.
    #[must_use]
    pub fn new(
        envelope: Envelope,
        principal: impl Into<Arc<str>>,
        session: SessionId,
        log: Log,
    ) -> Self {
        let budget = AtomicBudget::new(envelope.maximum());
        Self {
            envelope,
            principal: principal.into(),
            session,
            parent: None,
            log,
            clock: Arc::new(SystemClock),
            approver: Arc::new(NoApprover),
            budget,
            boundary: Boundary::None,
            layers: Vec::new(),
            probes: Vec::new(),
            exposure: SharedExposure::own(),
            task: None,
            window_file: None,
            faults: Arc::new(NoFaults),
            refusals: RefusalLimits::default(),
        }
    }
}

impl SessionOptions {
    /// The session as a child, where the parent's envelope grants `manage_pods`.
    ///
    /// Its envelope is met with the parent's, and all that it spends and touches is the parent's too.
    ///
    /// # Errors
    /// A refusal by the parent's door, and [`MonitorError::Widened`].
    pub fn below(mut self, parent: &Arc<Monitor>) -> Result<Self, Error> {
        let narrowed = parent.envelope().attenuate(&self.envelope);
        self.envelope = narrowed.map_err(|_| MonitorError::Widened)?;
        let subject = Subject::Child {
            envelope: self.envelope.digest(),
        };
        let request = parent.request(Operation::ManagePods, subject).build();
        let admitted = parent.admit(&request, Amount::ZERO, Need::Durable)?;
        drop(admitted.permit);
        admitted.ticket.done()?;
        self.budget = AtomicBudget::child(parent.budget(), self.envelope.maximum());
        self.parent = Some(parent.session());
        Ok(self)
    }
}

/// A monitor with what its first record says.
pub(super) struct Assembled {
    pub(super) monitor: Arc<Monitor>,
    pub(super) layers: Vec<Layer>,
    pub(super) probes: Vec<Probe>,
}

impl Monitor {
    /// A monitor that has recorded nothing yet.
    pub(super) fn assemble(options: SessionOptions) -> Result<Assembled, MonitorError> {
        let window_ms = options.envelope.window_ms();
        let guard = match &options.window_file {
            None => MonotonicGuard::start(&*options.clock, window_ms),
            Some(file) => MonotonicGuard::open(&*options.clock, window_ms, file)
                .map_err(MonitorError::state("cannot keep the time window"))?,
        };
        let shared = options
            .exposure
            .read()
            .map_err(MonitorError::state("cannot read the live exposure"))?;
        let started_ms = options.clock.boot_ms();
        options.budget.tighten(options.envelope.maximum());
        let monitor = Self {
            session: options.session,
            principal: options.principal,
            parent: options.parent,
            task: options.task,
            log: options.log,
            clock: options.clock,
            approver: options.approver,
            budget: options.budget,
            exposure: options.exposure,
            faults: options.faults,
            inner: Latched::new(Inner::start(options.envelope, guard, started_ms, shared)),
            hooks: Hooks::new(),
            held: HeldStore::default(),
            refusal_limits: options.refusals,
            started_ms,
            boundary: options.boundary,
        };
        Ok(Assembled {
            monitor: Arc::new(monitor),
            layers: options.layers,
            probes: options.probes,
        })
    }
}
