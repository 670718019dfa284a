//! What a tool server acts through, so that it knows no monitor, no file and no process.

use portcullis::{Envelope, OperationSet};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::arguments::Call;

/// The answer to a call that ran.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// What a model reads.
    pub text: String,
    /// The same as data.
    pub data: Value,
    /// Whether the effect itself failed, as a command with a status other than 0 did.
    pub is_error: bool,
}

/// Why a call did not run.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The monitor refused it; the data has code, operation, rule, evidence and way out.
    Refused {
        /// What a model reads.
        text: String,
        /// The same as data.
        data: Value,
    },
    /// The call makes no sense, or its effect failed.
    Failed(String),
    /// The client cancelled it or left.
    Cancelled,
}

/// Tells a waiting client how far a call is.
pub trait Progress: Send + Sync {
    /// So many bytes of output so far, and the last of it.
    fn output(&self, total_bytes: u64, tail: &str);
}

/// The hands of one session. Calls block; a server runs them on threads of their own.
pub trait Hands: Send + Sync + 'static {
    /// Runs one call. When `cancel` fires, whatever it started is killed.
    ///
    /// # Errors
    /// [`Failure`] for a refusal, bad arguments, a failed effect or cancellation.
    fn call(
        &self,
        call: Call,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure>;

    /// Denies, on record, a call that could not be read: of a tool that does not exist, or with other arguments than the tool has.
    fn deny_malformed(&self, tool: &str, why: &str) -> Failure;

    /// The envelope in force; tools whose operation is at `never` are not offered.
    fn envelope(&self) -> Envelope;

    /// Operations for which this session has no means, such as a search without a backend;
    /// their tools are not offered either.
    fn without_means(&self) -> OperationSet {
        OperationSet::EMPTY
    }
}
