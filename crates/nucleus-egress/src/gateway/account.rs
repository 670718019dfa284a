//! Who pays for calls: the session, through a port.

use std::io;

use portcullis::Amount;

/// One call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSummary {
    /// The method and path as sent.
    pub route: String,
    /// The model, where the call names one.
    pub model: Option<String>,
    /// The most that it may cost.
    pub bound: Amount,
    /// Why it is refused, if it is.
    pub refused: Option<String>,
}

/// The session's account.
pub trait Account: Send + Sync + std::fmt::Debug {
    /// What the session may still spend.
    fn left(&self) -> Amount;

    /// Reserves the bound and records the call, durably, before it is made; none where the budget does not cover it.
    ///
    /// # Errors
    /// When the call cannot be recorded, or the session takes no more.
    fn reserve(&self, call: &CallSummary) -> io::Result<Option<Box<dyn Hold>>>;

    /// Records a call that is refused.
    ///
    /// # Errors
    /// When it cannot be recorded.
    fn refuse(&self, call: &CallSummary) -> io::Result<()>;
}

/// What is reserved for one call; dropped without a word it stays spent.
pub trait Hold: Send + Sync + std::fmt::Debug {
    /// Gives back what was not used and records what was.
    fn settle(self: Box<Self>, used: Amount);
}
