//! The duty to say how an effect went, and to settle its cost.

use std::sync::Arc;

use nucleus_audit::{Draft, Durability, Effect};
use portcullis::Amount;

use super::Monitor;
use super::admit::Purpose;
use crate::budget::Reservation;
use crate::error::MonitorError;
use crate::ports::FaultStep;

/// When the record of an outcome is with the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handover {
    /// Before the call returns.
    Now,
    /// With the next record that is waited for.
    Soon,
}

/// Says once how an effect went.
///
/// Dropped without an answer, the outcome is recorded as unknown and all that
/// was reserved stays spent.
#[derive(Debug)]
#[must_use = "a dropped ticket records `outcome unknown`"]
pub struct Ticket {
    monitor: Arc<Monitor>,
    of: u64,
    purpose: Purpose,
    reservations: Vec<Reservation>,
    is_open: bool,
}

impl Ticket {
    pub(super) fn new(
        monitor: Arc<Monitor>,
        of: u64,
        purpose: Purpose,
        reservations: Vec<Reservation>,
    ) -> Self {
        Self {
            monitor,
            of,
            purpose,
            reservations,
            is_open: true,
        }
    }

    /// The place of the intent in the log.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.of
    }

    /// Records the outcome, spends `used` of what was reserved and gives the rest back.
    ///
    /// # Errors
    /// When the outcome cannot be recorded; the session is over then.
    pub fn finish(self, effect: Effect<'_>, used: Amount) -> Result<(), MonitorError> {
        self.settle(effect, used, Handover::Now)
    }

    /// As [`Ticket::finish`], but the record reaches the kernel with the next one, or by [`Monitor::write_records`].
    ///
    /// Whoever finishes so sees to it that this is soon: **a process that dies before leaves the outcome unknown**.
    ///
    /// # Errors
    /// As [`Ticket::finish`].
    pub fn finish_soon(self, effect: Effect<'_>, used: Amount) -> Result<(), MonitorError> {
        self.settle(effect, used, Handover::Soon)
    }

    fn settle(
        mut self,
        effect: Effect<'_>,
        used: Amount,
        handover: Handover,
    ) -> Result<(), MonitorError> {
        self.is_open = false;
        self.monitor.fault(FaultStep::EffectEnded);
        let recorded = self
            .monitor
            .record_outcome(self.of, self.purpose, effect, used, handover);
        self.monitor.fault(FaultStep::OutcomeRecorded);
        for reservation in self.reservations.drain(..) {
            // What was overspent is gone from the budget, which is all that can be done.
            let _ = reservation.settle(used);
        }
        recorded
    }

    /// Records that the effect was done at no cost beyond nothing.
    ///
    /// # Errors
    /// As [`Ticket::finish`].
    pub fn done(self) -> Result<(), MonitorError> {
        self.finish(Effect::Done, Amount::ZERO)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let effect = Effect::Unknown("the effect did not report how it went");
        let used = self
            .reservations
            .first()
            .map_or(Amount::ZERO, Reservation::held);
        // A log that fails here has ended the session already.
        let _ = self
            .monitor
            .record_outcome(self.of, self.purpose, effect, used, Handover::Now);
        for reservation in self.reservations.drain(..) {
            reservation.spend();
        }
    }
}

impl Monitor {
    fn record_outcome(
        &self,
        of: u64,
        purpose: Purpose,
        effect: Effect<'_>,
        used: Amount,
        handover: Handover,
    ) -> Result<(), MonitorError> {
        let mut inner = self.lock();
        if purpose == Purpose::Landing && effect == Effect::Done {
            inner.landed += 1;
        }
        let draft = Draft::outcome(self.context(&inner), of, effect, used);
        let placed = self.log.place(&draft, (), Durability::Buffered);
        drop(inner);
        let recorded = placed.and_then(|placed| match handover {
            Handover::Now => placed.wait().map(drop),
            Handover::Soon => Ok(()),
        });
        recorded.inspect_err(|_| self.fail())?;
        Ok(())
    }
}
