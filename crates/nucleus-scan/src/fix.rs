//! Rewrites that are safe: an exact version from a lock file or from whoever is asked, a reference to the environment in place of a secret.
//!
//! Edits are by bytes, so comments and formatting stay. The diff that is shown first masks every secret the scan found.

mod codex;
mod mask;
mod pin;
mod plan;
mod question;
mod secret_ref;

pub(crate) use pin::pin;
pub use plan::{LeftAlone, Plan, Rewrite};
pub use question::{Question, questions};
pub(crate) use secret_ref::{Reference, References};
