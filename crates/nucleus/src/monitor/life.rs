//! The life of a session: authority only shrinks, a lockdown pauses it, the end is for good.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use nucleus_audit::Draft;
use portcullis::envelope::Envelope;
use portcullis::session::{Event, step};
use portcullis::verdict::Phase;

use super::Monitor;
use super::flood::Refusals;
use super::hooks::LifeHook;
use super::inner::Inner;
use super::refused::Refused;
use crate::error::{Error, MonitorError};

impl Monitor {
    /// Registers something to be stopped with the session; at once if it is over.
    pub fn watch(&self, hook: &Arc<dyn LifeHook>) {
        self.hooks.watch(hook, || self.phase());
    }

    pub(super) fn tell_hooks(&self) {
        self.hooks.tell(|| self.phase());
    }

    /// Narrows the session to what `asked` also grants.
    ///
    /// # Errors
    /// [`MonitorError::Widened`] when the result would not lie below the
    /// present envelope, and when it cannot be recorded: the session is over then.
    pub fn tighten(&self, asked: &Envelope) -> Result<(), MonitorError> {
        let mut inner = self.lock();
        if Self::is_over(&inner) {
            return Err(MonitorError::Over);
        }
        let narrowed = inner
            .envelope
            .attenuate(asked)
            .map_err(|_| MonitorError::Widened)?;
        let now_ms = self.clock.boot_ms();
        let kept = inner.guard.tighten(now_ms, narrowed.window_ms());
        let event = Event::Tighten {
            posture: narrowed.posture(),
            maximum: narrowed.maximum(),
            deadline_ms: inner.guard.deadline_ms(),
        };
        inner.session = step(inner.session, event).0;
        inner.envelope = Arc::new(narrowed);
        inner.tightened += 1;
        self.budget.tighten(inner.envelope.maximum());
        let envelope = inner.envelope.clone();
        let recorded = self.record(&Draft::tighten(self.context(&inner), &envelope));
        drop(inner);
        recorded.inspect_err(|_| self.fail())?;
        kept.map_err(MonitorError::state("cannot keep the shorter time window"))
    }

    /// Narrows the session to a policy, unless it lies below it already.
    ///
    /// # Errors
    /// As [`Monitor::tighten`].
    pub fn stay_below(&self, policy: &Envelope) -> Result<(), MonitorError> {
        let now = self.envelope();
        if now.digest() == policy.digest() || now.leq(policy) {
            return Ok(());
        }
        self.tighten(policy)
    }

    /// Records something that happened beside requests, such as the start of the agent; durable when it returns.
    ///
    /// # Errors
    /// [`MonitorError::Over`] when the session is over, and when it cannot be recorded: the session is over then.
    pub fn note(&self, text: &str) -> Result<(), MonitorError> {
        let inner = self.lock();
        if Self::is_over(&inner) {
            return Err(MonitorError::Over);
        }
        let recorded = self.record(&Draft::note(self.context(&inner), text));
        drop(inner);
        recorded.inspect_err(|_| self.fail())?;
        Ok(())
    }

    /// Denies every request from now on, freezes jails, cuts tunnels and ends pending questions.
    ///
    /// # Errors
    /// When it cannot be recorded; the session is over then.
    pub fn lockdown(&self, why: &str) -> Result<(), MonitorError> {
        let recorded = {
            let mut inner = self.lock();
            inner.session = step(inner.session, Event::Lockdown).0;
            self.record(&Draft::lockdown(self.context(&inner), why))
        };
        self.approver.end_pending();
        self.tell_hooks();
        recorded.inspect_err(|_| self.fail())?;
        Ok(())
    }

    /// Ends a lockdown. Host only: an agent must not reach it.
    ///
    /// # Errors
    /// [`MonitorError::Over`] when the session is not locked down, and when it cannot be recorded.
    pub fn lift(&self, why: &str) -> Result<(), MonitorError> {
        {
            let mut inner = self.lock();
            if inner.session.phase() != Phase::LockedDown {
                return Err(MonitorError::Over);
            }
            self.record(&Draft::lift(self.context(&inner), why))?;
            inner.session = step(inner.session, Event::Lift).0;
            inner.refusals = Refusals::default();
        }
        self.tell_hooks();
        Ok(())
    }

    /// Ends the session for good: kills jails and tunnels, records why and signs the head of the log.
    ///
    /// # Errors
    /// When the end cannot be recorded; the session is over nevertheless.
    pub fn end(&self, why: &str) -> Result<(), MonitorError> {
        let was_over = {
            let mut inner = self.lock();
            let was_over = Self::is_over(&inner);
            self.end_now(&mut inner);
            was_over
        };
        self.approver.end_pending();
        self.tell_hooks();
        if was_over {
            return Ok(());
        }
        let inner = self.lock();
        self.record(&Draft::end(self.context(&inner), why))?;
        drop(inner);
        self.log.checkpoint()?;
        Ok(())
    }

    /// Marks the session as over; the caller stops what runs.
    pub(super) fn end_now(&self, inner: &mut Inner) {
        inner.session = step(inner.session, Event::End).0;
    }

    /// Waits until every record so far is durable.
    ///
    /// # Errors
    /// When it cannot be; the session is over then.
    pub(crate) fn flush(&self, why: &str) -> Result<(), MonitorError> {
        let inner = self.lock();
        // FAIL-CLOSED: what was permitted before an end or a lockdown does not begin after it.
        if inner.session.phase() != Phase::Active {
            return Err(MonitorError::Over);
        }
        let draft = Draft::note(self.context(&inner), why);
        let appended = self
            .log
            .append(&draft, (), nucleus_audit::Durability::Durable);
        drop(inner);
        appended
            .and_then(nucleus_audit::Pending::wait)
            .map(drop)
            .inspect_err(|_| self.fail())?;
        Ok(())
    }

    /// Runs a handler of a transport; a panic in it locks the session down.
    ///
    /// # Errors
    /// What the handler returns, and [`Error::StateBlocked`] after a panic.
    pub fn guarded<T>(&self, handler: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
            self.lock_down_after_panic();
            Err(Refused::after_panic().into())
        })
    }

    pub(super) fn lock_down_after_panic(&self) {
        // A log that fails here has ended the session, which is stricter.
        let _ = self.lockdown("an internal error: a handler panicked");
    }
}
