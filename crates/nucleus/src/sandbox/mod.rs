//! The file tools of the host: each is a request, and sees staged changes over the tree.
//!
//! Paths are resolved beneath a directory handle without following links, so
//! `..`, links, `/proc` and mounts lead nowhere; only regular files are opened.

mod apply;
mod create;
mod edit;
mod git_settings;
mod land;
mod list;
mod make_dir;
mod options;
mod plain;
mod read;
mod remove;
mod rename;
mod repository;
mod search;
mod tracked;
mod write;

use std::sync::Arc;

use portcullis::Exposure;
use portcullis::envelope::Envelope;
use portcullis::path::RelPath;
use portcullis::request::Request;

use nucleus_audit::Effect;
use portcullis::Amount;

use crate::error::Error;
use crate::monitor::{Monitor, Terms};
use crate::workspace::WorkspaceView;

pub use apply::Review;
pub use edit::{EditPair, Occurrences};
#[cfg(target_os = "linux")]
pub(crate) use git_settings::UserFiles;
pub(crate) use land::{Kept, failure};
pub use land::{LandedChange, Written};
pub use list::{Listed, MAX_ENTRIES};
pub use options::SandboxOptions;
pub(crate) use read::read_up_to;
pub use read::{DEFAULT_LINES, LineRange, MAX_FILE_BYTES, MAX_TEXT_BYTES, ReadText};
pub use remove::Depth;
pub(crate) use repository::Repositories;
pub use search::{GlobFound, GrepFound};
pub use tracked::TrackedBlocked;

/// A session with its workspace: the file tools. Clones share the session.
#[derive(Clone, Debug)]
pub struct Sandbox {
    monitor: Arc<Monitor>,
    view: Arc<dyn WorkspaceView>,
    #[cfg(target_os = "linux")]
    jails: Arc<crate::executor::Jails>,
    #[cfg(target_os = "linux")]
    turns: Arc<crate::executor::Slots>,
}

/// Where an envelope comes from: an envelope itself, or a policy.
pub trait Grants {
    /// The upper bound of authority.
    fn granted(&self) -> &Envelope;
}

impl Grants for Envelope {
    fn granted(&self) -> &Envelope {
        self
    }
}

impl Grants for nucleus_spec::Policy {
    fn granted(&self) -> &Envelope {
        self.envelope()
    }
}

impl Sandbox {
    /// The file tools of a running session over a workspace.
    #[must_use]
    pub fn over(
        monitor: Arc<Monitor>,
        view: Arc<dyn WorkspaceView>,
        #[cfg(target_os = "linux")] jails: Arc<crate::executor::Jails>,
    ) -> Self {
        Self {
            monitor,
            view,
            #[cfg(target_os = "linux")]
            jails,
            #[cfg(target_os = "linux")]
            turns: Arc::default(),
        }
    }

    /// The session's door.
    #[must_use]
    pub fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// The workspace.
    #[must_use]
    pub fn view(&self) -> &Arc<dyn WorkspaceView> {
        &self.view
    }

    /// Where jails of this session come from.
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn jails(&self) -> &Arc<crate::executor::Jails> {
        &self.jails
    }

    /// The turns of the session's commands.
    #[cfg(target_os = "linux")]
    pub(crate) fn turns(&self) -> &Arc<crate::executor::Slots> {
        &self.turns
    }

    /// The path in the workspace of what the agent named, relative or absolute.
    fn path(&self, named: &str) -> Result<RelPath, Error> {
        match self.view.root().to_str() {
            Some(root) => Ok(RelPath::beneath(root, named)?),
            None => Ok(RelPath::parse(named)?),
        }
    }

    /// The error of a request that cannot run, unless the policy refuses the request first.
    ///
    /// So an error never tells what a blocked path holds.
    fn fail(&self, request: &Request, error: Error) -> Error {
        match self.monitor.admit_on(request, &Terms::default()) {
            Err(refused) => refused.into(),
            Ok(admitted) => {
                drop(admitted.permit);
                let why = error.to_string();
                match admitted.ticket.finish(Effect::Failed(&why), Amount::ZERO) {
                    Ok(()) => error,
                    Err(broken) => broken.into(),
                }
            }
        }
    }

    /// The labels that the bytes of a file carry when they are handed out.
    fn labels_of(&self, path: &RelPath) -> Exposure {
        let envelope = self.monitor.envelope();
        let is_public = envelope
            .declarations()
            .public_paths
            .holds(|pattern| pattern.matches(path));
        Exposure::PRIVATE
            .when(!is_public)
            .join(self.view.carried(path))
    }
}
