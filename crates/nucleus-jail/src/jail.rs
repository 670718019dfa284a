//! A running jail, seen from the host.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{Signal, pidfd_send_signal};

use crate::channel;
use crate::error::Error;
use crate::failure::Failure;
use crate::launcher::{Lease, failed};
use crate::report::Enforced;
use crate::spec::Form;
use crate::talk::{FREEZE, THAW, Tag, decode_exit};
use crate::wire::Reader;

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
    pid: u32,
    pidfd: OwnedFd,
    control: Mutex<Control>,
    listeners: Vec<(u16, TcpListener)>,
    redirected: Option<Result<Redirected, String>>,
    terminal: Option<OwnedFd>,
    changes: Option<OwnedFd>,
    enforced: Enforced,
    is_bare: bool,
    _lease: Lease,
}

/// The life line and what came over it.
#[derive(Debug)]
struct Control {
    socket: OwnedFd,
    exit: Option<Exit>,
}

/// The sockets that a jail's connections and name look-ups come to, whatever address they are for.
#[derive(Debug, Default)]
pub struct Redirected {
    /// Listening, blocking, backlog 4096. The address meant is `SO_ORIGINAL_DST` of an accepted socket.
    pub connections: Vec<TcpListener>,
    /// For DNS queries, blocking.
    pub names: Vec<UdpSocket>,
}

impl Redirected {
    /// Outer `None`: bytes that do not fit. Inner `None`: not asked for.
    fn decode(
        input: &mut Reader<'_>,
        fds: &mut impl Iterator<Item = OwnedFd>,
    ) -> Option<Option<Result<Self, String>>> {
        match input.u8()? {
            0 => Some(None),
            1 => {
                let why = String::from_utf8_lossy(input.bytes()?).into_owned();
                Some(Some(Err(why)))
            }
            2 => {
                let (connections, names) = (input.u64()?, input.u64()?);
                let mut next = |_| fds.next();
                Some(Some(Ok(Self {
                    connections: (0..connections)
                        .map(|n| next(n).map(TcpListener::from))
                        .collect::<Option<_>>()?,
                    names: (0..names)
                        .map(|n| next(n).map(UdpSocket::from))
                        .collect::<Option<_>>()?,
                })))
            }
            _ => None,
        }
    }
}

/// What a jail hands to the host at its start.
#[derive(Debug)]
pub(crate) struct Handed {
    pid: u32,
    pidfd: OwnedFd,
    listeners: Vec<(u16, TcpListener)>,
    redirected: Option<Result<Redirected, String>>,
    terminal: Option<OwnedFd>,
    changes: Option<OwnedFd>,
}

impl Handed {
    /// Reads the life line until the program runs.
    pub(crate) fn receive(control: &OwnedFd) -> Result<Self, Error> {
        let mut first = None;
        loop {
            let message = channel::receive(control.as_fd(), RecvFlags::empty())
                .map_err(Error::errno("waiting for the jail"))?;
            let message = message.ok_or(Error::HelperGone)?;
            let mut fds = message.fds.into_iter();
            match Tag::split(&message.bytes) {
                Some((Tag::Cloned, rest)) => {
                    let pid = Reader(rest).u32().ok_or(Error::HelperGone)?;
                    first = Some((pid, fds.next().ok_or(Error::HelperGone)?));
                }
                Some((Tag::Running, rest)) => {
                    let (pid, pidfd) = first.ok_or(Error::HelperGone)?;
                    return Self::of(pid, pidfd, rest, fds).ok_or(Error::HelperGone);
                }
                Some((Tag::Failed, rest)) => {
                    return Err(
                        Failure::decode(&mut Reader(rest)).map_or(Error::HelperGone, failed)
                    );
                }
                _ => return Err(Error::HelperGone),
            }
        }
    }

    fn of(
        pid: u32,
        pidfd: OwnedFd,
        rest: &[u8],
        mut fds: impl Iterator<Item = OwnedFd>,
    ) -> Option<Self> {
        let mut input = Reader(rest);
        let ports = input.list(|input| u16::try_from(input.u64()?).ok())?;
        let listeners = ports
            .into_iter()
            .map(|port| Some((port, TcpListener::from(fds.next()?))))
            .collect::<Option<_>>()?;
        let redirected = Redirected::decode(&mut input, &mut fds)?;
        let terminal = if input.u8()? == 1 {
            Some(fds.next()?)
        } else {
            None
        };
        let changes = if input.u8()? == 1 {
            Some(fds.next()?)
        } else {
            None
        };
        Some(Self {
            pid,
            pidfd,
            listeners,
            redirected,
            terminal,
            changes,
        })
    }
}

impl Jail {
    pub(crate) fn new(
        control: OwnedFd,
        handed: Handed,
        enforced: Enforced,
        changes: Option<OwnedFd>,
        lease: Lease,
        form: Form,
    ) -> Self {
        Self {
            pid: handed.pid,
            pidfd: handed.pidfd,
            control: Mutex::new(Control {
                socket: control,
                exit: None,
            }),
            listeners: handed.listeners,
            redirected: handed.redirected,
            terminal: handed.terminal,
            changes: changes.or(handed.changes),
            enforced,
            is_bare: form == Form::WithoutNamespaces,
            _lease: lease,
        }
    }

    /// Which layers hold.
    pub fn enforced(&self) -> &Enforced {
        &self.enforced
    }

    /// Host process number of the jail's first process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The listening sockets of [`crate::JailSpec::ports`], blocking, backlog 4096; once, in that order, port 0 replaced by the port taken.
    pub fn take_listeners(&mut self) -> Vec<(u16, TcpListener)> {
        std::mem::take(&mut self.listeners)
    }

    /// The sockets of [`crate::Reach::Redirected`], once.
    ///
    /// # Errors
    /// What the kernel lacks, in words; the jail's programs then reach nothing but its loopback.
    pub fn take_redirected(&mut self) -> Result<Redirected, String> {
        self.redirected.take().unwrap_or(Ok(Redirected::default()))
    }

    /// The other end of [`crate::Stdio::Terminal`], once.
    pub fn take_terminal(&mut self) -> Option<OwnedFd> {
        self.terminal.take()
    }

    /// The directory of changes, readable also after the jail is dead. Read it only then.
    pub fn upper(&self) -> Option<BorrowedFd<'_>> {
        self.changes.as_ref().map(AsFd::as_fd)
    }

    /// Blocks until every process of the jail is dead.
    pub fn wait(&self) -> Result<Exit, Error> {
        self.wait_until(None)?.ok_or(Error::HelperGone)
    }

    /// As [`Self::wait`], `None` when the time is over first.
    pub fn wait_timeout(&self, limit: Duration) -> Result<Option<Exit>, Error> {
        self.wait_until(Instant::now().checked_add(limit))
    }

    fn wait_until(&self, end: Option<Instant>) -> Result<Option<Exit>, Error> {
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(
                &mut [PollFd::new(&self.pidfd, PollFlags::IN)],
                timeout.as_ref(),
            ) {
                Err(Errno::INTR) => {}
                Err(error) => return Err(Error::errno("waiting for the jail")(error)),
                Ok(0) if left.is_some_and(|left| left.is_zero()) => return Ok(None),
                Ok(0) => {}
                Ok(_) => return Ok(Some(self.exit())),
            }
        }
    }

    /// The end of a jail that is dead.
    fn exit(&self) -> Exit {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        while control.exit.is_none() {
            let Ok(Some(message)) = channel::receive(control.socket.as_fd(), RecvFlags::DONTWAIT)
            else {
                control.exit = Some(Exit::Killed);
                break;
            };
            if let Some((Tag::Exit, rest)) = Tag::split(&message.bytes) {
                control.exit = decode_exit(rest);
            }
        }
        control.exit.unwrap_or(Exit::Killed)
    }

    /// Kills every process of the jail; [`Self::wait`] says when they are gone.
    pub fn kill(&self) -> Result<(), Error> {
        if self.is_bare {
            let control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
            let _ended_already =
                rustix::net::shutdown(&control.socket, rustix::net::Shutdown::Both);
            return Ok(()); // the supervising process ends its tree, then itself
        }
        match pidfd_send_signal(&self.pidfd, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(Error::errno("killing the jail")(error)),
        }
    }

    /// Stops every process of the jail; returns when done. What cannot be stopped is killed.
    pub fn freeze(&self) -> Result<(), Error> {
        self.ask(FREEZE, Tag::Frozen)
    }

    /// Lets them run again.
    pub fn thaw(&self) -> Result<(), Error> {
        self.ask(THAW, Tag::Thawed)
    }

    /// A jail that has ended meanwhile needs neither.
    fn ask(&self, word: u8, answer: Tag) -> Result<(), Error> {
        let mut control = self.control.lock().unwrap_or_else(PoisonError::into_inner);
        if channel::send(control.socket.as_fd(), &[word], &[]).is_err() {
            return Ok(());
        }
        loop {
            let message = channel::receive(control.socket.as_fd(), RecvFlags::empty())
                .map_err(Error::errno("waiting for the jail"))?;
            let Some(message) = message else {
                return Ok(());
            };
            match Tag::split(&message.bytes) {
                Some((tag, _)) if tag == answer => return Ok(()),
                Some((Tag::Exit, rest)) => control.exit = decode_exit(rest),
                _ => {}
            }
        }
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        let _dead_already = self.kill();
    }
}
