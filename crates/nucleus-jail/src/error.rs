//! Errors that name the step or the layer, and the setting to change.

use std::io;
use std::path::PathBuf;

use crate::report::Layer;

/// Why a jail could not be started or watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A required layer cannot be had here.
    #[error("layer `{layer}` is missing: {reason}\nhelp: {fix}")]
    LayerMissing {
        /// Which.
        layer: Layer,
        /// Why.
        reason: String,
        /// What to change.
        fix: String,
    },
    /// A step of the set-up failed inside the helper or the jail.
    #[error("jail step `{step}` failed: {detail}: {source}")]
    Setup {
        /// Which step.
        step: Step,
        /// On what.
        detail: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The program could not be executed inside.
    #[error("cannot execute `{program}` in the jail: {source}")]
    Exec {
        /// The first word of the command.
        program: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A tree that must be whole has another file system mounted inside.
    #[error(
        "`{mount}` is a mount point inside `{tree}`; a jail cannot show nested mounts\nhelp: unmount it or use a directory without mounts"
    )]
    NestedMount {
        /// The tree.
        tree: PathBuf,
        /// The mount point inside.
        mount: PathBuf,
    },
    /// The tree is on a file system on which overlays are not known to hold.
    #[error(
        "`{tree}` is on file system `{filesystem}`, on which the workspace overlay is not known to hold\nhelp: use a directory on ext4, xfs, btrfs or tmpfs"
    )]
    UnsupportedFilesystem {
        /// The tree.
        tree: PathBuf,
        /// Its type.
        filesystem: String,
    },
    /// The spec contradicts itself or asks for what a jail never gives.
    #[error("invalid jail spec: {0}")]
    InvalidSpec(String),
    /// A changed set is larger than its bounds.
    #[error("the command changed more than can be landed: {what} above {limit}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: u64,
    },
    /// The helper process is gone.
    #[error("the jail helper has ended; start a new session")]
    HelperGone,
    /// A call on the host's side failed.
    #[error("{context}: {source}")]
    Host {
        /// What was being done.
        context: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn host(context: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Host { context, source }
    }

    pub(crate) fn errno(context: &'static str) -> impl FnOnce(rustix::io::Errno) -> Error {
        move |error| Error::Host {
            context,
            source: error.into(),
        }
    }
}

macro_rules! steps {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// A step of the set-up, in the order taken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Step {
            $(#[doc = concat!("`", $text, "`")] $name),*
        }

        impl Step {
            const ALL: &'static [Step] = &[$(Step::$name),*];

            /// A stable short name.
            pub fn name(self) -> &'static str {
                match self { $(Step::$name => $text),* }
            }
        }
    };
}

steps! {
    Request = "request",
    OpenTree = "open-tree",
    IdMap = "id-map",
    Cgroup = "cgroup",
    Clone = "clone",
    Become = "become",
    Loopback = "loopback",
    Hostname = "hostname",
    Listen = "listen",
    Proc = "proc",
    Root = "root",
    View = "view",
    Devices = "devices",
    Overlay = "overlay",
    Pivot = "pivot",
    Terminal = "terminal",
    Fork = "fork",
    Stdio = "stdio",
    Rlimit = "rlimit",
    Capabilities = "capabilities",
    NoNewPrivileges = "no-new-privileges",
    Landlock = "landlock",
    Chdir = "chdir",
    Seccomp = "seccomp",
    Exec = "exec",
}

impl Step {
    pub(crate) fn from_u8(n: u8) -> Option<Step> {
        Self::ALL.get(usize::from(n)).copied()
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
