//! New namespaces and their id maps, from outside.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{CWD, Mode, OFlags};

use crate::error::Step;
use crate::failure::{At, Done};
use crate::sys::process::{Cloned, clone_into, exit_now, prctl, reap, signal};
use crate::trees::{BASE, RANGE};

/// Every namespace of a jail.
pub(crate) const NAMESPACES: libc::c_int = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Who a jail is mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// Started by root: a range of ids nobody uses.
    Range,
    /// Started by an ordinary user: that user only.
    Own { uid: u32, gid: u32 },
}

impl Mapping {
    /// The mapping for whoever runs this process.
    pub(crate) fn of_this_process() -> Self {
        let (uid, gid) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        if uid == 0 {
            Mapping::Range
        } else {
            Mapping::Own { uid, gid }
        }
    }
}

/// Writes the maps of a process just cloned into a new user namespace.
pub(crate) fn write_maps(pid: i32, mapping: Mapping) -> Done<()> {
    let write = |name: &str, text: String| {
        std::fs::write(format!("/proc/{pid}/{name}"), text).at(Step::IdMap, name)
    };
    match mapping {
        Mapping::Range => {
            write("uid_map", format!("0 {BASE} {RANGE}\n"))?;
            write("gid_map", format!("0 {BASE} {RANGE}\n"))
        }
        Mapping::Own { uid, gid } => {
            write("setgroups", "deny".to_owned())?;
            write("uid_map", format!("{uid} {uid} 1\n"))?;
            write("gid_map", format!("{gid} {gid} 1\n"))
        }
    }
}

/// A user namespace with these maps and no process in it, as a descriptor.
pub(crate) fn user_namespace(uid_map: &str, gid_map: &str) -> Done<OwnedFd> {
    let pid = match clone_into(libc::CLONE_NEWUSER).at(Step::IdMap, "user namespace")? {
        Cloned::Parent { pid, .. } => pid,
        Cloned::Child => idle(),
    };
    let namespace = open_namespace(pid, uid_map, gid_map);
    signal(pid, libc::SIGKILL).at(Step::IdMap, "user namespace")?;
    reap(pid).at(Step::IdMap, "user namespace")?;
    namespace
}

fn open_namespace(pid: i32, uid_map: &str, gid_map: &str) -> Done<OwnedFd> {
    std::fs::write(format!("/proc/{pid}/uid_map"), uid_map).at(Step::IdMap, "uid_map")?;
    std::fs::write(format!("/proc/{pid}/gid_map"), gid_map).at(Step::IdMap, "gid_map")?;
    let path = PathBuf::from(format!("/proc/{pid}/ns/user"));
    rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .at(Step::IdMap, "ns/user")
}

/// Waits to be killed, by its parent or by its parent's death.
fn idle() -> ! {
    if prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).is_err() {
        exit_now(1);
    }
    loop {
        std::thread::park();
    }
}
