//! The raw kernel calls that no safe crate offers. All `unsafe` of the crate is in this folder.

pub(crate) mod bpf;
pub(crate) mod fs;
pub(crate) mod landlock;
pub(crate) mod memory;
pub(crate) mod process;
pub(crate) mod terminal;

use std::io;

/// The kernel's answer as a result.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
