//! Rewrites that are safe: an exact version from a lock file, a reference to the environment in place of a secret.
//!
//! Edits are by bytes, so comments and formatting stay. The diff that is shown first masks every secret the scan found.

mod pin;
mod plan;
mod secret_ref;

pub(crate) use pin::pin;
pub use plan::{Plan, Rewrite};
pub(crate) use secret_ref::secret_edits;
