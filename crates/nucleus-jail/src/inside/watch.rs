//! Looking at the jail's own processes through its `/proc`: memory in use, and whether all are stopped.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, RawDir, SeekFrom};

use crate::error::Step;
use crate::failure::{At, Done};

/// Between looks while the tree holds less than a quarter of its limit, and otherwise.
const CALM: Duration = Duration::from_millis(100);
const CLOSE: Duration = Duration::from_millis(10);

/// A view of the process list.
pub(crate) struct Watch {
    proc: OwnedFd,
    page_bytes: u64,
}

impl Watch {
    pub(crate) fn open() -> Done<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let proc =
            rustix::fs::openat(CWD, c"/proc", flags, Mode::empty()).at(Step::Proc, "/proc")?;
        Ok(Self {
            proc,
            page_bytes: crate::sys::process::page_bytes(),
        })
    }

    /// Whether the tree holds more than `limit`, else how long to wait before the next look.
    pub(crate) fn look(&self, limit: u64) -> Result<(), Duration> {
        let mut resident = 0u64;
        self.each(|dir, pid| resident = resident.saturating_add(self.resident_bytes(dir, pid)));
        if resident > limit && self.owned_bytes() > limit {
            return Ok(());
        }
        Err(if resident > limit / 4 { CLOSE } else { CALM })
    }

    /// Whether no process but the first can take another step: stopped, ended, or asleep in the kernel with the stop pending.
    ///
    /// FAIL-CLOSED: a list or a process that cannot be read counts as running.
    pub(crate) fn all_stopped(&self) -> bool {
        let mut running = false;
        let is_read = self.each(|dir, pid| {
            let state = read_small(dir, pid, "stat", |text| {
                let after = text.iter().rposition(|&byte| byte == b')').unwrap_or(0);
                text.get(after + 2).copied()
            });
            // A parent in vfork sleeps (D) until its stopped child runs on.
            running |=
                pid != b"1" && !matches!(state.flatten(), Some(b'T' | b't' | b'Z' | b'X' | b'D'));
        });
        is_read && !running
    }

    /// Resident memory that is not a file's: exact, and slower to read.
    fn owned_bytes(&self) -> u64 {
        let mut total = 0u64;
        self.each(|dir, pid| {
            let sum = read_small(dir, pid, "status", |text| {
                let lines = text
                    .split(|&byte| byte == b'\n')
                    .filter(|line| line.starts_with(b"RssAnon:") || line.starts_with(b"RssShmem:"));
                lines.map(number_in).sum::<u64>() * 1024
            });
            total = total.saturating_add(sum.unwrap_or(0));
        });
        total
    }

    fn resident_bytes(&self, dir: BorrowedFd<'_>, pid: &[u8]) -> u64 {
        let pages = read_small(dir, pid, "statm", |text| {
            text.split(|&byte| byte == b' ').nth(1).map_or(0, number_in)
        });
        pages.unwrap_or(0).saturating_mul(self.page_bytes)
    }

    /// Calls `visit` for each process directory. Nothing here allocates: the first process is under its filter.
    /// False when the list could not be read to its end.
    fn each(&self, mut visit: impl FnMut(BorrowedFd<'_>, &[u8])) -> bool {
        let dir = self.proc.as_fd();
        if rustix::fs::seek(dir, SeekFrom::Start(0)).is_err() {
            return false;
        }
        let mut buffer = [MaybeUninit::<u8>::uninit(); 8192];
        let mut entries = RawDir::new(dir, &mut buffer);
        while let Some(entry) = entries.next() {
            let Ok(entry) = entry else { return false };
            let name = entry.file_name().to_bytes();
            if name.first().is_some_and(u8::is_ascii_digit) {
                visit(dir, name);
            }
        }
        true
    }
}

fn number_in(text: &[u8]) -> u64 {
    text.iter()
        .filter(|byte| byte.is_ascii_digit())
        .fold(0, |n: u64, byte| {
            n.saturating_mul(10).saturating_add(u64::from(byte - b'0'))
        })
}

/// Reads the start of `/proc/PID/NAME`; a process that has just ended is `None`.
fn read_small<T>(
    dir: BorrowedFd<'_>,
    pid: &[u8],
    name: &str,
    take: impl FnOnce(&[u8]) -> T,
) -> Option<T> {
    let mut path = [0u8; 64];
    let len = pid.len() + 1 + name.len();
    path.get_mut(..pid.len())?.copy_from_slice(pid);
    *path.get_mut(pid.len())? = b'/';
    path.get_mut(pid.len() + 1..len)?
        .copy_from_slice(name.as_bytes());
    let path = std::ffi::CStr::from_bytes_with_nul(path.get(..=len)?).ok()?;
    let file =
        rustix::fs::openat(dir, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0u8; 4096];
    let len = rustix::io::read(&file, &mut text).ok()?;
    Some(take(text.get(..len)?))
}
