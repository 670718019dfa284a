//! Knows every open connection, and cuts it when the session stops or has seen too much for it.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use portcullis::Exposure;
use portcullis::request::Request;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::gate::Gate;
use super::journal::{Connection, Journal, Verdict};
use super::lanes::Busy;
use super::program::Program;
use super::refusal::Refusal;

/// How often open tunnels are looked at; each chunk that leaves is looked at besides.
const TICK: Duration = Duration::from_millis(100);
/// How many looks pass between two writings of what is open.
const TICKS_PER_WRITING: u32 = 10;

/// The most open connections that are listed for people.
const MAX_SHOWN: usize = 1000;

/// The connections of a session.
#[derive(Debug)]
pub(super) struct Lives {
    open: Mutex<HashMap<u64, Arc<Life>>>,
    next: AtomicU64,
    is_over: AtomicBool,
    journal: Option<Journal>,
}

/// One connection, or one request on it.
#[derive(Debug)]
pub(super) struct Life {
    number: u64,
    program: Program,
    via: &'static str,
    began: Instant,
    began_unix_ms: u64,
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
    cut: CancellationToken,
    told: Mutex<Told>,
    /// The exposure under which it was judged last.
    seen: AtomicU8,
}

/// What is known of a connection by now.
#[derive(Debug)]
struct Told {
    target: String,
    verdict: Verdict,
    why: String,
    /// What is judged again when the exposure rises.
    request: Option<Arc<Request>>,
}

impl Lives {
    pub(super) fn new(dir: Option<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            open: Mutex::default(),
            next: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            journal: dir.map(|dir| Journal::new(&dir)).transpose()?,
        })
    }

    fn all(&self) -> Vec<Arc<Life>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().cloned().collect()
    }

    pub(super) fn open(&self) -> Vec<Connection> {
        self.all().iter().map(|life| life.shown()).collect()
    }

    /// Cuts everything that is open.
    pub(super) fn cut_all(&self, why: &str) {
        for life in self.all() {
            life.cut(why);
        }
    }

    /// Cuts everything, also what begins later.
    pub(super) fn end(&self, why: &str) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(journal) = &self.journal {
            journal.end();
            journal.open(&[]);
        }
        self.cut_all(why);
    }
}

impl Shared {
    /// Begins a connection, or a request on one; it ends when the handle is dropped.
    pub(super) fn begin(
        self: &Arc<Self>,
        program: &Program,
        via: &'static str,
        above: &CancellationToken,
    ) -> Alive {
        let lives = &self.lives;
        let number = lives.next.fetch_add(1, Ordering::Relaxed);
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let life = Arc::new(Life {
            number,
            program: program.clone(),
            via,
            began: Instant::now(),
            began_unix_ms: unix.map_or(0, |since| since.as_millis() as u64),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            cut: above.child_token(),
            told: Mutex::new(Told {
                target: String::new(),
                verdict: Verdict::Waiting,
                why: String::new(),
                request: None,
            }),
            seen: AtomicU8::new(0),
        });
        lives
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(number, Arc::clone(&life));
        // FAIL-CLOSED: looked at after it can be found, so that an end in between cuts it.
        if lives.is_over.load(Ordering::SeqCst) {
            life.cut("the session has ended");
        }
        Alive {
            life,
            busy: None,
            shared: Arc::clone(self),
        }
    }
}

impl Life {
    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token that ends it.
    pub(super) fn token(&self) -> &CancellationToken {
        &self.cut
    }

    /// Names where it goes.
    pub(super) fn aims_at(&self, target: String) {
        self.told().target = target;
    }

    /// Says that it was permitted, once and for all: its request was digested whole.
    pub(super) fn permitted(&self) {
        self.told().verdict = Verdict::Permitted;
    }

    /// Says that a stream was permitted by this request under this exposure, and is judged again whenever that rises.
    pub(super) fn permitted_for_now(&self, request: &Arc<Request>, under: Exposure) {
        self.seen.store(under.bits(), Ordering::SeqCst);
        let mut told = self.told();
        told.verdict = Verdict::Permitted;
        told.request = Some(Arc::clone(request));
    }

    /// Says why it goes nowhere.
    pub(super) fn refused(&self, refusal: &Refusal) {
        let mut told = self.told();
        told.verdict = if refusal.is_refusal() {
            Verdict::Refused
        } else {
            Verdict::Failed
        };
        refusal.code().clone_into(&mut told.why);
    }

    /// Ends it; the first reason stays.
    pub(super) fn cut(&self, why: &str) {
        {
            let mut told = self.told();
            if told.verdict != Verdict::Cut {
                told.verdict = Verdict::Cut;
                why.clone_into(&mut told.why);
            }
        }
        self.cut.cancel();
    }

    /// Whether it would still be permitted under the exposure of this moment; cut and noted if not.
    pub(super) fn is_still_permitted(&self, gate: &Gate) -> bool {
        if self.cut.is_cancelled() {
            return false;
        }
        self.holds_under(gate, gate.dials().exposure())
    }

    /// As [`Life::is_still_permitted`], under an exposure that was just read.
    fn holds_under(&self, gate: &Gate, now: Exposure) -> bool {
        let now = now.bits();
        if self.seen.load(Ordering::SeqCst) == now {
            return true;
        }
        let request = self.told().request.clone();
        let Some(request) = request else {
            return true;
        };
        if gate.dials().is_still_permitted(&request) {
            self.seen.store(now, Ordering::SeqCst);
            return true;
        }
        let target = self.told().target.clone();
        self.cut("the session has touched more since: it would need approval now");
        gate.note(format!(
            "connection to {target} was cut: it would need approval under what the session has touched since"
        ));
        false
    }

    fn shown(&self) -> Connection {
        let told = self.told();
        Connection {
            version: 1,
            program: self.program.command().to_owned(),
            process: self.program.process(),
            target: told.target.clone(),
            via: self.via.to_owned(),
            verdict: told.verdict,
            why: told.why.clone(),
            began_unix_ms: self.began_unix_ms,
            lasted_ms: self.began.elapsed().as_millis() as u64,
            sent_bytes: self.sent.load(Ordering::Relaxed),
            received_bytes: self.received.load(Ordering::Relaxed),
        }
    }
}

/// A connection that is open as long as this lives.
#[derive(Debug)]
pub(super) struct Alive {
    pub(super) life: Arc<Life>,
    /// Held while it keeps its lane busy: a request does, an idle connection does not.
    pub(super) busy: Option<Busy>,
    shared: Arc<Shared>,
}

impl Drop for Alive {
    fn drop(&mut self) {
        let lives = &self.shared.lives;
        lives
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.life.number);
        let mut shown = self.life.shown();
        // A connection that carried requests has one entry for each of them.
        if lives.journal.is_none() || shown.verdict == Verdict::Waiting {
            return;
        }
        let (shared, program) = (Arc::clone(&self.shared), self.life.program.clone());
        self.life.program.when_known(move || {
            shown.process = program.process();
            if let Some(journal) = &shared.lives.journal {
                journal.ended(&shown);
            }
        });
    }
}

/// Looks at what is open, again and again: window, exposure, and the list for people.
pub(super) async fn keep(shared: Arc<Shared>) {
    let shared = Arc::downgrade(&shared);
    let mut ticks = 0u32;
    let mut was_empty = true;
    loop {
        tokio::time::sleep(TICK).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.gate.write_records();
        if let Some(journal) = &shared.lives.journal {
            journal.flush();
        }
        let open = shared.lives.all();
        if !open.is_empty() {
            if shared.gate.dials().monitor().window_left_ms() == 0 {
                shared.lives.cut_all("the time window is over");
            }
            let now = shared.gate.dials().exposure();
            for life in &open {
                life.holds_under(&shared.gate, now);
            }
        }
        ticks = ticks.wrapping_add(1);
        if ticks.is_multiple_of(TICKS_PER_WRITING) {
            shared.pool.tidy();
        }
        if ticks.is_multiple_of(TICKS_PER_WRITING)
            && !(open.is_empty() && was_empty)
            && !shared.lives.is_over.load(Ordering::SeqCst)
            && let Some(journal) = &shared.lives.journal
        {
            was_empty = open.is_empty();
            let shown: Vec<_> = open
                .iter()
                .take(MAX_SHOWN)
                .map(|life| life.shown())
                .collect();
            journal.open(&shown);
        }
    }
}
