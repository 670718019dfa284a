//! Signs checkpoints in the background, by number of records and by time.

use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::{LogOptions, Shared};
use crate::checkpoint::Occasion;
use crate::log::tail::Tail;

/// Starts the thread; it stops when the log closes or can take no more records.
pub(super) fn spawn(shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
    // Signing needs little stack, and a host has a log for each session.
    let small = 256 << 10;
    Builder::new()
        .name("audit-flusher".to_owned())
        .stack_size(small)
        .spawn(move || run(&shared))
}

fn run(shared: &Shared) {
    while let Some(occasion) = next(shared) {
        // A failure poisons the log; whoever appends next hears of it.
        if shared.checkpoint(occasion).is_err() {
            return;
        }
    }
}

/// Waits until a checkpoint is due; `None` when there will be no more.
fn next(shared: &Shared) -> Option<Occasion> {
    let mut tail = shared.tail().ok()?;
    loop {
        if tail.is_closing || tail.check_open().is_err() {
            return None;
        }
        if let Some(occasion) = due(&tail, &shared.options) {
            return Some(occasion);
        }
        let waited = shared
            .due
            .wait_timeout(tail, shared.options.checkpoint_interval);
        tail = waited.ok()?.0;
    }
}

/// Why a checkpoint is due, if it is.
fn due(tail: &Tail, options: &LogOptions) -> Option<Occasion> {
    let unsigned = tail.records - tail.signed;
    if unsigned >= options.checkpoint_records.max(1) {
        return Some(Occasion::Records);
    }
    let is_late = tail.signed_at.elapsed() >= options.checkpoint_interval;
    (unsigned > 0 && is_late).then_some(Occasion::Interval)
}
