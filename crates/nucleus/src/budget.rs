//! Spends a budget without a lock: what is reserved, settled and spent never exceeds the maximum.
//!
//! A reservation takes from this budget and from every budget above it, on
//! every dimension, or from none. `models/loom` checks every interleaving.

use crate::sync::{Arc, AtomicU64, Ordering};
use portcullis::Amount;

/// Money, input tokens, output tokens.
const DIMENSIONS: usize = 3;

/// A budget over micro-USD, input tokens and output tokens; clones share it.
///
/// INVARIANT: what is left plus what open reservations hold plus what was
/// spent is the maximum, on every dimension.
#[derive(Clone, Debug)]
pub struct AtomicBudget(Arc<Node>);

#[derive(Debug)]
struct Node {
    left: [AtomicU64; DIMENSIONS],
    parent: Option<AtomicBudget>,
}

/// An effect spent more than was reserved for it; all that was left was taken for the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overspent {
    /// What was reserved.
    pub reserved: Amount,
    /// What was spent.
    pub used: Amount,
}

impl core::fmt::Display for Overspent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("more was spent than was reserved")
    }
}

impl core::error::Error for Overspent {}

impl AtomicBudget {
    /// A budget with all of the maximum left.
    #[must_use]
    pub fn new(maximum: Amount) -> Self {
        Self::node(maximum, None)
    }

    /// A budget of its own below a parent, which is debited for all that the child spends.
    #[must_use]
    pub fn child(parent: &Self, maximum: Amount) -> Self {
        Self::node(maximum, Some(parent.clone()))
    }

    fn node(maximum: Amount, parent: Option<Self>) -> Self {
        let left = parts(maximum).map(AtomicU64::new);
        Self(Arc::new(Node { left, parent }))
    }

    /// Holds `cost` here and in every budget above, or refuses with `None` and holds nothing.
    ///
    /// FAIL-CLOSED: a budget without money refuses even a cost of zero.
    #[must_use]
    pub fn reserve(&self, cost: Amount) -> Option<Reservation> {
        if !self.has_money() {
            return None;
        }
        self.take(parts(cost)).then(|| Reservation {
            budget: self.clone(),
            held: cost,
        })
    }

    /// What can still be reserved: the least of this budget and every one above it.
    ///
    /// The dimensions are read one after the other, not as one.
    #[must_use]
    pub fn remaining(&self) -> Amount {
        let [money, input, output] = &self.0.left;
        let own = Amount {
            micro_usd: money.load(Ordering::Acquire),
            input_tokens: input.load(Ordering::Acquire),
            output_tokens: output.load(Ordering::Acquire),
        };
        self.0
            .parent
            .as_ref()
            .map_or(own, |parent| own.meet(parent.remaining()))
    }

    /// Leaves no more than `maximum`; what is held stays held.
    pub fn tighten(&self, maximum: Amount) {
        for (left, most) in self.0.left.iter().zip(parts(maximum)) {
            left.fetch_min(most, Ordering::AcqRel);
        }
    }

    /// Whether both are handles of one budget.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn has_money(&self) -> bool {
        self.0.left[0].load(Ordering::Acquire) > 0
            && self.0.parent.as_ref().is_none_or(Self::has_money)
    }

    /// Takes every dimension here and above, or nothing.
    fn take(&self, cost: [u64; DIMENSIONS]) -> bool {
        for (taken, (left, amount)) in self.0.left.iter().zip(cost).enumerate() {
            if !take_one(left, amount) {
                self.put_back_first(taken, cost);
                return false;
            }
        }
        if self
            .0
            .parent
            .as_ref()
            .is_some_and(|parent| !parent.take(cost))
        {
            self.put_back_first(DIMENSIONS, cost);
            return false;
        }
        true
    }

    /// Gives the first dimensions back, here only.
    fn put_back_first(&self, count: usize, cost: [u64; DIMENSIONS]) {
        for (left, amount) in self
            .0
            .left
            .iter()
            .zip(cost)
            .take(count)
            .filter(|(_, amount)| *amount > 0)
        {
            left.fetch_add(amount, Ordering::AcqRel);
        }
    }

    /// Gives every dimension back, here and above.
    fn put_back(&self, rest: [u64; DIMENSIONS]) {
        self.put_back_first(DIMENSIONS, rest);
        if let Some(parent) = &self.0.parent {
            parent.put_back(rest);
        }
    }

    /// Takes as much of an unreserved excess as is left, here and above.
    fn drain(&self, excess: [u64; DIMENSIONS]) {
        for (left, amount) in self
            .0
            .left
            .iter()
            .zip(excess)
            .filter(|(_, amount)| *amount > 0)
        {
            take_up_to(left, amount);
        }
        if let Some(parent) = &self.0.parent {
            parent.drain(excess);
        }
    }
}

/// A held amount; dropped, it is given back.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is given back"]
pub struct Reservation {
    budget: AtomicBudget,
    held: Amount,
}

impl Reservation {
    /// What is held.
    #[must_use]
    pub fn held(&self) -> Amount {
        self.held
    }

    /// Spends `used` and gives the rest back.
    ///
    /// # Errors
    /// [`Overspent`] when more was used than held on some dimension: nothing
    /// of that dimension is given back and the excess is taken from what is left.
    pub fn settle(mut self, used: Amount) -> Result<(), Overspent> {
        let reserved = core::mem::take(&mut self.held);
        let (held, spent) = (parts(reserved), parts(used));
        let pair = |index: usize| (held[index], spent[index]);
        let rest = [0, 1, 2].map(|index| pair(index).0.saturating_sub(pair(index).1));
        let excess = [0, 1, 2].map(|index| pair(index).1.saturating_sub(pair(index).0));
        self.budget.put_back(rest);
        if used.leq(reserved) {
            return Ok(());
        }
        self.budget.drain(excess);
        Err(Overspent { reserved, used })
    }

    /// Spends all that is held: the effect's cost is not known.
    pub fn spend(mut self) {
        self.held = Amount::ZERO;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.put_back(parts(self.held));
    }
}

const fn parts(amount: Amount) -> [u64; DIMENSIONS] {
    [amount.micro_usd, amount.input_tokens, amount.output_tokens]
}

/// Takes the amount when that much is left.
fn take_one(left: &AtomicU64, amount: u64) -> bool {
    let taken = |now: u64| now.checked_sub(amount);
    amount == 0
        || left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken)
            .is_ok()
}

/// Takes the amount, or all that is left.
fn take_up_to(left: &AtomicU64, amount: u64) {
    let taken = |now: u64| Some(now.saturating_sub(amount));
    // The update always has a value, so it cannot fail.
    let _ = left.fetch_update(Ordering::AcqRel, Ordering::Acquire, taken);
}
