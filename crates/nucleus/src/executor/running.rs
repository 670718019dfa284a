//! A running command: killed at its limit, with its session, or by whoever asked for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nucleus_jail::{Exit, Jail};

use super::command::OutputCaps;
use super::output::{CommandExit, Stream};
use super::pump::{Chunk, Said};
use crate::error::Error;
use crate::monitor::LifeHook;

/// How often a running command is looked after when it says nothing.
const TICK: Duration = Duration::from_millis(25);

/// Stops one command from another thread. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Not stopped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Kills the command's whole tree soon.
    pub fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it was stopped.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// A jail that the session can stop.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) jail: Jail,
    killed_as: Mutex<Option<CommandExit>>,
}

impl Running {
    pub(crate) fn new(jail: Jail) -> Arc<Self> {
        Arc::new(Self {
            jail,
            killed_as: Mutex::new(None),
        })
    }

    /// Kills the tree; the first reason counts.
    pub(crate) fn kill_as(&self, exit: CommandExit) {
        self.killed_as
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(exit);
        // A jail that is gone already needs no killing; waiting tells.
        let _ = self.jail.kill();
    }

    fn exit(&self, exit: Exit) -> CommandExit {
        let killed_as = *self
            .killed_as
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match (exit, killed_as) {
            (Exit::MemoryLimit, _) => CommandExit::MemoryLimit,
            (_, Some(reason)) => reason,
            (Exit::Code(code), None) => CommandExit::Code(code),
            (Exit::Signal(signal), None) => CommandExit::Signal(signal),
            (Exit::Killed, None) => CommandExit::SessionStopped,
        }
    }
}

impl LifeHook for Running {
    fn lock_down(&self) {
        // FAIL-CLOSED: a jail that cannot be frozen is killed.
        if self.jail.freeze().is_err() {
            self.kill_as(CommandExit::SessionStopped);
        }
    }

    fn lift(&self) {
        if self.jail.thaw().is_err() {
            self.kill_as(CommandExit::SessionStopped);
        }
    }

    fn end(&self) {
        self.kill_as(CommandExit::SessionStopped);
    }
}

/// The bounds of one command while it runs.
pub(super) struct Watch<'a> {
    pub(super) until: Instant,
    pub(super) caps: OutputCaps,
    pub(super) stop: &'a Stop,
}

impl Watch<'_> {
    /// Takes the output until the whole tree is dead.
    pub(super) fn over(
        &self,
        running: &Running,
        chunks: &Receiver<Chunk>,
        on_output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(CommandExit, Said), Error> {
        let mut said = Said::default();
        loop {
            match chunks.recv_timeout(TICK) {
                Ok((stream, chunk)) => {
                    let kept = said.take(&self.caps, stream, &chunk);
                    if !kept.is_empty() {
                        on_output(stream, kept);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok((self.wait(running)?, said));
                }
            }
            self.look_after(running, said.total_bytes);
        }
    }

    /// Waits for a tree whose streams have ended.
    fn wait(&self, running: &Running) -> Result<CommandExit, Error> {
        loop {
            if let Some(exit) = running.jail.wait_timeout(TICK)? {
                return Ok(running.exit(exit));
            }
            self.look_after(running, 0);
        }
    }

    fn look_after(&self, running: &Running, said_bytes: u64) {
        if self.stop.is_stopped() {
            running.kill_as(CommandExit::Stopped);
        } else if Instant::now() >= self.until {
            running.kill_as(CommandExit::TimedOut);
        } else if said_bytes > self.caps.kill_bytes {
            running.kill_as(CommandExit::OutputLimit);
        }
    }
}
