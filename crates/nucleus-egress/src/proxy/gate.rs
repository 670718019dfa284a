//! Takes dials and requests to the monitor's door, and opens what was permitted to the addresses that were checked.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nucleus::dial::{DialError, Dials, cost};
use nucleus::monitor::{Admitted, Need, Ticket, WaitsFor};
use nucleus::ports::Fetch;
use nucleus_audit::{Effect, Recorded};
use portcullis::decide::Permit;
use portcullis::request::{Request, Subject};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connect::{self, Connect};
use super::flusher::Flusher;
use super::lanes;
use super::refusal::Refusal;

/// The most requests that are judged, or wait for a human, at once.
const MAX_JUDGED: usize = 256;
/// The most names looked up at once: a dead resolver holds a thread for each.
const MAX_LOOKUPS: usize = 64;
/// The most notes of a session that is locked down.
const MAX_LATE_NOTES: u64 = 1000;
/// The most time for a look-up.
const LOOKUP: Duration = Duration::from_secs(15);
/// The most time to connect, all addresses together.
const DIAL: Duration = Duration::from_secs(30);

/// The monitor's door as the proxy's tasks use it.
#[derive(Debug)]
pub(super) struct Gate {
    dials: Dials,
    flusher: Flusher,
    resolver: Arc<dyn Fetch>,
    connect: Arc<dyn Connect>,
    judged: Semaphore,
    lookups: Arc<Semaphore>,
    late_notes: Arc<AtomicU64>,
    /// Whether there are outcomes that the kernel may not have yet.
    is_owed: AtomicBool,
}

impl Gate {
    pub(super) fn new(
        dials: Dials,
        resolver: Arc<dyn Fetch>,
        connect: Arc<dyn Connect>,
    ) -> io::Result<Self> {
        Ok(Self {
            flusher: Flusher::start()?,
            dials,
            resolver,
            connect,
            judged: Semaphore::new(MAX_JUDGED),
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            late_notes: Arc::default(),
            is_owed: AtomicBool::new(false),
        })
    }

    pub(super) fn dials(&self) -> &Dials {
        &self.dials
    }

    /// Judges the request and records it; labels are raised before this returns.
    pub(super) async fn admit(
        &self,
        request: &Arc<Request>,
        need: Need,
    ) -> Result<Admitted, Refusal> {
        let _slot = self.judged.acquire().await.map_err(|_| over())?;
        let waiting = self.dials.begin(request, need)?;
        let is_alone = lanes::is_alone();
        // FAIL-CLOSED: a judgement that broke is none.
        match waiting.waits_for() {
            WaitsFor::Kernel => {
                if !is_alone {
                    // The first to go on writes what all that were ready have placed meanwhile.
                    tokio::task::yield_now().await;
                }
                Ok(waiting.wait()?)
            }
            // Sooner than by another thread, which would have to be woken and to wake this one.
            WaitsFor::Disk if is_alone => Ok(waiting.wait()?),
            WaitsFor::Disk => Ok(self.flusher.wait(waiting).await.ok_or_else(over)??),
            WaitsFor::Human => {
                let judged = tokio::task::spawn_blocking(move || waiting.wait()).await;
                Ok(judged.map_err(|_| over())??)
            }
        }
    }

    /// Resolves, checks and dials what the permit is for.
    pub(super) async fn dial(
        &self,
        permit: Recorded<Permit>,
        request: &Arc<Request>,
    ) -> Result<TcpStream, Refusal> {
        let slot = self.lookup_slot(request).await?;
        let (dials, request) = (self.dials.clone(), Arc::clone(request));
        let resolver = Arc::clone(&self.resolver);
        let looked_up = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let Subject::Url(url) = request.subject() else {
                return Err(DialError::Unresolved(io::ErrorKind::InvalidInput.into()));
            };
            let mut resolve =
                |permit: &Recorded<Permit>, name: &str| resolver.resolve(permit, name);
            dials.addresses(&permit, &request, url, &mut resolve)
        });
        let addresses = match tokio::time::timeout(LOOKUP, looked_up).await {
            Ok(Ok(found)) => found.map_err(no_address)?,
            Ok(Err(_)) => return Err(over()),
            Err(_) => return Err(Refusal::failed("the resolver does not answer")),
        };
        let dialled = connect::first(&*self.connect, &addresses);
        match tokio::time::timeout(DIAL, dialled).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Refusal::failed(format!("cannot connect: {error}"))),
            Err(_) => Err(Refusal::failed("nobody answers there")),
        }
    }

    /// Room for a look-up, where one is needed: a dead resolver holds up nobody else.
    async fn lookup_slot(
        &self,
        request: &Request,
    ) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        if matches!(request.subject(), Subject::Url(url) if !self.dials.needs_lookup(url)) {
            return Ok(None);
        }
        let slot = Arc::clone(&self.lookups).acquire_owned();
        match tokio::time::timeout(LOOKUP, slot).await {
            Ok(Ok(slot)) => Ok(Some(slot)),
            _ => Err(Refusal::failed("the resolver does not answer")),
        }
    }

    /// Hands the records that nobody waits for to the kernel, beside what runs here.
    pub(super) fn write_records(&self) {
        if self.is_owed.swap(false, Ordering::SeqCst) {
            let monitor = Arc::clone(self.dials.monitor());
            // Records that cannot be written have ended the session.
            tokio::task::spawn_blocking(move || monitor.write_records());
        }
    }

    /// Records how what the ticket is for went, and spends what it costs.
    pub(super) fn finish(&self, ticket: Ticket, failure: Option<&str>) {
        let effect = failure.map_or(Effect::Done, Effect::Failed);
        // A record that cannot be written has ended the session.
        let _ = ticket.finish_soon(effect, cost());
        self.is_owed.store(true, Ordering::SeqCst);
    }

    /// Makes earlier records durable before a dial that no record of its own precedes.
    pub(super) async fn settle(&self, request: &Arc<Request>) -> Result<(), Refusal> {
        let (dials, request) = (self.dials.clone(), Arc::clone(request));
        let settled = tokio::task::spawn_blocking(move || dials.settle_records(&request)).await;
        match settled {
            Ok(Ok(())) => Ok(()),
            _ => Err(over()),
        }
    }

    /// Writes down what was cut or refused beside the rules.
    ///
    /// None is left out while the session is active: what is refused so costs a program nothing, so each counts as
    /// a refusal and too many lock the session down.
    pub(super) fn note(&self, text: String) {
        let monitor = Arc::clone(self.dials.monitor());
        let late_notes = Arc::clone(&self.late_notes);
        tokio::task::spawn_blocking(move || {
            let is_late = monitor.note_unpaid(&text).is_err();
            if is_late && late_notes.fetch_add(1, Ordering::Relaxed) < MAX_LATE_NOTES {
                // A session that is over takes no notes, and its log says why.
                let _ = monitor.note(&text);
            }
        });
    }
}

fn over() -> Refusal {
    Refusal::forbidden("state_blocked", "the session takes no further requests")
}

fn no_address(error: DialError) -> Refusal {
    match error {
        DialError::Refused(refused) => Refusal::from(*refused),
        DialError::Unresolved(error) => {
            Refusal::failed(format!("the name cannot be resolved: {error}"))
        }
        DialError::TooManyNames => Refusal::forbidden(
            "too_many_names",
            "the session has reached too many hosts already",
        ),
    }
}
