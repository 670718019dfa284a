//! The form without namespaces: Landlock and seccomp around a command in the host's own namespaces.
//!
//! **Weaker than a jail.** Processes are found by descent from this one, so a kill of this very process leaves them; names of
//! the host's processes stay visible. There is no network at all: Landlock limits TCP by port and not by host.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;

use super::command::{Command, Streams};
use super::init::{Filters, Given, exit_of, own_only, report_failure, send_exit, spawn};
use crate::Exit;
use crate::channel;
use crate::error::Step;
use crate::failure::{At, Done, Failure};
use crate::host::clone::Mapping;
use crate::plan::{Plan, PlanView};
use crate::spec::Access;
use crate::sys::process::{
    become_plain, child_events, drop_bounding_set, drop_held_capabilities, exit_now, page_bytes,
    prctl, reap_any, signal,
};
use crate::talk::{FREEZE, THAW, Tag};
use crate::trees::{BASE, INSIDE};

/// Between looks at the tree's memory.
const LOOK: Duration = Duration::from_millis(50);
/// Passes over the process list until it holds no new descendant.
const PASSES: usize = 1000;
const READABLE: [&str; 3] = ["/proc", "/dev/urandom", "/dev/random"];
const WRITABLE: [&str; 3] = ["/dev/null", "/dev/zero", "/dev/full"];

/// Runs the supervising process of the form without namespaces.
pub(crate) fn run(start: &OwnedFd, mapping: Mapping, filters: &Filters) -> ! {
    let Ok(start) = own_only(start) else {
        exit_now(125)
    };
    // Not killed with its parent: then the tree would stay. It ends with the life line, and ends the tree first.
    if prctl(libc::PR_SET_PDEATHSIG, 0).is_err() {
        exit_now(125);
    }
    let Ok(Some(message)) = channel::receive(start.as_fd(), RecvFlags::empty()) else {
        exit_now(125)
    };
    drop(start);
    let Some(mut given) = Given::of(message) else {
        exit_now(125)
    };
    match start_command(&mut given, mapping, filters) {
        Ok(supervisor) => supervisor.watch_over(given.control()),
        Err(failure) => report_failure(given.control(), &failure),
    }
    exit_now(125)
}

fn start_command(given: &mut Given, mapping: Mapping, filters: &Filters) -> Done<Supervisor> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1).at(Step::Become, "subreaper")?;
    let bytes = given.read_plan()?;
    let plan = Plan::decode(&bytes).ok_or_else(|| Failure::invalid(Step::Request, "plan"))?;
    if rustix::process::geteuid().is_root() {
        drop_bounding_set().at(Step::Capabilities, "bounding set")?;
    }
    if mapping == Mapping::Range {
        become_plain(BASE + INSIDE, BASE + INSIDE).at(Step::Become, "unprivileged ids")?;
    }
    prctl(libc::PR_SET_DUMPABLE, 0).at(Step::Become, "not dumpable")?;
    let events = child_events().at(Step::Fork, "signalfd")?;
    let streams = given.fd_streams();
    let (readable, writable) = paths(&plan);
    let command = Command {
        plan: &plan,
        streams: streams.map_or(Streams::Null, Streams::Fds),
        readable,
        writable,
        ports: Some(&[]),
        filter: &filters.bare,
        bounds_data: given.watches_memory(),
        other_processes: processes_of_user(),
    };
    let pid = spawn(&command)?;
    drop(command);
    drop_held_capabilities().at(Step::Capabilities, "supervisor")?;
    given.announce(&super::init::Announced {
        listeners: &[],
        redirected: None,
        master: None,
        changes: None,
    })?;
    let memory_limit = given.watches_memory().then_some(plan.memory_bytes);
    Ok(Supervisor {
        pid,
        events,
        memory_limit,
    })
}

/// Views keep their own path here; the spec was checked for that.
fn paths(plan: &Plan<'_>) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut readable: Vec<PathBuf> = READABLE.iter().map(PathBuf::from).collect();
    let mut writable: Vec<PathBuf> = WRITABLE.iter().map(PathBuf::from).collect();
    for view in &plan.views {
        if let PlanView::Tree { inside, access, .. } = view {
            let list = if *access == Access::ReadWrite {
                &mut writable
            } else {
                &mut readable
            };
            list.push(inside.to_path_buf());
        }
    }
    (readable, writable)
}

struct Supervisor {
    pid: i32,
    events: OwnedFd,
    memory_limit: Option<u64>,
}

impl Supervisor {
    fn watch_over(&self, control: BorrowedFd<'_>) -> ! {
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(control, PollFlags::IN),
                PollFd::new(&self.events, PollFlags::IN),
            ];
            let timeout = self
                .memory_limit
                .and_then(|_| Timespec::try_from(LOOK).ok());
            if poll(&mut fds, timeout.as_ref()).is_err() {
                continue;
            }
            let [spoken, ended] = fds.map(|fd| !fd.revents().is_empty());
            if spoken {
                obey(control);
            }
            if ended {
                self.reap(control);
            }
            if self.memory_limit.is_some_and(|limit| memory() > limit) {
                finish(control, Exit::MemoryLimit);
            }
        }
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

/// Ends the tree, then reports and ends.
fn finish(control: BorrowedFd<'_>, exit: Exit) -> ! {
    end_tree();
    send_exit(control, exit);
    exit_now(0)
}

fn obey(control: BorrowedFd<'_>) {
    let tag = match channel::receive(control, RecvFlags::empty()) {
        Ok(Some(message)) if message.bytes == [FREEZE] => {
            signal_tree(libc::SIGSTOP);
            Tag::Frozen
        }
        Ok(Some(message)) if message.bytes == [THAW] => {
            signal_tree(libc::SIGCONT);
            Tag::Thawed
        }
        _ => {
            end_tree();
            exit_now(137)
        }
    };
    if channel::send(control, &[tag as u8], &[]).is_err() {
        end_tree();
        exit_now(137);
    }
}

/// Signals every descendant, again until a pass finds no new one.
fn signal_tree(number: i32) {
    let mut done = BTreeSet::new();
    for _ in 0..PASSES {
        let fresh: Vec<i32> = descendants()
            .into_iter()
            .filter(|pid| !done.contains(pid))
            .collect();
        if fresh.is_empty() {
            return;
        }
        for pid in fresh {
            let _ended = signal(pid, number);
            done.insert(pid);
        }
    }
}

/// Stops all so that nobody forks away, kills all, and waits until none is left: orphans come back to this process.
fn end_tree() {
    signal_tree(libc::SIGSTOP);
    for _ in 0..PASSES {
        let left = descendants();
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ended = signal(pid, libc::SIGKILL);
        }
        while reap_any().is_some() {}
        let _pause = poll(
            &mut [],
            Timespec::try_from(Duration::from_millis(1)).ok().as_ref(),
        );
    }
}

/// Every process of the host: its parent.
fn parents() -> BTreeMap<i32, i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return BTreeMap::new();
    };
    let parent = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

/// Processes below this one, zombies included.
fn descendants() -> Vec<i32> {
    let parents = parents();
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let descends = |mut pid: i32| {
        for _ in 0..parents.len() {
            match parents.get(&pid) {
                Some(&parent) if parent == own => return true,
                Some(&parent) => pid = parent,
                None => return false,
            }
        }
        false
    };
    parents
        .keys()
        .copied()
        .filter(|&pid| descends(pid))
        .collect()
}

fn memory() -> u64 {
    let resident = |pid: i32| {
        let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut pages = text.split(' ').map(|word| word.parse::<u64>().unwrap_or(0));
        let (_size, resident, shared) = (pages.next()?, pages.next()?, pages.next()?);
        Some(resident.saturating_sub(shared) * page_bytes())
    };
    descendants().into_iter().filter_map(resident).sum()
}

/// Processes of this user now: without a user namespace its limit counts them too.
fn processes_of_user() -> u64 {
    use std::os::unix::fs::MetadataExt;
    let own = rustix::process::getuid().as_raw();
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0;
    };
    let is_own = |entry: &std::fs::DirEntry| entry.metadata().is_ok_and(|meta| meta.uid() == own);
    let threads = |entry: std::fs::DirEntry| {
        std::fs::read_dir(entry.path().join("task")).map_or(0, |tasks| tasks.count() as u64)
    };
    entries.flatten().filter(is_own).map(threads).sum()
}
