//! The directories of an agent that has no namespaces: a home and the pipes to its tools, fresh and removed at the end.

use std::path::{Path, PathBuf};

use nucleus::executor::Jails;
use nucleus::state::StateDir;
use nucleus_jail::Form;
use tempfile::TempDir;

use super::Opened;
use crate::report::Failure;

/// A directory that the agent's user can pass to.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    /// A fresh one in our state, or, where the agent is another user, who cannot pass there, in the temporary directory.
    pub(crate) fn make(jails: &Jails, state: &StateDir) -> Result<Self, Failure> {
        let launcher = jails.launcher().map_err(Failure::not_started)?;
        let agent = launcher.ids_in(Form::WithoutNamespaces).host_uid;
        let is_other = agent != rustix::process::geteuid().as_raw();
        let within = if is_other {
            std::env::temp_dir().canonicalize()?
        } else {
            state.root().canonicalize()?
        };
        let dir = tempfile::Builder::new()
            .prefix("nucleus-agent-")
            .tempdir_in(within)?;
        if is_other {
            std::fs::set_permissions(
                dir.path(),
                std::os::unix::fs::PermissionsExt::from_mode(0o755),
            )?;
        }
        Ok(Self { dir })
    }

    /// The place of the session's agent, with a home and a directory of pipes, where the agent has no namespaces.
    pub(crate) fn for_agent(opened: &Opened) -> Result<Option<Self>, Failure> {
        if !opened.jails.is_without_namespaces() {
            return Ok(None);
        }
        let place = Self::make(&opened.jails, &opened.state)?;
        for dir in [place.home(), place.pipes()] {
            std::fs::create_dir(&dir)?;
            std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        }
        Ok(Some(place))
    }

    /// The agent's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Where the pipes to the session's tools are.
    pub(crate) fn pipes(&self) -> PathBuf {
        self.dir.path().join("pipes")
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Removes all of it, and says so where it cannot.
    pub(crate) fn remove(self) {
        let path = self.dir.path().to_owned();
        if let Err(error) = self.dir.close() {
            anstream::eprintln!(
                "warning: what the agent left in `{}` could not be removed: {error}",
                path.display()
            );
        }
    }
}
