//! The errors of the hands; the four refusals carry the product's names.

use std::io;

use nucleus_audit::LogError;
use portcullis::path::PathError;

use crate::guard::WindowFault;
use crate::monitor::{Refused, RefusedKind};
use crate::workspace::WorkspaceError;

/// Why an action of an agent did not happen, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy does not grant it, and nobody can approve it.
    #[error("{refused}")]
    PolicyDenied {
        /// The operation that the rule is about.
        operation: &'static str,
        /// Rule, evidence, way out.
        refused: Box<Refused>,
    },
    /// A human may allow it.
    #[error("{refused}")]
    ApprovalRequired {
        /// The operation that the rule is about.
        operation: &'static str,
        /// Rule, evidence, way out.
        refused: Box<Refused>,
    },
    /// The budget does not cover it.
    #[error("{refused}")]
    BudgetExceeded {
        /// The operation that was asked for.
        operation: &'static str,
        /// Rule, evidence, way out.
        refused: Box<Refused>,
    },
    /// The session does not run anything now.
    #[error("{refused}")]
    StateBlocked {
        /// The operation that was asked for.
        operation: &'static str,
        /// Rule, evidence, way out.
        refused: Box<Refused>,
    },
    /// The path has no single spelling beneath the workspace.
    #[error("{0}\nhelp: {help}", help = .0.help())]
    Path(#[from] PathError),
    /// The workspace refused or failed.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The request makes no sense as it stands; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// The request has no form in which it could be judged, so nothing was done for it; the text says what to change.
    #[error("{0}")]
    Malformed(String),
    /// The monitor could not record an outcome.
    #[error(transparent)]
    Monitor(#[from] MonitorError),
    /// The jail could not be started or watched.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Jail(#[from] nucleus_jail::Error),
    /// The effect was permitted and failed.
    #[error("{what}: {source}")]
    Failed {
        /// What was being done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl Error {
    /// The refusal, when it is one.
    #[must_use]
    pub fn refused(&self) -> Option<&Refused> {
        match self {
            Self::PolicyDenied { refused, .. }
            | Self::ApprovalRequired { refused, .. }
            | Self::BudgetExceeded { refused, .. }
            | Self::StateBlocked { refused, .. } => Some(refused),
            _ => None,
        }
    }

    /// Whether the request had no form in which it could be judged.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Path(_))
    }

    /// A failed effect.
    pub(crate) fn failed(what: impl Into<String>, source: io::Error) -> Self {
        Self::Failed {
            what: what.into(),
            source,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let (operation, kind, refused) = (refused.operation(), refused.kind(), Box::new(refused));
        match kind {
            RefusedKind::PolicyDenied => Self::PolicyDenied { operation, refused },
            RefusedKind::ApprovalRequired => Self::ApprovalRequired { operation, refused },
            RefusedKind::BudgetExceeded => Self::BudgetExceeded { operation, refused },
            RefusedKind::StateBlocked => Self::StateBlocked { operation, refused },
        }
    }
}

/// Why the monitor itself could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// The log cannot be written; the session is over.
    #[error("the audit log cannot be written: {0}")]
    Log(#[from] LogError),
    /// The session's state cannot be read or written.
    #[error("{what}: {source}")]
    State {
        /// What was being done.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// The time window is not open.
    #[error("{0}")]
    Window(#[from] WindowFault),
    /// A narrowing that is not one.
    #[error("the envelope asked for is not below the session's: authority never widens")]
    Widened,
    /// The log holds the records of a session that was started before.
    #[error(
        "the session was started before: no restart renews its budget or its time window\nhelp: start a new session"
    )]
    StartedBefore,
    /// The session is over or was broken by an internal error.
    #[error("the session is over")]
    Over,
    /// A boundary probe succeeded: the jail does not hold here.
    #[error(
        "boundary probe `{probe}` got through: {detail}\nhelp: `nucleus doctor` names what is missing on this machine"
    )]
    Probe {
        /// The probe.
        probe: String,
        /// What it reached.
        detail: String,
    },
}

impl MonitorError {
    /// A failure of the session's state.
    pub(crate) fn state(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::State { what, source }
    }
}
