//! The model gateway: holds the key, passes on only what a schema lists, and lets no call through that is not paid for.
//!
//! A jail's request is read whole, rebuilt field by field ([`rebuild`]), given a bound on what the model may return, and
//! priced at the most it could cost. That much is reserved and the call recorded before anything is sent; what the
//! provider then reports is what it costs. A call whose end was not seen costs its reservation.

mod account;
mod address;
mod answer;
mod betas;
mod held;
mod plan;
mod price;
mod refusal;
mod route;
mod schema;
mod serve;
mod session;
mod sse;
mod upstream;
mod usage;

pub use account::{Account, CallSummary, Hold};
pub use address::{Found, Lookup, SystemLookup};
pub use price::{Price, PriceError, Prices};
pub use refusal::Answer;
pub use route::{Api, Purpose, Route};
pub use schema::{Rebuilt, Refused, rebuild};
pub use serve::Gateway;
pub use session::SessionAccount;
pub use sse::Events;
pub use upstream::{ModelKey, Upstream};
pub use usage::{Meter, Usage};
