//! Names who is behind a connection: the command that its jail was started for, and the process that made it, once that is known.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::owners::{self, Ends};

/// The most connections whose processes are waited for at once; more are named by their commands alone.
const MAX_ASKED: usize = 4096;
/// The most time that a session's end waits for a search: longer than one takes.
const LAST_SEARCH: Duration = Duration::from_secs(2);
/// After a search, so many times as long is rested: connections without end take a tenth of one core.
const RESTS: u32 = 9;
/// The longest rest, after which a search that was held up itself is no reason to wait.
const MAX_REST: Duration = Duration::from_secs(2);

/// Who is behind a connection; clones are of the same one.
#[derive(Clone, Debug)]
pub(super) struct Program {
    command: Arc<str>,
    process: Arc<Process>,
}

/// What is known of a process.
#[derive(Debug, Default)]
struct Process(Mutex<State>);

enum State {
    /// It is looked for, and these wait for it.
    Asked(Vec<Box<dyn FnOnce() + Send>>),
    /// Nobody asks any more.
    Known(Option<Arc<str>>),
}

impl Default for State {
    fn default() -> Self {
        Self::Known(None)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked(waiting) => f.debug_tuple("Asked").field(&waiting.len()).finish(),
            Self::Known(name) => f.debug_tuple("Known").field(name).finish(),
        }
    }
}

impl Program {
    /// The programs of a jail that was started for this command.
    pub(super) fn of_command(command: &str) -> Self {
        Self {
            command: Arc::from(command),
            process: Arc::default(),
        }
    }

    /// The command.
    pub(super) fn command(&self) -> &str {
        &self.command
    }

    /// The process; `None` while it is looked for, and where it was not found.
    pub(super) fn process(&self) -> Option<String> {
        match &*self.process.state() {
            State::Known(name) => name.as_deref().map(str::to_owned),
            State::Asked(_) => None,
        }
    }

    /// Calls back once the process is known or given up: at once where nobody looks for it.
    pub(super) fn when_known(&self, call: impl FnOnce() + Send + 'static) {
        let mut state = self.process.state();
        match &mut *state {
            State::Asked(waiting) => waiting.push(Box::new(call)),
            State::Known(_) => {
                drop(state);
                call();
            }
        }
    }
}

impl Process {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn know(&self, name: Option<String>) {
        let known = State::Known(name.map(Arc::from));
        let before = std::mem::replace(&mut *self.state(), known);
        if let State::Asked(waiting) = before {
            waiting.into_iter().for_each(|call| call());
        }
    }
}

/// One connection whose process is looked for; dropped, it is given up.
#[derive(Debug)]
struct Asked {
    first: u32,
    ends: Ends,
    process: Arc<Process>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        if matches!(*self.process.state(), State::Asked(_)) {
            self.process.know(None);
        }
    }
}

/// Looks for processes beside the connections, all that wait in one search: no connection waits for it.
///
/// A search reads every socket of the machine, whatever it is asked for, so there is a rest after each.
#[derive(Debug)]
pub(super) struct Processes {
    asked: Mutex<Queue>,
    idle: Condvar,
    rested: Condvar,
    find: Find,
    rest_after: fn(Duration) -> Duration,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Asked>,
    is_searching: bool,
    /// Whether nobody asks any more.
    is_settling: bool,
}

/// Finds the processes of a jail's connections, by the number of its first process.
type Find = fn(u32, &[Ends]) -> HashMap<Ends, String>;

impl Default for Processes {
    fn default() -> Self {
        Self::by(owners::names, rest_after)
    }
}

impl Processes {
    fn by(find: Find, rest_after: fn(Duration) -> Duration) -> Self {
        Self {
            asked: Mutex::default(),
            idle: Condvar::new(),
            rested: Condvar::new(),
            find,
            rest_after,
        }
    }

    /// A program whose process is looked for, by both ends of its connection and its jail's first process.
    pub(super) fn of_connection(
        self: &Arc<Self>,
        jail: &Program,
        first: u32,
        own: SocketAddr,
        other: SocketAddr,
    ) -> Program {
        let program = Program {
            command: Arc::clone(&jail.command),
            process: Arc::default(),
        };
        let mut queue = self.queue();
        if queue.waiting.len() >= MAX_ASKED || queue.is_settling {
            return program;
        }
        *program.process.state() = State::Asked(Vec::new());
        queue.waiting.push(Asked {
            first,
            ends: Ends { own, other }.canonical(),
            process: Arc::clone(&program.process),
        });
        if !queue.is_searching {
            queue.is_searching = true;
            let all = Arc::clone(self);
            tokio::task::spawn_blocking(move || all.search());
        }
        program
    }

    /// Gives up what is not searched for yet and waits for the rest, so that whoever waits is called before the session is over.
    pub(super) fn settle(&self) {
        let given_up = {
            let mut queue = self.queue();
            queue.is_settling = true;
            std::mem::take(&mut queue.waiting)
        };
        drop(given_up);
        self.rested.notify_all();
        let is_searching = |queue: &mut Queue| queue.is_searching;
        let waited = self
            .idle
            .wait_timeout_while(self.queue(), LAST_SEARCH, is_searching);
        drop(waited);
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Searches until nobody waits, with a rest after each search.
    fn search(&self) {
        while let Some(took) = self.search_once() {
            let is_wanted = |queue: &mut Queue| !queue.is_settling;
            let rested =
                self.rested
                    .wait_timeout_while(self.queue(), (self.rest_after)(took), is_wanted);
            drop(rested);
        }
    }

    /// Searches for all that wait, and says how long that took; `None` when nobody does.
    fn search_once(&self) -> Option<Duration> {
        let waiting = {
            let mut queue = self.queue();
            queue.is_searching = !queue.waiting.is_empty();
            std::mem::take(&mut queue.waiting)
        };
        if waiting.is_empty() {
            self.idle.notify_all();
            return None;
        }
        let began = Instant::now();
        let mut jails: HashMap<u32, Vec<Asked>> = HashMap::new();
        for asked in waiting {
            jails.entry(asked.first).or_default().push(asked);
        }
        for (first, asked) in jails {
            let ends: Vec<Ends> = asked.iter().map(|asked| asked.ends).collect();
            let mut names = (self.find)(first, &ends);
            for asked in asked {
                asked.process.know(names.remove(&asked.ends));
            }
        }
        Some(began.elapsed())
    }
}

/// How long to rest after a search.
fn rest_after(search: Duration) -> Duration {
    (search * RESTS).min(MAX_REST)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(120);

    #[tokio::test]
    async fn whoever_waits_is_told_what_was_found_or_that_nothing_was() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let near = listener.local_addr().unwrap();
        let stream = std::net::TcpStream::connect(near).unwrap();
        let own = stream.local_addr().unwrap();
        let (processes, jail) = (Arc::new(Processes::default()), Program::of_command("run"));
        let found = processes.of_connection(&jail, std::process::id(), own, near);
        let lost = processes.of_connection(&jail, std::process::id(), near, near);
        let (sender, receiver) = channel();
        for program in [&found, &lost] {
            let (sender, known) = (sender.clone(), program.clone());
            program.when_known(move || sender.send(known.process()).unwrap());
        }
        let told = tokio::task::spawn_blocking(move || {
            [(); 2].map(|()| receiver.recv_timeout(PATIENCE).unwrap())
        });
        let told = told.await.unwrap();
        assert!(told[0].is_some() && told[1].is_none(), "{told:?}");
        assert_eq!(found.command(), "run");
        let (sender, receiver) = channel();
        lost.when_known(move || sender.send(()).unwrap());
        receiver.recv_timeout(PATIENCE).unwrap();
    }

    static SEARCHES: AtomicUsize = AtomicUsize::new(0);

    fn counted(_first: u32, _ends: &[Ends]) -> HashMap<Ends, String> {
        SEARCHES.fetch_add(1, Ordering::SeqCst);
        HashMap::new()
    }

    #[test]
    fn a_thousand_connections_of_a_jail_are_one_search_and_its_rest_is_longer_than_it() {
        let (processes, jail) = (
            Arc::new(Processes::by(counted, rest_after)),
            Program::of_command("run"),
        );
        // As while a search runs: the next one takes all.
        processes.queue().is_searching = true;
        for port in 1..=1000 {
            let ends = (
                SocketAddr::from(([127, 0, 0, 1], port)),
                SocketAddr::from(([127, 0, 0, 1], 1)),
            );
            let _program = processes.of_connection(&jail, 1, ends.0, ends.1);
        }
        assert!(processes.search_once().is_some());
        assert!(processes.search_once().is_none());
        assert_eq!(SEARCHES.load(Ordering::SeqCst), 1);
        let took = Duration::from_millis(14);
        assert!(rest_after(took) >= took * 9);
        assert!(rest_after(Duration::from_secs(3600)) <= MAX_REST);
    }

    #[tokio::test]
    async fn no_search_begins_during_the_rest_and_the_end_does_not_wait_for_it() {
        fn none(_first: u32, _ends: &[Ends]) -> HashMap<Ends, String> {
            HashMap::new()
        }
        let processes = Arc::new(Processes::by(none, |_| PATIENCE * 30));
        let jail = Program::of_command("run");
        let near = SocketAddr::from(([127, 0, 0, 1], 1));
        let first = processes.of_connection(&jail, 1, near, near);
        let (sender, receiver) = channel();
        first.when_known(move || sender.send(()).unwrap());
        let found = tokio::task::spawn_blocking(move || receiver.recv_timeout(PATIENCE));
        found.await.unwrap().unwrap();
        assert!(processes.queue().is_searching, "it rests");
        let second = processes.of_connection(&jail, 1, near, near);
        assert!(matches!(*second.process.state(), State::Asked(_)));
        let settled = Arc::clone(&processes);
        let tries = move || {
            (0..60).any(|_| {
                settled.settle();
                !settled.queue().is_searching
            })
        };
        assert!(tokio::task::spawn_blocking(tries).await.unwrap());
        assert!(matches!(*second.process.state(), State::Known(None)));
    }

    #[test]
    fn a_search_that_never_runs_keeps_nobody_waiting() {
        let process = Arc::new(Process(Mutex::new(State::Asked(Vec::new()))));
        let program = Program {
            command: Arc::from("run"),
            process: Arc::clone(&process),
        };
        let (sender, receiver) = channel();
        program.when_known(move || sender.send(()).unwrap());
        let near = "127.0.0.1:1".parse().unwrap();
        let ends = Ends {
            own: near,
            other: near,
        };
        drop(Asked {
            first: 0,
            ends,
            process,
        });
        receiver.recv_timeout(PATIENCE).unwrap();
    }
}
