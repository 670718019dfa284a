//! Loading a seccomp program.

use std::io;

use super::check;

/// One instruction, as the kernel lays it out.
pub(crate) type Insn = libc::sock_filter;

/// Puts this process under `program`, for good. Needs no-new-privileges or CAP_SYS_ADMIN.
pub(crate) fn load(program: &[Insn]) -> io::Result<()> {
    let len =
        u16::try_from(program.len()).map_err(|_| io::Error::from_raw_os_error(libc::E2BIG))?;
    let filter = libc::sock_fprog {
        len,
        filter: program.as_ptr().cast_mut(),
    };
    const SET_MODE_FILTER: libc::c_uint = 1;
    // SAFETY: the kernel copies `len` instructions and writes nothing.
    check(unsafe { libc::syscall(libc::SYS_seccomp, SET_MODE_FILTER, 0, &raw const filter) })
        .map(drop)
}
