//! One thread of a session that waits for the disk: what comes while it flushes is flushed together next.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Thread};

use nucleus::monitor::{Admitted, Refused, Waiting};
use tokio::sync::oneshot;

/// What became of a judgement.
type Settled = Result<Admitted, Refused>;

/// Waits for the disk on behalf of tasks; dropped, it ends once it has answered everybody.
#[derive(Debug)]
pub(super) struct Flusher {
    queue: Arc<Queue>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    is_closing: bool,
}

#[derive(Debug)]
struct Job {
    waiting: Waiting,
    answer: oneshot::Sender<Settled>,
}

impl Flusher {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let own = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("nucleus-records".to_owned())
            .spawn(move || own.run())?;
        Ok(Self {
            queue,
            thread: thread.thread().clone(),
        })
    }

    /// Waits for the record's place on the disk; `None` when the thread is gone.
    pub(super) async fn wait(&self, waiting: Waiting) -> Option<Settled> {
        let (answer, settled) = oneshot::channel();
        self.queue.state(|state| {
            state.jobs.push(Job { waiting, answer });
        });
        // Without the lock, which the thread would run into.
        self.thread.unpark();
        settled.await.ok()
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.queue.state(|state| state.is_closing = true);
        self.thread.unpark();
    }
}

impl Queue {
    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn run(&self) {
        loop {
            let (jobs, is_closing) =
                self.state(|state| (std::mem::take(&mut state.jobs), state.is_closing));
            if jobs.is_empty() && is_closing {
                return;
            }
            if jobs.is_empty() {
                thread::park();
            }
            // The first flushes what all of them have appended.
            for Job { waiting, answer } in jobs {
                // A task that is gone leaves its permit, which is then recorded as not used. FAIL-CLOSED: a
                // panic on the way is no answer, and the next is waited for all the same.
                let _no_answer = catch_unwind(AssertUnwindSafe(|| answer.send(waiting.wait())));
            }
        }
    }
}
