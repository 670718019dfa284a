//! A terminal of the jail's own.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// Opens a new terminal of this mount namespace's `/dev/pts`: the host's end and the command's end.
pub(crate) fn open_pair(rows: u16, cols: u16) -> io::Result<(OwnedFd, OwnedFd)> {
    // SAFETY: opens a path that is a C string; the result is owned at once.
    let master = unsafe {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        OwnedFd::from_raw_fd(check(libc::open(c"/dev/pts/ptmx".as_ptr(), flags).into())? as i32)
    };
    let size = libc::winsize {
        ws_row: rows,
        ws_col: cols,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let unlock: libc::c_int = 0;
    // SAFETY: each ioctl reads the live value of the type it expects; TIOCGPTPEER returns a new descriptor.
    let slave = unsafe {
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlock).into())?;
        check(libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size).into())?;
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
        OwnedFd::from_raw_fd(check(
            libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER, flags).into(),
        )? as i32)
    };
    Ok((master, slave))
}

/// Makes `terminal` the controlling terminal of this session.
pub(crate) fn make_controlling(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes a plain number.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) }.into()).map(drop)
}
