//! The three Landlock calls, for exactly the rights the running kernel knows.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

#[repr(C)]
struct NetPort {
    allowed_access: u64,
    port: u64,
}

/// The ABI version, or the error that says why there is none.
pub(crate) fn abi() -> io::Result<u32> {
    const VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the kernel reads no struct.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttr>(),
            0,
            VERSION,
        )
    })
    .map(|abi| abi as u32)
}

/// A ruleset that handles these rights; what no rule allows is denied.
pub(crate) fn create(abi: u32, fs: u64, net: u64, scoped: u64) -> io::Result<OwnedFd> {
    let attr = RulesetAttr {
        handled_access_fs: fs,
        handled_access_net: net,
        scoped,
    };
    let size = match abi {
        0..=3 => 8,
        4..=5 => 16,
        _ => size_of::<RulesetAttr>(),
    };
    // SAFETY: `attr` is live and at least `size` long; the result is a new descriptor.
    unsafe {
        let fd = check(libc::syscall(
            libc::SYS_landlock_create_ruleset,
            &raw const attr,
            size,
            0,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Allows `access` on the hierarchy of `parent` (an `O_PATH` descriptor).
pub(crate) fn allow_path(
    ruleset: BorrowedFd<'_>,
    parent: BorrowedFd<'_>,
    access: u64,
) -> io::Result<()> {
    let rule = PathBeneath {
        allowed_access: access,
        parent_fd: parent.as_raw_fd(),
    };
    const PATH_BENEATH: libc::c_int = 1;
    // SAFETY: `rule` is a live packed struct of the rule type given.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            PATH_BENEATH,
            &raw const rule,
            0,
        )
    })
    .map(drop)
}

/// Allows `access` on a TCP port.
pub(crate) fn allow_port(ruleset: BorrowedFd<'_>, port: u16, access: u64) -> io::Result<()> {
    let rule = NetPort {
        allowed_access: access,
        port: port.into(),
    };
    const NET_PORT: libc::c_int = 2;
    // SAFETY: `rule` is a live struct of the rule type given.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            NET_PORT,
            &raw const rule,
            0,
        )
    })
    .map(drop)
}

/// Puts this process under the ruleset, for good.
pub(crate) fn restrict_self(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes plain numbers.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) })
        .map(drop)
}
