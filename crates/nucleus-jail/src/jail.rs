//! A running jail, seen from the host.
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::{Enforced, Error};

/// How the command ended. The whole tree is dead when this is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The command's own exit code.
    Code(u8),
    /// The command died of this signal.
    Signal(u8),
    /// The jail was killed from outside.
    Killed,
    /// The jail was killed because its processes held more memory than allowed.
    MemoryLimit,
}

/// One jail. `Send` and `Sync`: one thread may wait while another kills. Dropping it kills the whole tree.
#[derive(Debug)]
pub struct Jail {
    enforced: Enforced,
}

impl Jail {
    /// Which layers hold.
    pub fn enforced(&self) -> &Enforced {
        &self.enforced
    }
    /// Host process number of the jail's first process.
    pub fn pid(&self) -> u32 {
        0
    }
    /// The listening sockets of [`crate::JailSpec::ports`], blocking, backlog 4096; once, in that order.
    pub fn take_listeners(&mut self) -> Vec<(u16, TcpListener)> {
        Vec::new()
    }
    /// The other end of [`crate::Stdio::Terminal`], once.
    pub fn take_terminal(&mut self) -> Option<OwnedFd> {
        None
    }
    /// The directory of changes, readable also after the jail is dead. Read it only then.
    pub fn upper(&self) -> Option<BorrowedFd<'_>> {
        None
    }
    /// Blocks until every process of the jail is dead.
    pub fn wait(&self) -> Result<Exit, Error> {
        Err(Error::HelperGone)
    }
    /// As [`Self::wait`], `None` when the time is over first.
    pub fn wait_timeout(&self, _limit: Duration) -> Result<Option<Exit>, Error> {
        Err(Error::HelperGone)
    }
    /// Kills every process of the jail; [`Self::wait`] says when they are gone.
    pub fn kill(&self) -> Result<(), Error> {
        Err(Error::HelperGone)
    }
    /// Stops every process of the jail; returns when done.
    pub fn freeze(&self) -> Result<(), Error> {
        Err(Error::HelperGone)
    }
    /// Lets them run again.
    pub fn thaw(&self) -> Result<(), Error> {
        Err(Error::HelperGone)
    }
}
