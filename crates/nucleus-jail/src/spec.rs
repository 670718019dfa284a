//! A [`JailSpec`] holds everything a jail is given; what it does not name does not exist inside.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::report::Layer;

/// One jail: its command, its view of the file system and its bounds. Nothing is inherited.
#[derive(Debug)]
pub struct JailSpec {
    /// Program and arguments. A program without `/` is looked up in the `PATH` of [`Self::env`], inside.
    pub argv: Vec<OsString>,
    /// The whole environment of the command.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory inside; must exist there.
    pub cwd: PathBuf,
    /// Host name inside, at most 64 bytes.
    pub hostname: OsString,
    /// What is visible, applied in order. `/proc`, `/dev`, `/dev/shm` and `/tmp` are always private and need no view.
    pub views: Vec<View>,
    /// The workspace: an overlay that leaves the real tree unchanged, mounted after all views.
    pub workspace: Option<Overlay>,
    /// Ports to listen on at 127.0.0.1 of the jail's own network namespace; the listeners are handed to the caller.
    pub ports: Vec<u16>,
    /// What the jail's programs reach by other addresses.
    pub reach: Reach,
    /// Standard input, output and error of the command.
    pub stdio: Stdio,
    /// Kernel-enforced bounds of the tree.
    pub limits: Limits,
    /// Whether `socket(AF_UNIX)` works inside (namespaced jails only). `socketpair` always does.
    pub unix_sockets: UnixSockets,
    /// Namespaces or not.
    pub form: Form,
    /// Layers whose absence is accepted. A layer that is missing and not listed here is an error.
    pub waived: BTreeSet<Layer>,
}

impl JailSpec {
    /// A spec with no view, no workspace, no port, an empty environment, `/` as directory, `/dev/null` as stdio and default limits.
    pub fn new(argv: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            cwd: PathBuf::from("/"),
            hostname: OsString::from("jail"),
            views: Vec::new(),
            workspace: None,
            ports: Vec::new(),
            reach: Reach::Nothing,
            stdio: Stdio::Null,
            limits: Limits::default(),
            unix_sockets: UnixSockets::Refused,
            form: Form::Namespaces,
            waived: BTreeSet::new(),
        }
    }
}

/// What lies behind the addresses that are not the jail's own loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Nothing: no address but loopback has a route.
    Nothing,
    /// Sockets of the caller's: every TCP connection and every name look-up arrives there, other datagrams are refused
    /// at once. See [`crate::Jail::take_redirected`].
    Redirected,
}

/// Something made visible at an absolute path inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// A host file or directory with the mounts below it (read-only) or without (writable: mounts below are an error).
    ///
    /// A writable directory is given to the jail's ids when the launcher runs as root (the directory itself, not what is in it).
    Bind {
        /// Existing path on the host.
        host: PathBuf,
        /// Where it appears.
        inside: PathBuf,
        /// Whether the jail may change it.
        access: Access,
    },
    /// Like a read-only [`View::Bind`], but files of the directory's owner appear as the jail's own when the launcher runs as root.
    /// **Private files of that owner become readable inside.** Mounts below are an error.
    BindOwned {
        /// Existing path on the host.
        host: PathBuf,
        /// Where it appears.
        inside: PathBuf,
    },
    /// A host directory, read-only, without what the whiteouts of a [`crate::mask`] hide of it. Mounts below are an error, and so
    /// is a file system on which overlays are not known to hold.
    Masked {
        /// Existing directory on the host.
        host: PathBuf,
        /// Where it appears.
        inside: PathBuf,
        /// The mask over it.
        mask: PathBuf,
        /// Whose its files are inside.
        owner: Owner,
    },
    /// A file with this content, also over a file of an earlier read-only view. In a [`View::Tmpfs`] it is writable by the jail, elsewhere read-only.
    File {
        /// Where it appears.
        inside: PathBuf,
        /// The content, which many jails may share.
        bytes: Arc<[u8]>,
        /// Permission bits (07000 is ignored).
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// Where it appears.
        inside: PathBuf,
        /// What it says.
        target: PathBuf,
    },
    /// An empty read-only directory.
    Dir {
        /// Where it appears.
        inside: PathBuf,
    },
    /// A fresh writable directory in memory, gone with the jail.
    Tmpfs {
        /// Where it appears.
        inside: PathBuf,
        /// Upper bound of its content.
        bytes: u64,
        /// Upper bound of its files and directories.
        inodes: u64,
    },
}

/// Whose the files of a view are inside when the launcher runs as root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Nobody's of the jail: what only their owner may read stays closed.
    Host,
    /// Those of the directory's owner are the jail's, as in a [`View::BindOwned`].
    Jail,
}

/// Whether a bound tree can be changed from inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No change of any kind.
    ReadOnly,
    /// Changes reach the host's tree.
    ReadWrite,
}

/// A workspace: `mask` over `staged` over `lower`, with changes in `upper`.
#[derive(Debug)]
pub struct Overlay {
    /// Where it appears, usually the tree's own path.
    pub inside: PathBuf,
    /// The real tree. Never changed.
    pub lower: Tree,
    /// Changes not yet landed, as a layer (whiteouts allowed).
    pub staged: Option<PathBuf>,
    /// Whiteouts of what must not be seen; see [`crate::mask`].
    pub mask: Option<PathBuf>,
    /// Where changes go.
    pub upper: Upper,
}

/// A directory of the host by path, optionally pinned to the directory it is meant to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// Absolute path.
    pub path: PathBuf,
    /// If given, another directory found at `path` is an error.
    pub id: Option<TreeId>,
}

/// Device and inode of a directory; meaningful while the caller keeps it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeId {
    /// `st_dev`.
    pub dev: u64,
    /// `st_ino`.
    pub ino: u64,
}

impl TreeId {
    /// The identity of an open directory.
    pub fn of(dir: impl AsFd) -> std::io::Result<Self> {
        let file = std::fs::File::from(dir.as_fd().try_clone_to_owned()?);
        let meta = file.metadata()?;
        Ok(Self {
            dev: meta.st_dev(),
            ino: meta.st_ino(),
        })
    }
}

/// Where the changes of an overlay go. See [`crate::Jail::upper`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upper {
    /// Nowhere: the workspace is read-only.
    None,
    /// Into memory, bounded by the kernel; readable through [`crate::Jail::upper`] after the jail is dead.
    Tmpfs {
        /// Upper bound of file content.
        bytes: u64,
        /// Upper bound of files and directories.
        inodes: u64,
    },
    /// Below this existing directory of the caller, fresh for this jail. **Bytes and files are not bounded by the kernel.**
    Disk(PathBuf),
}

/// Standard streams of the command.
#[derive(Debug)]
pub enum Stdio {
    /// `/dev/null` three times.
    Null,
    /// Pipes, regular files or `/dev/null`; a terminal, socket, directory or other device is refused.
    Fds {
        /// Descriptor 0.
        stdin: OwnedFd,
        /// Descriptor 1.
        stdout: OwnedFd,
        /// Descriptor 2.
        stderr: OwnedFd,
    },
    /// A new terminal of the jail's own, whose other end is [`crate::Jail::take_terminal`].
    Terminal {
        /// Rows of the window.
        rows: u16,
        /// Columns of the window.
        cols: u16,
    },
}

/// Bounds of one jail. Output and wall time are the caller's to bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads of the tree.
    pub processes: u32,
    /// Memory of the tree.
    pub memory_bytes: u64,
    /// Open descriptors of each process.
    pub open_files: u32,
    /// Size of each file written; a longer write raises SIGXFSZ.
    pub file_bytes: Option<u64>,
    /// Size of `/tmp`, and of `/dev/shm` again; each holds one file, link or directory for every 4 KiB of it.
    pub scratch_bytes: u64,
}

impl Default for Limits {
    /// 512 processes, 4 GiB of memory, 4096 descriptors, no file bound, 512 MiB of scratch space.
    fn default() -> Self {
        Self {
            processes: 512,
            memory_bytes: 4 << 30,
            open_files: 4096,
            file_bytes: None,
            scratch_bytes: 512 << 20,
        }
    }
}

/// Bounds of all jails of one [`Launcher`](crate::Launcher) together, beside those of each.
///
/// **Held by control groups only**: where the kernel gives this process none, the jails together may use the sum of what each
/// may. [`Launcher::session_bound`](crate::Launcher::session_bound) says which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Processes and threads of all trees, with about three of each jail's own.
    pub processes: u32,
    /// Memory of all trees.
    pub memory_bytes: u64,
}

impl Default for SessionLimits {
    /// 2,048 processes and 8 GiB of memory: four and two commands that take all that one may.
    fn default() -> Self {
        Self {
            processes: 2048,
            memory_bytes: 8 << 30,
        }
    }
}

/// Whether Unix-domain sockets can be made inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnixSockets {
    /// `socket(AF_UNIX)` fails with EPERM.
    Refused,
    /// They work among the processes of the jail; none of the host's is in its view.
    Private,
}

/// The confinement to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Namespaces, overlay, Landlock and seccomp.
    Namespaces,
    /// Landlock and seccomp only, for hosts that refuse user namespaces: no network, no terminal, no port, no overlay.
    ///
    /// **Does not hold** what [`NOT_HELD_WITHOUT_NAMESPACES`] lists. Needs every namespace layer in [`JailSpec::waived`].
    WithoutNamespaces,
}

/// What [`Form::WithoutNamespaces`] does not hold, in words for whoever chooses it.
pub const NOT_HELD_WITHOUT_NAMESPACES: [&str; 5] = [
    "a file that the policy blocks stays readable inside a directory that the agent is shown",
    "there is no overlay: what the agent may write is written on the host at once, and may fill its disk",
    "the host's /proc is visible: its processes with their command lines, its network interfaces and connections",
    "whether any path of the host exists, its size, times and link target can be asked; what is in it cannot",
    "processes that leave the agent's tree are ended only by the watcher, and stay if the watcher itself is killed",
];
