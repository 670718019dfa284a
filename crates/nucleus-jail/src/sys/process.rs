//! Processes: cloning with namespaces, capabilities, descriptors, exec.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Which side of a clone this is.
pub(crate) enum Cloned {
    Parent { pid: i32, pidfd: OwnedFd },
    Child,
}

/// Copies this process into new namespaces (`CLONE_NEW*` in `flags`).
///
/// The caller must be single-threaded: the copy has this thread only, and any lock held by another stays locked.
pub(crate) fn clone_into(flags: libc::c_int) -> io::Result<Cloned> {
    let mut pidfd: libc::c_int = -1;
    let mut args = CloneArgs {
        flags: (flags as u64 & 0xffff_ffff) | libc::CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArgs::default()
    };
    // SAFETY: without CLONE_VM the child has a copy of all memory, as after fork; `args` is a live `struct clone_args`.
    let pid =
        check(unsafe { libc::syscall(libc::SYS_clone3, &raw mut args, size_of::<CloneArgs>()) })?;
    if pid == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: CLONE_PIDFD stored a new descriptor that nothing else owns.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Cloned::Parent {
        pid: pid as i32,
        pidfd,
    })
}

/// Blocks until this child has ended and returns its raw wait status.
pub(crate) fn reap(pid: i32) -> io::Result<i32> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a live integer.
        let done = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        if done == pid {
            return Ok(status);
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINTR) {
            return Err(error);
        }
    }
}

/// Takes one ended child, if any: its number and raw wait status.
pub(crate) fn reap_any() -> Option<(i32, i32)> {
    let mut status = 0;
    // SAFETY: `status` is a live integer.
    let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
    (pid > 0).then_some((pid, status))
}

/// Ends the process at once: no destructor, no exit handler.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(code) }
}

/// Sends `signal` to every process this one may signal except itself; as PID 1 of a namespace: to all of it, forks in flight included.
pub(crate) fn signal_all(signal: i32) -> io::Result<()> {
    // SAFETY: kill has no memory precondition.
    match check(unsafe { libc::kill(-1, signal) }.into()) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
        _ => Ok(()),
    }
}

/// Sends `signal` to one process.
pub(crate) fn signal(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill has no memory precondition.
    check(unsafe { libc::kill(pid, signal) }.into()).map(drop)
}

/// Closes every descriptor from `first` on.
pub(crate) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: the callers own no descriptor at or above `first` that they use afterwards.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) }).map(drop)
}

/// Marks every descriptor from `first` on to be closed by exec.
pub(crate) fn close_from_on_exec(first: u32) -> io::Result<()> {
    // SAFETY: CLOSE_RANGE_CLOEXEC only sets a flag.
    check(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    })
    .map(drop)
}

/// Makes `fd` available as descriptor `number`, which stays open over exec.
pub(crate) fn place(fd: BorrowedFd<'_>, number: i32) -> io::Result<()> {
    if fd.as_raw_fd() == number {
        // SAFETY: sets the flags of an open descriptor.
        return check(unsafe { libc::fcntl(number, libc::F_SETFD, 0) }.into()).map(drop);
    }
    // SAFETY: dup2 replaces `number`, which the callers reserve for this.
    check(unsafe { libc::dup2(fd.as_raw_fd(), number) }.into()).map(drop)
}

/// A second handle for a descriptor number the caller has just placed.
pub(crate) fn adopt(number: i32) -> OwnedFd {
    // SAFETY: called once for a number that was placed by this process and that no other value owns.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Opens every descriptor that must exist in any program (0 to 2) on `/dev/null`.
pub(crate) fn null_stdio() -> io::Result<()> {
    // SAFETY: opens a path that is a C string.
    let fd =
        check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }.into())?
            as i32;
    for number in 0..3 {
        if number != fd {
            // SAFETY: descriptors 0 to 2 are reserved for this.
            check(unsafe { libc::dup2(fd, number) }.into())?;
        }
    }
    if fd > 2 {
        // SAFETY: `fd` was opened above and is not used again.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}
const CAP_V3: u32 = 0x2008_0522;

/// The effective, permitted and inheritable sets of this process, as two words each.
pub(crate) fn capabilities() -> io::Result<[u32; 6]> {
    let mut header = CapHeader {
        version: CAP_V3,
        pid: 0,
    };
    let mut sets = [0u32; 6];
    // SAFETY: version 3 reads and writes two structs of three words.
    check(unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) })?;
    Ok(sets)
}

/// Replaces the effective, permitted and inheritable sets.
pub(crate) fn set_capabilities(sets: [u32; 6]) -> io::Result<()> {
    let mut header = CapHeader {
        version: CAP_V3,
        pid: 0,
    };
    // SAFETY: as in `capabilities`.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw mut header, sets.as_ptr()) }).map(drop)
}

/// Empties every capability set, the bounding set included.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    drop_bounding_set()?;
    drop_held_capabilities()
}

/// Empties the bounding set; needs CAP_SETPCAP.
pub(crate) fn drop_bounding_set() -> io::Result<()> {
    for capability in 0..64 {
        // SAFETY: this prctl takes plain numbers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability as libc::c_ulong, 0, 0, 0) } < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() == Some(libc::EINVAL) && capability > 0 {
                break; // past the last capability this kernel knows
            }
            return Err(error);
        }
    }
    Ok(())
}

/// Empties every set but the bounding one.
pub(crate) fn drop_held_capabilities() -> io::Result<()> {
    let all = libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong;
    // SAFETY: this prctl takes plain numbers.
    let cleared = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, all, 0, 0, 0) };
    check(cleared.into())?;
    set_capabilities([0; 6])
}

/// Runs `prctl` with one plain argument.
pub(crate) fn prctl(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    // SAFETY: every option the crate passes takes plain numbers.
    check(unsafe { libc::prctl(option, argument, 0, 0, 0) }.into()).map(drop)
}

/// Becomes this user and group for good, keeping the capabilities held now, and leaves all supplementary groups.
pub(crate) fn become_ids(uid: u32, gid: u32) -> io::Result<()> {
    let held = capabilities()?;
    prctl(libc::PR_SET_KEEPCAPS, 1)?;
    // SAFETY: these calls take plain numbers; an empty list needs no pointer.
    unsafe {
        check(libc::setresgid(gid, gid, gid).into())?;
        check(libc::setgroups(0, std::ptr::null()).into())?;
        check(libc::setresuid(uid, uid, uid).into())?;
    }
    prctl(libc::PR_SET_KEEPCAPS, 0)?;
    set_capabilities(held)
}

/// Becomes this user and group for good, without supplementary groups and capabilities.
pub(crate) fn become_plain(uid: u32, gid: u32) -> io::Result<()> {
    // SAFETY: as in `become_ids`.
    unsafe {
        check(libc::setgroups(0, std::ptr::null()).into())?;
        check(libc::setresgid(gid, gid, gid).into())?;
        check(libc::setresuid(uid, uid, uid).into())?;
    }
    Ok(())
}

/// Sets soft and hard limit of a resource.
pub(crate) fn set_limit(resource: libc::__rlimit_resource_t, value: u64) -> io::Result<()> {
    let limit = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: `limit` is a live struct.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }.into()).map(drop)
}

/// Blocks SIGCHLD and returns a descriptor that becomes readable when a child ends.
pub(crate) fn child_events() -> io::Result<OwnedFd> {
    // SAFETY: the set is initialised by sigemptyset before use; signalfd returns a new descriptor.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        check(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()).into())?;
        let fd = check(
            libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK).into(),
        )?;
        Ok(OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Gives every signal its default action and unblocks all.
pub(crate) fn reset_signals() {
    // SAFETY: SIG_DFL installs no handler; the set is initialised before use. Failures for unchangeable signals are expected.
    unsafe {
        for signal in [
            libc::SIGPIPE,
            libc::SIGCHLD,
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGHUP,
            libc::SIGQUIT,
        ] {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
    }
}

/// Executes `program`; returns only when that failed.
pub(crate) fn exec(program: &CString, argv: &[CString], env: &[CString]) -> io::Error {
    let pointers = |list: &[CString]| {
        list.iter()
            .map(|s| s.as_ptr())
            .chain([std::ptr::null()])
            .collect::<Vec<_>>()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: both arrays end with a null pointer and their strings outlive the call.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    io::Error::last_os_error()
}

/// Bytes of a memory page.
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: sysconf takes a plain number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Brings up the loopback interface of this network namespace.
pub(crate) fn loopback_up() -> io::Result<()> {
    // SAFETY: socket returns a new descriptor.
    let socket = unsafe {
        OwnedFd::from_raw_fd(check(
            libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0).into(),
        )? as i32)
    };
    // SAFETY: `ifreq` is plain data for which zero is valid; the ioctl reads it.
    unsafe {
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
        check(
            libc::ioctl(
                socket.as_raw_fd(),
                libc::SIOCSIFFLAGS as _,
                &raw const request,
            )
            .into(),
        )
        .map(drop)
    }
}
