//! Git: everything over the agent's repository runs in a jail without secrets; only a push leaves, from a repository of the monitor's own.
//!
//! The host never runs git over a `.git` that an agent can reach. Arguments
//! cannot become options: references and revisions are checked, paths are
//! literal and stand after `--`, and messages come on standard input.

mod add;
mod bare;
mod changed;
mod commit;
mod diff;
mod hidden;
mod host;
mod identity;
mod incoming;
mod jail;
mod landing;
mod log;
mod moved;
mod names;
mod pack;
mod pull_request;
mod push;
mod refs;
mod settings;
mod status;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::executor::Executor;

pub(crate) use moved::Ruling;
pub(crate) use refs::part_of;

pub use commit::{CommitRequest, Committed};
pub use diff::{Compare, DiffRequest};
pub use host::PushOptions;
pub use identity::Identity;
pub use log::{LogRequest, MAX_COMMITS};
pub use pull_request::PullRequestRequest;
pub use push::{PushRequest, Pushed};
pub use status::{Status, StatusEntry};

/// Git for one session. Clones share it.
#[derive(Clone, Debug)]
pub struct Git {
    executor: Executor,
    bare: Arc<PathBuf>,
    push: Arc<PushOptions>,
    identity: Arc<Identity>,
}

/// What a git command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitText {
    /// Its standard output.
    pub text: String,
    /// Whether some of it was dropped.
    pub is_cut: bool,
}

impl Git {
    /// Git for the executor's session; `state` is the workspace's state directory, where the monitor's own repository lies.
    #[must_use]
    pub fn new(executor: &Executor, state: &Path) -> Self {
        Self {
            executor: executor.clone(),
            bare: Arc::new(state.join("push.git")),
            push: Arc::new(PushOptions::default()),
            identity: Arc::new(Identity::default()),
        }
    }

    /// The same with how pushes reach their remotes.
    #[must_use]
    pub fn with_push_options(self, push: PushOptions) -> Self {
        Self {
            push: Arc::new(push),
            ..self
        }
    }

    /// The same with the author of commits.
    #[must_use]
    pub fn with_identity(self, identity: Identity) -> Self {
        Self {
            identity: Arc::new(identity),
            ..self
        }
    }
}
