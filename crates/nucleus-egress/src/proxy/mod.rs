//! The proxy of a session's jails: every dial and every request it sees is judged before its first byte leaves.
//!
//! ```text
//! jail: 127.0.0.1:PORT (HTTP, CONNECT, SOCKS5) ┐                       ┌ opaque: SNI checked, bytes passed
//!       any other address (redirected)         ├─▶ target ─▶ first bytes┤
//!       names (synthetic addresses)            ┘                       └ HTTP, or TLS opened by the session's CA:
//!                                                                        each request judged, then exchanged
//! ```
//!
//! The listening sockets are bound in the jails' own namespaces and accepted on
//! here, so nothing of it can be reached from the host's network. A name is
//! resolved after its permit alone, and its addresses stay for the session.

mod body;
mod ca;
mod connect;
mod exchange;
mod explicit;
mod flusher;
mod gate;
mod guarded;
mod heads;
mod hello;
mod java;
mod journal;
mod lanes;
mod limits;
mod listen;
mod live;
mod names;
mod outfit;
mod owners;
mod pool;
mod prefixed;
mod program;
mod refusal;
mod relay;
mod route;
mod serve_http;
mod socks;
mod target;
mod tunnel;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use nucleus::dial::Dials;
use nucleus::monitor::LifeHook;
use nucleus::ports::{Fetch, JailSockets, Network, Outfit};
use nucleus_spec::HostLimit;
use tokio_util::sync::CancellationToken;

pub(crate) use body::{BodyError, Content};
pub use connect::{Connect, Connecting, DirectConnect};
pub use guarded::Guards;
pub use journal::{Connection, Verdict};

use gate::Gate;
use lanes::Threads;
use live::Lives;

/// The port of the proxy in every jail: HTTP and SOCKS5.
pub const PROXY_PORT: u16 = 7072;

/// How a session's proxy is set up.
#[derive(Debug)]
pub struct ProxyOptions {
    /// Resolves names, each after its permit.
    pub resolver: Arc<dyn Fetch>,
    /// Opens connections to checked addresses.
    pub connect: Arc<dyn Connect>,
    /// Whether connections that know nothing of a proxy are led to it too.
    pub is_redirected: bool,
    /// Certificates that hosts may be signed by, beside the system's, as PEM.
    pub extra_roots: Vec<u8>,
    /// Further variables of the jails.
    pub environment: Vec<(String, String)>,
    /// Further files of the jails, by absolute path inside.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// What the policy allows a host in bytes and requests.
    pub limits: Vec<HostLimit>,
    /// Where connections are written down for people; nowhere when `None`.
    pub journal: Option<PathBuf>,
}

/// The proxy of one session.
///
/// Dropped, every connection is cut. A lockdown cuts those that are open; the
/// session's end or a lost monitor ends it.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    outfit: Outfit,
    threads: Threads,
    _hook: Arc<dyn LifeHook>,
}

/// What all connections of a session share.
#[derive(Debug)]
struct Shared {
    gate: Gate,
    ca: ca::Authority,
    names: names::Names,
    pool: pool::Pool,
    limits: limits::Limits,
    lives: Lives,
    processes: Arc<program::Processes>,
    slots: Arc<tokio::sync::Semaphore>,
    guards: Guards,
}

impl Proxy {
    /// Starts a proxy for the dials of a session.
    ///
    /// # Errors
    /// When its threads, its keys or its journal cannot be made.
    pub fn start(dials: Dials, options: ProxyOptions) -> io::Result<Arc<Self>> {
        Self::start_with(dials, options, Guards::default())
    }

    /// As [`start`](Self::start), with these guards; the jails' variables hold the placeholders of the credentials.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(
        dials: Dials,
        mut options: ProxyOptions,
        guards: Guards,
    ) -> io::Result<Arc<Self>> {
        options.environment.extend(guards.credentials.environment());
        let ca = ca::Authority::new()?;
        let outfit = outfit::outfit(&ca, &options)?;
        let monitor = Arc::clone(dials.monitor());
        let shared = Arc::new(Shared {
            gate: Gate::new(dials, options.resolver, options.connect)?,
            pool: pool::Pool::new(&options.extra_roots)?,
            ca,
            names: names::Names::default(),
            limits: limits::Limits::new(options.limits),
            lives: Lives::new(options.journal)?,
            processes: Arc::default(),
            slots: Arc::new(tokio::sync::Semaphore::new(listen::slots())),
            guards,
        });
        let threads = Threads::start("nucleus-net")?;
        let hook: Arc<dyn LifeHook> = Arc::new(Hook(Arc::downgrade(&shared)));
        monitor.watch(&hook);
        threads.spawn(live::keep(Arc::clone(&shared)));
        Ok(Arc::new(Self {
            shared,
            outfit,
            threads,
            _hook: hook,
        }))
    }

    /// The session's own certificate, as PEM: what its jails trust, and nobody else.
    #[must_use]
    pub fn certificate(&self) -> &str {
        self.shared.ca.certificate()
    }

    /// The connections that are open now.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.lives.open()
    }
}

impl Drop for Proxy {
    /// What has ended is written down before the threads are gone.
    fn drop(&mut self) {
        self.shared.processes.settle();
    }
}

impl Network for Proxy {
    fn outfit(&self) -> Outfit {
        self.outfit.clone()
    }

    fn serve(&self, program: &str, sockets: JailSockets) -> io::Result<Box<dyn Send + Sync>> {
        let jail = CancellationToken::new();
        let site = listen::Site {
            shared: Arc::clone(&self.shared),
            program: program::Program::of_command(program),
            first: sockets.first,
            lanes: Arc::clone(self.threads.lanes()),
            jail: jail.clone(),
        };
        self.threads.enter(|| listen::start(&site, sockets))?;
        Ok(Box::new(jail.drop_guard()))
    }
}

/// Cuts what is open when the session stops.
#[derive(Debug)]
struct Hook(Weak<Shared>);

impl LifeHook for Hook {
    fn lock_down(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lives.cut_all("the session is locked down");
            shared.pool.clear();
        }
    }

    /// New connections are judged as ever.
    fn lift(&self) {}

    fn end(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.lives.end("the session has ended");
            shared.pool.clear();
        }
    }
}
