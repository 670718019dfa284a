//! A change that was not landed, and why.

use portcullis::{Reasons, SessionId};

use super::Change;

/// Why a change is kept instead of landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StageReason {
    /// It needs an approval for these reasons.
    Approval(Reasons),
    /// The real tree was changed meanwhile.
    Conflict,
    /// A symbolic link whose target leaves the workspace.
    LeavingLink,
    /// The kernel refused to land it (such as a full disk or a directory without write permission).
    Failed,
}

/// A change that waits for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedChange {
    /// The change; its content lies in the state directory.
    pub change: Change,
    /// Why it waits.
    pub reason: StageReason,
    /// The session that made it.
    pub session: SessionId,
    /// When, in milliseconds since 1970.
    pub wall_unix_ms: u64,
}

impl StageReason {
    /// The word for it in manifests and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approval(_) => "approval",
            Self::Conflict => "conflict",
            Self::LeavingLink => "leaving_link",
            Self::Failed => "failed",
        }
    }
}

impl StagedChange {
    /// Whether the path is a directory with this change.
    pub(crate) fn is_directory(&self) -> bool {
        match &self.change.kind {
            super::ChangeKind::Directory { .. } => true,
            super::ChangeKind::Mode { .. } => {
                matches!(self.change.before, super::Before::Directory { .. })
            }
            _ => false,
        }
    }
}
