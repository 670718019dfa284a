//! The helper process: clean, single-threaded, one jail at a time, gone with its caller.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::RecvFlags;

use crate::channel::{self, Message};
use crate::error::Step;
use crate::failure::{At, Done, Failure};
use crate::host::cgroup::Cgroup;
use crate::host::clone::{Mapping, NAMESPACES, write_maps};
use crate::host::session::SessionPlace;
use crate::inside::bare;
use crate::inside::init::{self, Filters, report_failure};
use crate::plan::Request;
use crate::spec::Form;
use crate::sys::process::{
    Cloned, adopt, clone_into, close_from, exit_now, null_stdio, place, reap, signal,
};
use crate::sys::{fs::take_stdin, landlock};
use crate::talk::{MAPPED, Started, Tag};
use crate::trees::{IdMaps, open_all};
use crate::wire::Writer;

/// Serves one [`crate::Launcher`]; never returns. Call it before any thread or runtime starts: it copies this process for each jail.
///
/// Descriptor 0 must be the launcher's socket. The process ends when the launcher's end of it closes.
pub fn helper_main() -> ! {
    let code = match Helper::start().and_then(|mut helper| helper.serve()) {
        Ok(()) => 0,
        Err(_) => 125,
    };
    exit_now(code)
}

struct Helper {
    socket: OwnedFd,
    mapping: Mapping,
    cgroup: Result<Cgroup, String>,
    maps: IdMaps,
    filters: Filters,
    /// A first process that waits for its plan; made while nobody is waiting.
    next: Option<FirstProcess>,
    mounts: std::fs::File,
}

/// A cloned first process and this helper's end of its pair.
struct FirstProcess {
    pid: i32,
    pidfd: OwnedFd,
    start: OwnedFd,
    /// Without a namespace it must end its tree itself, so it is not killed but left to see its caller's end.
    is_bare: bool,
}

/// The caller's first message: the group of its session.
fn hear_session(socket: BorrowedFd<'_>) -> Done<Option<SessionPlace>> {
    let message =
        channel::receive(socket, RecvFlags::empty()).at(Step::Request, "receive session")?;
    message
        .and_then(|message| SessionPlace::decode(&message.bytes))
        .ok_or_else(|| Failure::invalid(Step::Request, "session"))
}

impl Helper {
    fn start() -> Done<Self> {
        let socket = take_stdin().at(Step::Request, "socket")?;
        null_stdio().at(Step::Request, "/dev/null")?;
        place(socket.as_fd(), 3).at(Step::Request, "socket")?;
        std::mem::forget(socket); // its number is 3 or closed by the next call
        close_from(4).at(Step::Request, "close_range")?;
        let socket = adopt(3);
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)
            .at(Step::Request, "socket")?;
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        rustix::process::chdir(c"/").at(Step::Request, "/")?;
        let session = hear_session(socket.as_fd())?;
        let helper = Self {
            socket,
            mapping: Mapping::of_this_process(),
            cgroup: Cgroup::enter(session.as_ref()),
            maps: IdMaps::default(),
            filters: Filters::build(),
            next: None,
            mounts: std::fs::File::open("/proc/self/mountinfo").at(Step::Request, "mountinfo")?,
        };
        helper.greet()?;
        Ok(helper)
    }

    fn greet(&self) -> Done<()> {
        let mut out = Writer::default();
        out.u8(Tag::Hello as u8);
        out.u64(landlock::abi().unwrap_or(0).into());
        out.u8(u8::from(self.cgroup.is_ok()));
        let text: &str = match &self.cgroup {
            Ok(cgroup) => cgroup.name(),
            Err(why) => why,
        };
        out.bytes(text.as_bytes());
        channel::send(self.socket.as_fd(), &out.0, &[]).at(Step::Request, "hello")
    }

    fn serve(&mut self) -> Done<()> {
        loop {
            self.prepare_next();
            self.wait_for_request();
            let message = channel::receive(self.socket.as_fd(), RecvFlags::empty())
                .at(Step::Request, "receive")?;
            let Some(message) = message else { break };
            self.run_one(message);
        }
        self.discard_next();
        if let Ok(cgroup) = &self.cgroup {
            cgroup.leave();
        }
        Ok(())
    }

    /// Clones the next first process ahead of its request. A failure shows when the request comes.
    fn prepare_next(&mut self) {
        if self.next.is_none() {
            self.next = self.clone_first().ok();
        }
    }

    /// Waits for the caller; a mount or unmount on the host meanwhile makes the waiting process stale.
    fn wait_for_request(&mut self) {
        loop {
            let mut fds = [
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::new(&self.mounts, PollFlags::PRI),
            ];
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let [request, mounts] = fds.map(|fd| !fd.revents().is_empty());
            if mounts {
                self.discard_next();
            }
            if request {
                return;
            }
            self.prepare_next();
        }
    }

    fn discard_next(&mut self) {
        if let Some(next) = self.next.take() {
            let _dead = signal(next.pid, libc::SIGKILL);
            let _reaped = reap(next.pid);
        }
    }

    fn run_one(&mut self, message: Message) {
        let mut fds = message.fds.into_iter();
        let (Some(control), Some(plan)) = (fds.next(), fds.next()) else {
            return;
        };
        let rest: Vec<OwnedFd> = fds.collect();
        match self.start_one(&message.bytes, control.as_fd(), plan, rest) {
            Ok(first) => {
                drop(control);
                self.attend(first);
            }
            Err(failure) => report_failure(control.as_fd(), &failure),
        }
    }

    fn start_one(
        &mut self,
        bytes: &[u8],
        control: BorrowedFd<'_>,
        plan: OwnedFd,
        streams: Vec<OwnedFd>,
    ) -> Done<FirstProcess> {
        let request =
            Request::decode(bytes).ok_or_else(|| Failure::invalid(Step::Request, "bytes"))?;
        if let Ok(cgroup) = &mut self.cgroup {
            cgroup.limit(request.processes, request.memory_bytes)?;
        }
        let has_trees = self.mapping == Mapping::Range && request.form == Form::Namespaces;
        let trees = if has_trees {
            open_all(&request.trees, Some(&mut self.maps))?
        } else {
            Vec::new()
        };
        let first = match (request.form, self.next.take()) {
            (Form::Namespaces, Some(next)) => next,
            (Form::Namespaces, None) => self.clone_first()?,
            (Form::WithoutNamespaces, next) => {
                self.next = next;
                self.clone_bare()?
            }
        };
        let count =
            u8::try_from(streams.len()).map_err(|_| Failure::invalid(Step::Request, "streams"))?;
        let started = Started {
            has_trees,
            watches_memory: self.cgroup.is_err(),
            streams: count,
        };
        let fds: Vec<BorrowedFd<'_>> = [control, plan.as_fd()]
            .into_iter()
            .chain(streams.iter().chain(&trees).map(AsFd::as_fd))
            .collect();
        let mut out = Writer::default();
        out.u8(Tag::Cloned as u8);
        out.u64(u64::from(first.pid.unsigned_abs()));
        let handed = channel::send(control, &out.0, &[first.pidfd.as_fd()])
            .and_then(|()| channel::send(first.start.as_fd(), &started.encode(bytes), &fds));
        if let Err(error) = handed {
            let _dead = signal(first.pid, libc::SIGKILL);
            let _reaped = reap(first.pid);
            return Err(error).at(Step::Clone, "hand over");
        }
        Ok(first)
    }

    /// Clones a first process into its namespaces and writes its maps.
    fn clone_first(&self) -> Done<FirstProcess> {
        let (start, theirs) = channel::pair().at(Step::Clone, "socketpair")?;
        match clone_into(NAMESPACES).at(Step::Clone, "namespaces")? {
            Cloned::Child => init::run(&theirs, self.mapping, &self.filters),
            Cloned::Parent { pid, pidfd } => {
                let first = FirstProcess {
                    pid,
                    pidfd,
                    start,
                    is_bare: false,
                };
                let ready = write_maps(pid, self.mapping).and_then(|()| {
                    channel::send(first.start.as_fd(), &[MAPPED], &[]).at(Step::Clone, "start")
                });
                if let Err(failure) = ready {
                    let _dead = signal(pid, libc::SIGKILL);
                    let _reaped = reap(pid);
                    return Err(failure);
                }
                Ok(first)
            }
        }
    }

    /// Clones a supervising process that stays in this process's namespaces.
    fn clone_bare(&self) -> Done<FirstProcess> {
        let mapping = Mapping::of(Form::WithoutNamespaces)
            .ok_or_else(|| Failure::invalid(Step::Become, "an unprivileged id"))?;
        let (start, theirs) = channel::pair().at(Step::Clone, "socketpair")?;
        match clone_into(0).at(Step::Clone, "process")? {
            Cloned::Child => bare::run(&theirs, mapping, &self.filters),
            Cloned::Parent { pid, pidfd } => Ok(FirstProcess {
                pid,
                pidfd,
                start,
                is_bare: true,
            }),
        }
    }

    /// Waits until the jail is dead; kills it when the caller is gone.
    fn attend(&self, first: FirstProcess) {
        drop(first.start);
        loop {
            let mut fds = [
                PollFd::new(&first.pidfd, PollFlags::IN),
                PollFd::new(&self.socket, PollFlags::empty()),
            ];
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let [dead, caller_gone] = fds.map(|fd| !fd.revents().is_empty());
            if caller_gone && !first.is_bare {
                let _dead = signal(first.pid, libc::SIGKILL);
            }
            if dead || caller_gone {
                let _reaped = reap(first.pid);
                return;
            }
        }
    }
}
