//! `mount_setattr(2)` and directory walking by descriptor.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;

use super::check;

pub(crate) const ATTR_RDONLY: u64 = 0x1;
pub(crate) const ATTR_NOSUID: u64 = 0x2;
pub(crate) const ATTR_NODEV: u64 = 0x4;
const ATTR_IDMAP: u64 = 0x10_0000;
const AT_EMPTY_PATH: libc::c_uint = 0x1000;
const AT_RECURSIVE: libc::c_uint = 0x8000;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Whether mounts below are meant too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    This,
    Below,
}

/// Sets attributes of the mount that `mount` opens; with `idmap` its owners are translated by that user namespace (5.12).
pub(crate) fn set_mount_attr(
    mount: BorrowedFd<'_>,
    set: u64,
    idmap: Option<BorrowedFd<'_>>,
    reach: Reach,
) -> io::Result<()> {
    let userns_fd = match idmap {
        Some(fd) => {
            u64::try_from(fd.as_raw_fd()).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?
        }
        None => 0,
    };
    let set = if idmap.is_some() {
        set | ATTR_IDMAP
    } else {
        set
    };
    let attr = MountAttr {
        set,
        clear: 0,
        propagation: 0,
        userns_fd,
    };
    let flags = if reach == Reach::Below {
        AT_EMPTY_PATH | AT_RECURSIVE
    } else {
        AT_EMPTY_PATH
    };
    // SAFETY: `attr` is a live `struct mount_attr` of the size given, the path a C string.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    Ok(())
}

/// The type bits of a directory entry, as `readdir` tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EntryType {
    Dir,
    Other,
    Unknown,
}

/// An open directory stream.
pub(crate) struct DirStream(NonNull<libc::DIR>);

impl DirStream {
    /// Reads the directory from its start; `dir` itself keeps its own position.
    pub(crate) fn open(dir: BorrowedFd<'_>) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Self::from_fd(rustix::fs::openat(dir, c".", flags, Mode::empty())?)
    }

    /// Takes over a freshly opened directory.
    pub(crate) fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: `fd` is an open descriptor; on success the stream owns it, so it is forgotten below.
        let stream = NonNull::new(unsafe { libc::fdopendir(fd.as_raw_fd()) })
            .ok_or_else(io::Error::last_os_error)?;
        std::mem::forget(fd);
        Ok(Self(stream))
    }

    /// The next entry other than `.` and `..`.
    pub(crate) fn next(&mut self) -> io::Result<Option<(&CStr, EntryType)>> {
        loop {
            // SAFETY: errno is thread-local; the stream is open until drop.
            let entry = unsafe {
                *libc::__errno_location() = 0;
                libc::readdir64(self.0.as_ptr())
            };
            if entry.is_null() {
                let error = io::Error::last_os_error();
                return if error.raw_os_error() == Some(0) {
                    Ok(None)
                } else {
                    Err(error)
                };
            }
            // SAFETY: readdir64 returned a valid entry whose name ends with NUL; it lives until the next call, which needs `&mut self`.
            let (name, kind) =
                unsafe { (CStr::from_ptr((*entry).d_name.as_ptr()), (*entry).d_type) };
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let kind = match kind {
                libc::DT_DIR => EntryType::Dir,
                libc::DT_UNKNOWN => EntryType::Unknown,
                _ => EntryType::Other,
            };
            return Ok(Some((name, kind)));
        }
    }
}

impl AsFd for DirStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the stream's descriptor is open for as long as the stream.
        unsafe { BorrowedFd::borrow_raw(libc::dirfd(self.0.as_ptr())) }
    }
}

impl Drop for DirStream {
    fn drop(&mut self) {
        // SAFETY: opened by fdopendir and closed once, here.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

/// Takes ownership of descriptor 0, which the launcher gave this process as its socket.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    // SAFETY: F_DUPFD_CLOEXEC makes a new descriptor (3 or above) that only this value owns.
    let fd = check(unsafe { libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3) }.into())?;
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// A C string, or EINVAL where it holds a NUL.
pub(crate) fn c_string(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}
