//! The account of a session: its monitor's budget and its log.

use std::io;
use std::sync::{Arc, Weak};

use nucleus::{Monitor, Reservation};
use portcullis::Amount;

use super::account::{Account, CallSummary, Hold};

/// Pays from a session's budget and records in its log.
#[derive(Clone, Debug)]
pub struct SessionAccount(Weak<Monitor>);

impl SessionAccount {
    /// The account of this session, which it does not keep alive.
    #[must_use]
    pub fn of(monitor: &Arc<Monitor>) -> Self {
        Self(Arc::downgrade(monitor))
    }

    /// The session, while it takes requests.
    fn monitor(&self) -> io::Result<Arc<Monitor>> {
        let monitor = self
            .0
            .upgrade()
            .filter(|monitor| monitor.is_active() && monitor.window_left_ms() > 0);
        monitor.ok_or_else(|| io::Error::other("the session is over or locked down"))
    }
}

impl Account for SessionAccount {
    fn left(&self) -> Amount {
        self.0
            .upgrade()
            .map_or(Amount::ZERO, |monitor| monitor.budget().remaining())
    }

    fn reserve(&self, call: &CallSummary) -> io::Result<Option<Box<dyn Hold>>> {
        let monitor = self.monitor()?;
        let Some(reservation) = monitor.budget().reserve(call.bound) else {
            return Ok(None);
        };
        let text = said("passed", call);
        let noted = match call.bound == Amount::ZERO {
            true => monitor.note_unpaid(&text),
            false => monitor.note(&text),
        };
        noted.map_err(io::Error::other)?;
        Ok(Some(Box::new(SessionHold {
            reservation: Some(reservation),
            is_free: call.bound == Amount::ZERO,
            monitor: self.0.clone(),
            route: call.route.clone(),
        })))
    }

    fn refuse(&self, call: &CallSummary) -> io::Result<()> {
        let monitor = self.monitor()?;
        let why = call.refused.as_deref().unwrap_or_default();
        let text = format!(
            "{}: {}",
            said("refused", call),
            why.lines().next().unwrap_or_default()
        );
        monitor.note_unpaid(&text).map_err(io::Error::other)
    }
}

fn said(verb: &str, call: &CallSummary) -> String {
    let model = call
        .model
        .as_deref()
        .map(|model| format!(", model {model}"))
        .unwrap_or_default();
    let Amount {
        micro_usd,
        input_tokens,
        output_tokens,
    } = call.bound;
    format!(
        "model call {verb}: {}{model}, at most {micro_usd} micro-dollars, {input_tokens} input and {output_tokens} output tokens",
        call.route
    )
}

/// A reservation that stays spent unless it is settled.
#[derive(Debug)]
struct SessionHold {
    reservation: Option<Reservation>,
    /// Nothing is reserved: what it used is nothing, and its first record says so.
    is_free: bool,
    monitor: Weak<Monitor>,
    route: String,
}

impl SessionHold {
    fn note(&self, text: &str, is_paid: bool) {
        let Some(monitor) = self.monitor.upgrade() else {
            return;
        };
        let noted = match is_paid || !monitor.is_active() {
            true => monitor.note(text),
            false => monitor.note_unpaid(text),
        };
        if let Err(error) = noted {
            tracing::warn!(%error, "what a model call used could not be recorded");
        }
    }
}

impl Hold for SessionHold {
    fn settle(mut self: Box<Self>, used: Amount) {
        let Some(reservation) = self.reservation.take() else {
            return;
        };
        let is_over = reservation.settle(used).is_err();
        let Amount {
            micro_usd,
            input_tokens,
            output_tokens,
        } = used;
        let text = format!(
            "model call used: {}, {micro_usd} micro-dollars, {input_tokens} input and {output_tokens} output tokens{}",
            self.route,
            if is_over {
                ", more than was reserved"
            } else {
                ""
            }
        );
        // A call that the provider refused is as free as one that we refuse.
        if !self.is_free || is_over {
            self.note(&text, used != Amount::ZERO);
        }
        if is_over && let Some(monitor) = self.monitor.upgrade() {
            // FAIL-CLOSED: a bound that did not hold bounds nothing any more.
            let _ = monitor.lockdown("a model call cost more than its bound");
        }
    }
}

impl Drop for SessionHold {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            reservation.spend();
            let text = format!(
                "model call ended unseen: {}, its reservation is spent",
                self.route
            );
            self.note(&text, true);
        }
    }
}
