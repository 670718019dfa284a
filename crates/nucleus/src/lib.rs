//! The reference monitor and its hands.

mod budget;
mod sync;

pub mod workspace;

pub use budget::{AtomicBudget, Overspent, Reservation};
