//! The session's helper processes, seen from the host, and starting a jail through one.

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio as ProcessStdio};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{MemfdFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use crate::channel;
use crate::error::Error;
use crate::host::clone::Mapping;
use crate::host::diagnose;
use crate::host::mounts::{MountTable, check_filesystem};
use crate::host::session::{SessionGroup, SessionPlace};
use crate::jail::{Handed, Jail};
use crate::plan;
use crate::report::{Enforced, Ids};
use crate::spec::{Access, Form, JailSpec, SessionLimits, Stdio, Upper, View};
use crate::talk::Tag;
use crate::trees::{BASE, INSIDE};
use crate::wire::Reader;
use crate::{check, layers};

/// Idle helpers kept; each is one small process and the next jail's first process.
const IDLE: usize = 4;

/// How to start the helper: a program whose `main` calls [`crate::helper_main`] for these arguments before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Starts jails. `Send` and `Sync`. A jail ends with its handle or with the process that holds it, not with the launcher.
#[derive(Debug, Clone)]
pub struct Launcher {
    pool: Arc<Pool>,
}

impl Launcher {
    /// Starts a first helper and learns from it what this host gives. The jails together have the default bounds.
    pub fn start(helper: &HelperCommand) -> Result<Self, Error> {
        Self::start_bounded(helper, SessionLimits::default())
    }

    /// As [`Launcher::start`], with other bounds of the jails together.
    pub fn start_bounded(helper: &HelperCommand, limits: SessionLimits) -> Result<Self, Error> {
        let group = SessionGroup::make(&limits);
        let first = Helper::start(helper, group.as_ref().ok())?;
        let support = Support {
            session: group.as_ref().map(|_| limits).map_err(String::clone),
            ..first.support.clone()
        };
        let pool = Pool {
            command: helper.clone(),
            support,
            idle: Mutex::new(vec![first]),
            group: group.ok(),
        };
        Ok(Self {
            pool: Arc::new(pool),
        })
    }

    /// The bounds that the jails have together, or why they have none but the sum of each one's.
    pub fn session_bound(&self) -> Result<SessionLimits, &str> {
        self.pool
            .support
            .session
            .as_ref()
            .copied()
            .map_err(String::as_str)
    }

    /// The ids a jail of this launcher has, for a synthetic `/etc/passwd`.
    pub fn ids(&self) -> Ids {
        ids(Mapping::of_this_process())
    }

    /// The ids that a jail of this form has.
    pub fn ids_in(&self, form: Form) -> Ids {
        ids(Mapping::of(form).unwrap_or_else(Mapping::of_this_process))
    }

    /// Starts one jail; blocks until its program is executed or a step has failed (about 2 ms).
    ///
    /// An error names the missing layer or the step; nothing of the jail is left then.
    pub fn spawn(&self, spec: JailSpec) -> Result<Jail, Error> {
        check::check_spec(&spec)?;
        let support = &self.pool.support;
        let enforced = Enforced {
            layers: layers::report(&spec, support),
            ids: self.ids_in(spec.form),
        };
        layers::check_required(&spec, &enforced)?;
        let prepared = Prepared::of(&spec)?;
        let (request, plan) = plan::encode(&spec, support.landlock_abi);
        let plan = memory_file(&plan)?;
        let helper = self.pool.take()?;
        let (control, theirs) = channel::pair().map_err(Error::errno("making the life line"))?;
        let streams = match &spec.stdio {
            Stdio::Fds {
                stdin,
                stdout,
                stderr,
            } => vec![stdin.as_fd(), stdout.as_fd(), stderr.as_fd()],
            Stdio::Null | Stdio::Terminal { .. } => Vec::new(),
        };
        let fds: Vec<BorrowedFd<'_>> = [theirs.as_fd(), plan.as_fd()]
            .into_iter()
            .chain(streams)
            .collect();
        helper.send(&request.encode(), &fds)?;
        drop(theirs);
        let handed = Handed::receive(&control)?;
        let lease = Lease {
            pool: Arc::clone(&self.pool),
            helper: Some(helper),
        };
        Ok(Jail::new(
            control,
            handed,
            enforced,
            prepared.changes,
            lease,
            spec.form,
        ))
    }
}

/// Who a jail runs as.
pub(crate) fn ids(mapping: Mapping) -> Ids {
    match mapping {
        Mapping::Range => Ids {
            inside_uid: INSIDE,
            inside_gid: INSIDE,
            host_uid: BASE + INSIDE,
            host_gid: BASE + INSIDE,
        },
        Mapping::Own { uid, gid } => Ids {
            inside_uid: uid,
            inside_gid: gid,
            host_uid: uid,
            host_gid: gid,
        },
    }
}

/// What the first helper learnt about the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Support {
    pub(crate) landlock_abi: u32,
    /// The kind of cgroup, or why there is none.
    pub(crate) cgroup: Result<String, String>,
    /// The bounds of all jails together, or why there are none.
    pub(crate) session: Result<SessionLimits, String>,
}

/// Helpers between jails.
#[derive(Debug)]
pub(crate) struct Pool {
    command: HelperCommand,
    support: Support,
    idle: Mutex<Vec<Helper>>,
    /// After the helpers, which leave it when they are dropped.
    group: Option<SessionGroup>,
}

impl Pool {
    fn take(&self) -> Result<Helper, Error> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(helper) => Ok(helper),
            None => Helper::start(&self.command, self.group.as_ref()),
        }
    }

    fn give_back(&self, helper: Helper) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(helper);
        }
    }
}

/// A helper that serves one jail; it goes back to the pool with the jail's handle.
#[derive(Debug)]
pub(crate) struct Lease {
    pool: Arc<Pool>,
    helper: Option<Helper>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(helper) = self.helper.take() {
            self.pool.give_back(helper);
        }
    }
}

#[derive(Debug)]
struct Helper {
    /// Taken on drop: the helper ends when it closes.
    socket: Option<OwnedFd>,
    child: Child,
    support: Support,
}

impl Helper {
    fn start(command: &HelperCommand, group: Option<&SessionGroup>) -> Result<Self, Error> {
        let (socket, theirs) =
            channel::pair().map_err(Error::errno("making the helper's socket"))?;
        let child = Command::new(&command.program)
            .args(&command.args)
            .env_clear()
            .current_dir("/")
            .stdin(ProcessStdio::from(theirs))
            .stdout(ProcessStdio::null())
            .stderr(ProcessStdio::null())
            .spawn()
            .map_err(Error::host("starting the jail helper"))?;
        let mut helper = Self {
            socket: Some(socket),
            child,
            support: Support {
                landlock_abi: 0,
                cgroup: Err(String::new()),
                session: Err(String::new()),
            },
        };
        let place = SessionPlace::encode(group.map(SessionGroup::place));
        helper.send(&place, &[])?;
        helper.support = helper.hear_hello()?;
        Ok(helper)
    }

    fn hear_hello(&self) -> Result<Support, Error> {
        let socket = self.socket.as_ref().ok_or(Error::HelperGone)?;
        let message = channel::receive(socket.as_fd(), RecvFlags::empty())
            .map_err(Error::errno("waiting for the jail helper"))?;
        let message = message.ok_or(Error::HelperGone)?;
        let Some((Tag::Hello, rest)) = Tag::split(&message.bytes) else {
            return Err(Error::HelperGone);
        };
        let mut input = Reader(rest);
        let mut decode = || {
            let landlock_abi = input.u32()?;
            let has_cgroup = input.u8()? == 1;
            let text = String::from_utf8_lossy(input.bytes()?).into_owned();
            Some(Support {
                landlock_abi,
                cgroup: if has_cgroup { Ok(text) } else { Err(text) },
                session: Err(String::new()),
            })
        };
        decode().ok_or(Error::HelperGone)
    }

    fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let socket = self.socket.as_ref().ok_or(Error::HelperGone)?;
        channel::send(socket.as_fd(), bytes, fds).map_err(|error| match error {
            Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => Error::HelperGone,
            Errno::TOOBIG => Error::InvalidSpec(
                "more than 248 views and layers, or 64 KiB of their paths".to_owned(),
            ),
            other => Error::Host {
                context: "asking the jail helper",
                source: other.into(),
            },
        })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.socket.take());
        let _ended = self.child.wait();
    }
}

/// What the host does before the helper is asked.
struct Prepared {
    /// The directory of changes on disk.
    changes: Option<OwnedFd>,
}

impl Prepared {
    fn of(spec: &JailSpec) -> Result<Self, Error> {
        let mapping = Mapping::of(spec.form).unwrap_or_else(Mapping::of_this_process);
        let writable: Vec<&Path> = spec.views.iter().filter_map(writable_host).collect();
        let owned = spec.views.iter().filter_map(|view| match view {
            View::BindOwned { host, .. } | View::Masked { host, .. } => Some(host.as_path()),
            _ => None,
        });
        if !writable.is_empty() || spec.workspace.is_some() || owned.clone().next().is_some() {
            let table = MountTable::read()?;
            for tree in writable
                .iter()
                .copied()
                .chain(owned)
                .chain(workspace_trees(spec))
            {
                table.check_whole(tree)?;
            }
        }
        for tree in workspace_trees(spec).chain(masked_trees(spec)) {
            check_filesystem(tree)?;
        }
        for tree in writable {
            give_to_jail(tree, mapping)?;
        }
        let changes = match &spec.workspace {
            Some(overlay) => prepare_upper(&overlay.upper, &overlay.lower.path, mapping)?,
            None => None,
        };
        Ok(Self { changes })
    }
}

fn writable_host(view: &View) -> Option<&Path> {
    match view {
        View::Bind {
            host,
            access: Access::ReadWrite,
            ..
        } => Some(host),
        _ => None,
    }
}

fn workspace_trees(spec: &JailSpec) -> impl Iterator<Item = &Path> {
    spec.workspace.iter().flat_map(|overlay| {
        let upper = if let Upper::Disk(dir) = &overlay.upper {
            Some(dir.as_path())
        } else {
            None
        };
        [
            Some(overlay.lower.path.as_path()),
            overlay.staged.as_deref(),
            overlay.mask.as_deref(),
            upper,
        ]
        .into_iter()
        .flatten()
    })
}

fn masked_trees(spec: &JailSpec) -> impl Iterator<Item = &Path> {
    spec.views
        .iter()
        .filter_map(|view| match view {
            View::Masked { host, mask, .. } => Some([host.as_path(), mask.as_path()]),
            _ => None,
        })
        .flatten()
}

fn give_to_jail(path: &Path, mapping: Mapping) -> Result<(), Error> {
    if mapping != Mapping::Range {
        return Ok(());
    }
    let id = Some(BASE + INSIDE);
    std::os::unix::fs::lchown(path, id, id).map_err(Error::host("giving a directory to the jail"))
}

/// Makes `up` and `wk` below the caller's directory and opens `up`.
fn prepare_upper(upper: &Upper, lower: &Path, mapping: Mapping) -> Result<Option<OwnedFd>, Error> {
    let Upper::Disk(dir) = upper else {
        return Ok(None);
    };
    let mode = std::fs::metadata(lower)
        .map_err(Error::host("asking for the workspace's mode"))?
        .permissions()
        .mode()
        & 0o777;
    for (name, mode) in [("up", mode), ("wk", 0o700)] {
        let path = dir.join(name);
        std::fs::create_dir(&path).map_err(Error::host("making the directory of changes"))?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode))
            .map_err(Error::host("setting the mode of changes"))?;
        give_to_jail(&path, mapping)?;
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(dir.join("up"), flags, Mode::empty())
        .map(Some)
        .map_err(Error::errno("opening the directory of changes"))
}

/// The plan as an anonymous file.
fn memory_file(bytes: &[u8]) -> Result<OwnedFd, Error> {
    let fd = rustix::fs::memfd_create(c"plan", MemfdFlags::CLOEXEC)
        .map_err(Error::errno("making the plan"))?;
    let mut file = std::fs::File::from(fd);
    file.write_all(bytes)
        .map_err(Error::host("writing the plan"))?;
    Ok(OwnedFd::from(file))
}

/// A failure on its way up, with the setting that caused it where one is known.
pub(crate) fn failed(failure: crate::failure::Failure) -> Error {
    diagnose::explain(failure)
}
