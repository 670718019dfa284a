//! The jail's first process: builds the jail, starts the command, reaps, and ends with its life line.

use std::net::TcpListener;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;

use super::command::{Command, Streams};
use super::redirect::{Redirected, redirect};
use super::root::FromHost;
use super::watch::Watch;
use super::{overlay, root};
use crate::channel::{self, Message};
use crate::error::Step;
use crate::failure::{At, Done, Failure};
use crate::filter::Filter;
use crate::host::clone::Mapping;
use crate::plan::{Plan, PlanStdio, Request};
use crate::spec::Reach;
use crate::sys::process::{
    adopt, become_ids, child_events, close_from, drop_capabilities, exit_now, loopback_up, place,
    prctl, reap_any, signal_all,
};
use crate::sys::terminal;
use crate::talk::{FREEZE, MAPPED, Started, THAW, Tag};
use crate::trees::{INSIDE, open_all};
use crate::wire::Writer;
use crate::{Exit, UnixSockets};

/// Pending connections of each listener: a fast client fills the usual 128 and then waits for a second.
const BACKLOG: i32 = 4096;
/// Between looks whether a freeze is complete, and how many.
const FREEZE_STEP: Duration = Duration::from_millis(1);
const FREEZE_LOOKS: u32 = 2000;

/// The filters of a session, built before the first clone.
pub(crate) struct Filters {
    pub(crate) first: Filter,
    pub(crate) plain: Filter,
    pub(crate) with_unix: Filter,
    pub(crate) bare: Filter,
}

impl Filters {
    pub(crate) fn build() -> Self {
        Self {
            first: Filter::first_process(),
            plain: Filter::command(UnixSockets::Refused),
            with_unix: Filter::command(UnixSockets::Private),
            bare: Filter::bare(),
        }
    }
}

/// Runs the first process of a jail. `start` is its end of the pair to the helper.
pub(crate) fn run(start: &OwnedFd, mapping: Mapping, filters: &Filters) -> ! {
    let start = match own_only(start) {
        Ok(start) => start,
        Err(_) => exit_now(125),
    };
    let ready = prepare(start.as_fd(), mapping);
    let Ok(Some(message)) = channel::receive(start.as_fd(), RecvFlags::empty()) else {
        exit_now(125)
    };
    drop(start);
    let Some(mut given) = Given::of(message) else {
        exit_now(125)
    };
    let outcome = ready.and_then(|()| given.start_jail(filters));
    let failure = match outcome {
        Ok(jail) => jail.watch_over(given.control.as_fd(), filters),
        Err(failure) => failure,
    };
    report_failure(given.control.as_fd(), &failure);
    exit_now(125)
}

/// Tells the caller which step failed. If the caller is gone nobody needs to know.
pub(crate) fn report_failure(control: BorrowedFd<'_>, failure: &Failure) {
    let mut out = Writer::default();
    out.u8(Tag::Failed as u8);
    failure.encode(&mut out);
    let _gone = channel::send(control, &out.0, &[]);
}

/// Keeps the pair's end and `/dev/null`, nothing else of the helper's.
pub(crate) fn own_only(start: &OwnedFd) -> std::io::Result<OwnedFd> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong)?;
    place(start.as_fd(), 3)?;
    close_from(4)?;
    let start = adopt(3);
    rustix::io::fcntl_setfd(&start, rustix::io::FdFlags::CLOEXEC)?;
    Ok(start)
}

/// What needs no plan: ids, secrecy of this process, loopback.
fn prepare(start: BorrowedFd<'_>, mapping: Mapping) -> Done<()> {
    match channel::receive(start, RecvFlags::empty()) {
        Ok(Some(message)) if message.bytes == [MAPPED] => {}
        _ => exit_now(125), // the helper is gone or could not write the maps; it reports that itself
    }
    if mapping == Mapping::Range {
        become_ids(INSIDE, INSIDE).at(Step::Become, "unprivileged ids")?;
    }
    // After the maps: before, the map files would belong to root.
    prctl(libc::PR_SET_DUMPABLE, 0).at(Step::Become, "not dumpable")?;
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong)
        .at(Step::Become, "death signal")?; // cleared by the change of ids
    loopback_up().at(Step::Loopback, "lo")
}

/// What the helper passes on.
pub(crate) struct Given {
    control: OwnedFd,
    plan: OwnedFd,
    streams: Vec<OwnedFd>,
    trees: Vec<OwnedFd>,
    has_trees: bool,
    watches_memory: bool,
    request: Request,
}

impl Given {
    pub(crate) fn of(message: Message) -> Option<Self> {
        let (started, request) = Started::decode(&message.bytes)?;
        let mut fds = message.fds.into_iter();
        let (control, plan) = (fds.next()?, fds.next()?);
        let streams = fds.by_ref().take(started.streams.into()).collect();
        Some(Self {
            control,
            plan,
            streams,
            trees: fds.collect(),
            has_trees: started.has_trees,
            watches_memory: started.watches_memory,
            request: Request::decode(request)?,
        })
    }

    /// The life line.
    pub(crate) fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// Whether no cgroup bounds the tree's memory.
    pub(crate) fn watches_memory(&self) -> bool {
        self.watches_memory
    }

    pub(crate) fn read_plan(&self) -> Done<Vec<u8>> {
        read_all(&self.plan)
    }

    /// The three standard streams, where they were given.
    pub(crate) fn fd_streams(&mut self) -> Option<[OwnedFd; 3]> {
        std::mem::take(&mut self.streams).try_into().ok()
    }

    fn start_jail(&mut self, filters: &Filters) -> Done<Running> {
        let bytes = read_all(&self.plan)?;
        let plan = Plan::decode(&bytes).ok_or_else(|| Failure::invalid(Step::Request, "plan"))?;
        rustix::system::sethostname(plan.hostname)
            .at(Step::Hostname, String::from_utf8_lossy(plan.hostname))?;
        let listeners = plan
            .ports
            .iter()
            .map(|&port| listen(port))
            .collect::<Done<Vec<_>>>()?;
        let redirected = match plan.reach {
            Reach::Redirected => Some(redirect()),
            Reach::Nothing => None,
        };
        let host = FromHost::take()?;
        let trees = if self.has_trees {
            std::mem::take(&mut self.trees)
        } else {
            open_all(&self.request.trees, None)?
        };
        root::enter_empty_root(&plan)?;
        let mut writable = root::build(&plan, &host, &trees)?;
        let changes = match &plan.workspace {
            Some(workspace) => {
                if workspace.upper != crate::plan::PlanUpper::None {
                    writable.push(workspace.inside.to_owned());
                }
                overlay::mount(workspace, &trees)?
            }
            None => None,
        };
        drop((trees, host));
        root::seal()?;
        let (streams, master) = self.streams_of(&plan)?;
        let running = self.start_command(&plan, filters, streams, writable)?;
        let announced = Announced {
            listeners: &listeners,
            redirected,
            master: master.as_ref(),
            changes: changes.as_ref(),
        };
        self.announce(&announced)?;
        Ok(running)
    }

    fn streams_of(&mut self, plan: &Plan<'_>) -> Done<(Streams, Option<OwnedFd>)> {
        match plan.stdio {
            PlanStdio::Null => Ok((Streams::Null, None)),
            PlanStdio::Fds => {
                let three = std::mem::take(&mut self.streams)
                    .try_into()
                    .map_err(|_| Failure::invalid(Step::Stdio, "three descriptors"))?;
                Ok((Streams::Fds(three), None))
            }
            PlanStdio::Terminal { rows, cols } => {
                let (master, slave) =
                    terminal::open_pair(rows, cols).at(Step::Terminal, "/dev/pts")?;
                Ok((Streams::Terminal(slave), Some(master)))
            }
        }
    }

    /// Forks the command and waits until it runs its program.
    fn start_command(
        &self,
        plan: &Plan<'_>,
        filters: &Filters,
        streams: Streams,
        writable: Vec<PathBuf>,
    ) -> Done<Running> {
        let events = child_events().at(Step::Fork, "signalfd")?;
        let watch = Watch::open()?;
        let filter = if plan.unix == UnixSockets::Private {
            &filters.with_unix
        } else {
            &filters.plain
        };
        let readable = vec![PathBuf::from("/")];
        let command = Command {
            plan,
            streams,
            readable,
            writable,
            ports: None,
            filter,
            bounds_data: self.watches_memory,
            other_processes: 1,
        };
        let pid = spawn(&command)?;
        drop(command);
        drop_capabilities().at(Step::Capabilities, "first process")?;
        let memory_limit = self.watches_memory.then_some(plan.memory_bytes);
        Ok(Running {
            pid,
            events,
            watch,
            memory_limit,
        })
    }

    /// Tells the caller that the program runs, and hands over what it needs.
    pub(crate) fn announce(&self, announced: &Announced<'_>) -> Done<()> {
        let mut out = Writer::default();
        out.u8(Tag::Running as u8);
        out.u64(announced.listeners.len() as u64);
        for listener in announced.listeners {
            let address = listener.local_addr().at(Step::Listen, "address")?;
            out.u64(address.port().into());
        }
        let (connections, names) = announced.encode_redirected(&mut out);
        out.u8(u8::from(announced.master.is_some()));
        out.u8(u8::from(announced.changes.is_some()));
        let fds: Vec<BorrowedFd<'_>> = announced
            .listeners
            .iter()
            .map(AsFd::as_fd)
            .chain(connections.iter().chain(names).map(AsFd::as_fd))
            .chain(announced.master.map(AsFd::as_fd))
            .chain(announced.changes.map(AsFd::as_fd))
            .collect();
        channel::send(self.control.as_fd(), &out.0, &fds).at(Step::Request, "answer")
    }
}

/// What the caller gets once the program runs.
pub(crate) struct Announced<'a> {
    pub(crate) listeners: &'a [TcpListener],
    /// None where it was not asked for; else the sockets, or why there are none.
    pub(crate) redirected: Option<std::io::Result<Redirected>>,
    pub(crate) master: Option<&'a OwnedFd>,
    pub(crate) changes: Option<&'a OwnedFd>,
}

impl Announced<'_> {
    /// Writes how many redirected sockets follow, or why there are none.
    fn encode_redirected(&self, out: &mut Writer) -> (&[OwnedFd], &[OwnedFd]) {
        match &self.redirected {
            None => out.u8(0),
            Some(Err(error)) => {
                out.u8(1);
                out.bytes(error.to_string().as_bytes());
            }
            Some(Ok(redirected)) => {
                out.u8(2);
                out.u64(redirected.connections.len() as u64);
                out.u64(redirected.names.len() as u64);
                return (&redirected.connections, &redirected.names);
            }
        }
        (&[], &[])
    }
}

/// Forks `command`; returns once its program is executed, or with the step that failed.
pub(crate) fn spawn(command: &Command<'_>) -> Done<i32> {
    use crate::sys::process::{Cloned, clone_into};
    let (result, report) =
        rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).at(Step::Fork, "pipe")?;
    match clone_into(0).at(Step::Fork, "clone")? {
        Cloned::Child => {
            let failure = command.run();
            let mut out = Writer::default();
            failure.encode(&mut out);
            let _gone = rustix::io::write(&report, &out.0);
            exit_now(125)
        }
        Cloned::Parent { pid, .. } => {
            drop(report);
            let mut bytes = [0u8; 4096];
            let len = loop {
                match rustix::io::read(&result, &mut bytes) {
                    Err(rustix::io::Errno::INTR) => {}
                    other => break other.at(Step::Fork, "report")?,
                }
            };
            if len == 0 {
                return Ok(pid); // closed by exec
            }
            let mut input = crate::wire::Reader(&bytes[..len]);
            Err(Failure::decode(&mut input)
                .unwrap_or_else(|| Failure::invalid(Step::Fork, "report")))
        }
    }
}

fn read_all(plan: &OwnedFd) -> Done<Vec<u8>> {
    let file = std::fs::File::from(plan.try_clone().at(Step::Request, "plan")?);
    let len = file.metadata().at(Step::Request, "plan")?.len();
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0)
        .at(Step::Request, "plan")?;
    Ok(bytes)
}

pub(crate) fn listen(port: u16) -> Done<TcpListener> {
    let listener = TcpListener::bind(("127.0.0.1", port)).at(Step::Listen, port.to_string())?;
    rustix::net::listen(&listener, BACKLOG).at(Step::Listen, port.to_string())?;
    Ok(listener)
}

/// The first process once the command runs.
struct Running {
    pid: i32,
    events: OwnedFd,
    watch: Watch,
    memory_limit: Option<u64>,
}

impl Running {
    /// Waits for the command, the caller and the memory watch. Ends this process, and so the jail; returns only on failure.
    fn watch_over(&self, control: BorrowedFd<'_>, filters: &Filters) -> Failure {
        if let Err(error) = prctl(libc::PR_SET_NO_NEW_PRIVS, 1).and_then(|()| filters.first.load())
        {
            return Failure {
                step: Step::Seccomp,
                detail: "first process".to_owned(),
                errno: error.raw_os_error().unwrap_or(libc::EIO),
            };
        }
        loop {
            let pause = self.look_at_memory(control);
            let mut fds = [
                PollFd::from_borrowed_fd(control, PollFlags::IN),
                PollFd::new(&self.events, PollFlags::IN),
            ];
            let timeout = pause.and_then(|pause| Timespec::try_from(pause).ok());
            if poll(&mut fds, timeout.as_ref()).is_err() {
                continue; // interrupted
            }
            let [control_is_ready, child_ended] = fds.map(|fd| !fd.revents().is_empty());
            if control_is_ready {
                self.obey(control);
            }
            if child_ended {
                self.reap(control);
            }
        }
    }

    fn look_at_memory(&self, control: BorrowedFd<'_>) -> Option<Duration> {
        match self.watch.look(self.memory_limit?) {
            Ok(()) => finish(control, Exit::MemoryLimit),
            Err(pause) => Some(pause),
        }
    }

    /// Does what the caller says; its death ends the jail.
    fn obey(&self, control: BorrowedFd<'_>) {
        let answer = match channel::receive(control, RecvFlags::empty()) {
            Ok(Some(message)) if message.bytes == [FREEZE] => self.freeze(),
            Ok(Some(message)) if message.bytes == [THAW] => {
                signal_all(libc::SIGCONT).map(|()| Tag::Thawed)
            }
            _ => exit_now(137),
        };
        let Ok(tag) = answer else { exit_now(137) }; // FAIL-CLOSED: what cannot be stopped is ended
        if channel::send(control, &[tag as u8], &[]).is_err() {
            exit_now(137);
        }
    }

    fn freeze(&self) -> std::io::Result<Tag> {
        signal_all(libc::SIGSTOP)?;
        for _ in 0..FREEZE_LOOKS {
            if self.watch.all_stopped() {
                return Ok(Tag::Frozen);
            }
            let _pause = poll(&mut [], Timespec::try_from(FREEZE_STEP).ok().as_ref());
        }
        Err(std::io::Error::from_raw_os_error(libc::ETIMEDOUT))
    }

    fn reap(&self, control: BorrowedFd<'_>) {
        let mut info = [0u8; 128];
        let _drained = rustix::io::read(&self.events, &mut info);
        while let Some((pid, status)) = reap_any() {
            if pid == self.pid {
                finish(control, exit_of(status));
            }
        }
    }
}

/// The command's end as the caller sees it.
pub(crate) fn exit_of(status: i32) -> Exit {
    if libc::WIFEXITED(status) {
        Exit::Code(libc::WEXITSTATUS(status).to_le_bytes()[0])
    } else {
        Exit::Signal(libc::WTERMSIG(status).to_le_bytes()[0])
    }
}

/// Reports the end and ends this process: the kernel kills whatever is left in the namespace.
pub(crate) fn finish(control: BorrowedFd<'_>, exit: Exit) -> ! {
    send_exit(control, exit);
    exit_now(0)
}

/// Tells the caller how the command ended.
pub(crate) fn send_exit(control: BorrowedFd<'_>, exit: Exit) {
    let (kind, value) = match exit {
        Exit::Code(code) => (0, code),
        Exit::Signal(signal) => (1, signal),
        Exit::Killed => (2, 0),
        Exit::MemoryLimit => (3, 0),
    };
    let _gone = channel::send(control, &[Tag::Exit as u8, kind, value], &[]);
}
