//! The Landlock rules of a command: read and execute below `/`, write only what is writable.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use crate::error::Step;
use crate::failure::{At, Done};
use crate::sys::landlock as kernel;

const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_BLOCK: u64 = 1 << 11;
const FIRST_ABI: u64 = (1 << 13) - 1;
const REFER: u64 = 1 << 13; // ABI 2
const TRUNCATE: u64 = 1 << 14; // ABI 3
const IOCTL_DEV: u64 = 1 << 15; // ABI 5
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
const BIND_TCP: u64 = 1 << 0; // ABI 4
const CONNECT_TCP: u64 = 1 << 1; // ABI 4
const SCOPE_ABSTRACT_UNIX: u64 = 1 << 0; // ABI 6
const SCOPE_SIGNAL: u64 = 1 << 1; // ABI 6

/// The file rights this ABI knows.
fn known_rights(abi: u32) -> u64 {
    let later = [(2, REFER), (3, TRUNCATE), (5, IOCTL_DEV)];
    later
        .iter()
        .filter(|(since, _)| abi >= *since)
        .fold(FIRST_ABI, |all, (_, right)| all | right)
}

/// What a restriction allows.
pub(crate) struct Rules<'a> {
    pub(crate) abi: u32,
    pub(crate) readable: &'a [PathBuf],
    pub(crate) writable: &'a [PathBuf],
    /// TCP ports that can be connected to; `None` leaves the network to its namespace.
    pub(crate) ports: Option<&'a [u16]>,
}

/// Puts this process under the rules, for good. With ABI 0 nothing is done: the layer was waived.
pub(crate) fn restrict(rules: &Rules<'_>) -> Done<()> {
    if rules.abi == 0 {
        return Ok(());
    }
    let all = known_rights(rules.abi);
    let scopes = if rules.abi >= 6 {
        SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL
    } else {
        0
    };
    let net = if rules.ports.is_some() && rules.abi >= 4 {
        BIND_TCP | CONNECT_TCP
    } else {
        0
    };
    let ruleset = kernel::create(rules.abi, all, net, scopes).at(Step::Landlock, "ruleset")?;
    for path in rules.readable {
        allow(&ruleset, path, EXECUTE | READ_FILE | READ_DIR)?;
    }
    for path in rules.writable {
        allow(&ruleset, path, all & !(MAKE_CHAR | MAKE_BLOCK))?;
    }
    for &port in rules.ports.unwrap_or_default().iter().filter(|_| net != 0) {
        kernel::allow_port(ruleset.as_fd(), port, CONNECT_TCP)
            .at(Step::Landlock, port.to_string())?;
    }
    kernel::restrict_self(ruleset.as_fd()).at(Step::Landlock, "restrict")
}

fn allow(ruleset: &OwnedFd, path: &Path, access: u64) -> Done<()> {
    let name = path.to_string_lossy();
    let fd = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .at(Step::Landlock, &name)?;
    let stat = rustix::fs::fstat(&fd).at(Step::Landlock, &name)?;
    let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    let access = if is_dir { access } else { access & OF_FILES };
    kernel::allow_path(ruleset.as_fd(), fd.as_fd(), access).at(Step::Landlock, &name)
}
