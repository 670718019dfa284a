//! The session's clean helper process, seen from the host.
use std::ffi::OsString;
use std::path::PathBuf;

use crate::{Error, Ids, Jail, JailSpec};

/// How to start the helper: a program whose `main` calls [`crate::helper_main`] for these arguments before anything else.
#[derive(Debug, Clone)]
pub struct HelperCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl HelperCommand {
    /// The running program itself with one argument, such as `__jail-init`.
    pub fn this_program(arg: impl Into<OsString>) -> Self {
        Self {
            program: PathBuf::from("/proc/self/exe"),
            args: vec![arg.into()],
        }
    }
}

/// Starts jails. `Send` and `Sync`; when it is dropped or its process dies, every jail it started dies.
#[derive(Debug)]
pub struct Launcher {
    ids: Ids,
}

impl Launcher {
    /// Starts the helper.
    pub fn start(_helper: &HelperCommand) -> Result<Self, Error> {
        Err(Error::HelperGone)
    }
    /// The ids a jail of this launcher has, for a synthetic `/etc/passwd`.
    pub fn ids(&self) -> Ids {
        self.ids
    }
    /// Starts one jail; blocks until its program is executed or a step has failed (about 2 ms).
    pub fn spawn(&self, _spec: JailSpec) -> Result<Jail, Error> {
        Err(Error::HelperGone)
    }
}
