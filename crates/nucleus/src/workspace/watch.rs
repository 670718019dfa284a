//! Stops running commands when a blocked name appears or moves on the host where their mask does not hide it.
//!
//! Every directory of the index is watched (inotify), from before it is read. **Between the host's change and the stop a command
//! may read the file: the watch shortens this moment and cannot remove it.** Where the kernel grants no more watches, the index
//! is read again every [`POLL`] while a command runs.

use std::collections::{BTreeSet, HashMap};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

use super::tree::{joined, shown};
use super::{StopReason, WorkspaceError};

/// How often the index is read again where directories cannot be watched.
pub(crate) const POLL: Duration = Duration::from_millis(250);

/// The watched directories.
#[derive(Debug)]
pub(crate) struct Watch {
    inotify: OwnedFd,
    wake: OwnedFd,
    is_over: AtomicBool,
    is_partial: AtomicBool,
    /// Only in tests: no watch is granted.
    is_blind: bool,
    paths: Mutex<HashMap<i32, Vec<u8>>>,
}

/// One running command: what its mask hides and how to stop it.
pub(crate) struct Guard {
    hidden: BTreeSet<Vec<u8>>,
    state: Mutex<GuardState>,
}

#[derive(Default)]
struct GuardState {
    stopped: Option<StopReason>,
    stop: Option<Box<dyn FnOnce(StopReason) + Send>>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("hidden", &self.hidden.len())
            .field("stopped", &self.stopped())
            .finish()
    }
}

impl Guard {
    /// A guard for a command whose mask hides these paths.
    pub(crate) fn new(hidden: BTreeSet<Vec<u8>>) -> Self {
        Self {
            hidden,
            state: Mutex::default(),
        }
    }

    /// Why the command was stopped, if it was.
    pub(crate) fn stopped(&self) -> Option<StopReason> {
        self.lock().stopped.clone()
    }

    /// Sets what stops the command; called at once if it should be stopped already.
    pub(crate) fn on_stop(&self, stop: Box<dyn FnOnce(StopReason) + Send>) {
        let mut state = self.lock();
        match state.stopped.clone() {
            Some(reason) => {
                drop(state);
                stop(reason);
            }
            None => state.stop = Some(stop),
        }
    }

    fn stop(&self, reason: StopReason) {
        let mut state = self.lock();
        if state.stopped.is_some() {
            return;
        }
        state.stopped = Some(reason.clone());
        let stop = state.stop.take();
        drop(state);
        if let Some(stop) = stop {
            stop(reason);
        }
    }

    /// Stops the command if one of these paths is not hidden from it.
    fn check(&self, blocked: &BTreeSet<Vec<u8>>) {
        if let Some(path) = blocked.iter().find(|path| !self.hides(path)) {
            self.stop(StopReason::BlockedNameAppeared(shown(path)));
        }
    }

    fn hides(&self, path: &[u8]) -> bool {
        let above = path
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'/')
            .map(|(at, _)| &path[..at]);
        above.chain([path]).any(|part| self.hidden.contains(part))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, GuardState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the watching thread asks of the workspace.
pub(crate) trait Watched: Send + Sync + 'static {
    /// The watch.
    fn watch(&self) -> &Watch;
    /// Commands that run.
    fn running(&self) -> Vec<Arc<Guard>>;
    /// Whether a path is blocked.
    fn is_blocked(&self, path: &[u8]) -> bool;
    /// The blocked paths there are now.
    fn blocked_now(&self) -> Result<BTreeSet<Vec<u8>>, WorkspaceError>;
}

impl Watch {
    /// A watch on nothing.
    pub(crate) fn new() -> Result<Self, WorkspaceError> {
        let io = |errno: Errno| WorkspaceError::io("watch", "the workspace")(errno);
        Ok(Self {
            inotify: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(io)?,
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(io)?,
            is_over: AtomicBool::new(false),
            is_partial: AtomicBool::new(false),
            is_blind: false,
            paths: Mutex::default(),
        })
    }

    /// A watch to which the kernel grants nothing.
    #[cfg(test)]
    pub(crate) fn blind() -> Result<Self, WorkspaceError> {
        Ok(Self {
            is_blind: true,
            ..Self::new()?
        })
    }

    /// Watches a directory for names that appear.
    pub(crate) fn add(&self, dir: BorrowedFd<'_>, path: &[u8]) {
        let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        let at = format!("/proc/self/fd/{}", dir.as_raw_fd());
        match inotify::add_watch(&self.inotify, at, flags) {
            Ok(id) if !self.is_blind => {
                self.lock().insert(id, path.to_vec());
            }
            Ok(id) => {
                let _ = inotify::remove_watch(&self.inotify, id);
                self.is_partial.store(true, Ordering::SeqCst);
            }
            Err(_) => self.is_partial.store(true, Ordering::SeqCst),
        }
    }

    /// Whether some directory could not be watched.
    pub(crate) fn is_partial(&self) -> bool {
        self.is_partial.load(Ordering::SeqCst)
    }

    /// Ends the watching thread.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Lets the watching thread look again, for a command that begins.
    pub(crate) fn wake(&self) {
        // A full counter wakes as well.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i32, Vec<u8>>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches until [`Watch::end`] or until the workspace is gone.
pub(crate) fn spawn<W: Watched>(watched: &Arc<W>) -> Result<JoinHandle<()>, WorkspaceError> {
    let weak = Arc::downgrade(watched);
    std::thread::Builder::new()
        .name("workspace-watch".into())
        .spawn(move || while turn(&weak) {})
        .map_err(WorkspaceError::io("watch", "the workspace"))
}

/// One wait and what follows; `false` at the end.
fn turn<W: Watched>(weak: &Weak<W>) -> bool {
    let Some(watched) = weak.upgrade() else {
        return false;
    };
    let watch = watched.watch();
    let is_polling = watch.is_partial() && !watched.running().is_empty();
    let limit = is_polling.then_some(POLL);
    if wait(watch, limit).is_err() || watch.is_over.load(Ordering::SeqCst) {
        return false;
    }
    let has_news = drain(&*watched);
    let running = watched.running();
    if running.is_empty() || !(has_news || is_polling) {
        return true;
    }
    match watched.blocked_now() {
        Ok(blocked) => running.iter().for_each(|guard| guard.check(&blocked)),
        // FAIL-CLOSED: what is there cannot be told.
        Err(error) => running
            .iter()
            .for_each(|guard| guard.stop(StopReason::WatchFailed(error.to_string()))),
    }
    true
}

fn wait(watch: &Watch, limit: Option<Duration>) -> rustix::io::Result<()> {
    let timeout = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    });
    let mut fds = [
        PollFd::new(&watch.inotify, PollFlags::IN),
        PollFd::new(&watch.wake, PollFlags::IN),
    ];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(errno) => return Err(errno),
    }
    let mut counter = [0; 8];
    let _ = rustix::io::read(watch.wake.as_fd(), &mut counter);
    Ok(())
}

/// Reads all events; whether one may have brought a blocked name.
fn drain<W: Watched>(watched: &W) -> bool {
    let watch = watched.watch();
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    let mut reader = inotify::Reader::new(&watch.inotify, &mut buffer);
    let mut has_news = false;
    while let Ok(event) = reader.next() {
        let flags = event.events();
        if flags.contains(ReadFlags::IGNORED) {
            watch.lock().remove(&event.wd());
            continue;
        }
        // A lost event, or a directory that may hold anything.
        if flags.contains(ReadFlags::QUEUE_OVERFLOW) || flags.contains(ReadFlags::ISDIR) {
            has_news = true;
            continue;
        }
        let dir = watch.lock().get(&event.wd()).cloned();
        has_news |= match (dir, event.file_name()) {
            (Some(dir), Some(name)) => watched.is_blocked(&joined(&dir, name.to_bytes())),
            _ => true,
        };
    }
    has_news
}

#[cfg(test)]
mod tests {
    use super::Guard;
    use crate::workspace::StopReason;
    use std::sync::mpsc;

    #[test]
    fn a_command_is_stopped_for_a_name_its_mask_does_not_hide_and_for_no_other() {
        let guard = Guard::new([b"certs".to_vec(), b".env".to_vec()].into());
        let (sender, stops) = mpsc::channel();
        guard.on_stop(Box::new(move |reason| sender.send(reason).unwrap()));
        guard.check(&[b"certs/a.pem".to_vec(), b".env".to_vec()].into());
        assert_eq!(guard.stopped(), None);
        guard.check(&[b".env.new".to_vec()].into());
        assert_eq!(
            stops.try_recv(),
            Ok(StopReason::BlockedNameAppeared(".env.new".into()))
        );
        let (sender, late) = mpsc::channel();
        guard.on_stop(Box::new(move |reason| sender.send(reason).unwrap()));
        assert!(
            late.try_recv().is_ok(),
            "a stop that came first is not lost"
        );
    }
}
