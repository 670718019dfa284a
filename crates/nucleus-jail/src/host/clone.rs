//! New namespaces and their id maps, from outside.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{CWD, Mode, OFlags};

use crate::error::Step;
use crate::failure::{At, Done};
use crate::spec::Form;
use crate::sys::process::{Cloned, clone_into, exit_now, prctl, reap, signal};
use crate::trees::{BASE, INSIDE, RANGE};

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

impl Mapping {
    /// The mapping of jails of this form; `None` where the jail's user would be root outside.
    ///
    /// Without a namespace of its own a jail has ids of the one we are in, where each id may be somebody else outside.
    pub(crate) fn of(form: Form) -> Option<Self> {
        let own = Self::of_this_process();
        if form == Form::Namespaces {
            return Some(own);
        }
        let has_range = ["uid_map", "gid_map"]
            .iter()
            .all(|map| outside(&own_map(map), BASE + INSIDE).is_some());
        if own == Mapping::Range && has_range {
            return Some(own);
        }
        let (uid, gid) = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        (outside_user(uid) != 0).then_some(Mapping::Own { uid, gid })
    }
}

/// The user outside that this user of our namespace is, or the same number where that cannot be said.
pub(crate) fn outside_user(uid: u32) -> u32 {
    outside(&own_map("uid_map"), uid).unwrap_or(uid)
}

fn own_map(name: &str) -> String {
    std::fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

/// What this id is outside, by the text of a map.
fn outside(map: &str, id: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut words = line.split_whitespace().map(str::parse::<u32>);
        let (first, outside, count) = (
            words.next()?.ok()?,
            words.next()?.ok()?,
            words.next()?.ok()?,
        );
        let offset = id.checked_sub(first).filter(|offset| *offset < count)?;
        outside.checked_add(offset)
    })
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

#[cfg(test)]
mod tests {
    use super::outside;

    #[test]
    fn an_id_is_looked_up_in_every_line_of_a_map() {
        let podman = "         0       1000          1\n         1     100000      65536\n";
        assert_eq!(outside(podman, 0), Some(1000));
        assert_eq!(outside(podman, 7), Some(100_006));
        assert_eq!(outside(podman, 65_537), None);
        assert_eq!(
            outside("0 0 4294967295\n", 1_900_001_000),
            Some(1_900_001_000)
        );
        assert_eq!(outside("", 0), None);
    }
}
