//! The rules: each has a stable word id, one severity, one sentence, the way out and its references.

mod table;

pub use table::{RULES, Rule, rule};
pub(crate) use table::{TRIFECTA_COMPLETE, UNKNOWN_SERVER};
