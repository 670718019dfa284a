//! Judges what jailed programs dial: a request first, then its name's addresses, checked and kept for the session.
//!
//! No name is resolved before its permit, the address that is dialled is the
//! one that was checked, and one that was checked is never asked for again.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use nucleus_audit::Recorded;
use portcullis::decide::Permit;
use portcullis::envelope::Envelope;
use portcullis::host::{Host, HostPattern, HostRule, IpClass};
use portcullis::request::{Content, Request, Subject, UrlSubject};
use portcullis::{Amount, Exposure, Operation, OperationSet};

use crate::error::MonitorError;
use crate::fetch::address::{Pins, are_dialable, sockets};
use crate::monitor::{Admitted, Doubt, Monitor, Need, Refused, Terms, Waiting};

/// What a dial or request costs, in micro-USD: it bounds how often a session can signal by asking.
const DIAL_MICRO_USD: u64 = 50;

/// Why a permitted host has no address to dial.
#[derive(Debug)]
pub enum DialError {
    /// An address may not be dialled.
    Refused(Box<Refused>),
    /// The name has no address, or nobody answers for it.
    Unresolved(io::Error),
    /// The session has reached more names than are kept.
    TooManyNames,
}

/// Looks a name up, for the permit of its request.
pub type Resolve<'a> = dyn FnMut(&Recorded<Permit>, &str) -> io::Result<Vec<IpAddr>> + 'a;

/// The dials of one session. Clones share the addresses kept.
#[derive(Clone, Debug)]
pub struct Dials {
    monitor: Arc<Monitor>,
    pins: Arc<Pins>,
    /// Hosts that the user's own settings name, which may be in a private network.
    inside: Arc<[HostPattern]>,
}

impl Dials {
    /// The dials of this session; no address is kept yet.
    #[must_use]
    pub fn new(monitor: Arc<Monitor>) -> Self {
        Self {
            monitor,
            pins: Arc::default(),
            inside: Arc::default(),
        }
    }

    /// The same dials, where these hosts may have addresses that are routed inside a network alone: a company's own
    /// mirrors (RFC 1918 and unique local, shared carrier, documentation ranges).
    ///
    /// Loopback, link-local, metadata, multicast and embedded addresses stay
    /// refused, and the hosts still need their permits.
    #[must_use]
    pub fn with_inside(self, hosts: impl IntoIterator<Item = HostPattern>) -> Self {
        Self {
            inside: hosts.into_iter().collect(),
            ..self
        }
    }

    /// Whether the host may have these addresses because the user's own settings name it.
    fn is_inside(&self, url: &UrlSubject, found: &[IpAddr]) -> bool {
        let is_named = |own: &HostPattern| own.matches(&url.host, url.port);
        let is_routed = |ip: &IpAddr| {
            matches!(
                IpClass::of(*ip),
                IpClass::Global
                    | IpClass::Private
                    | IpClass::SharedCarrier
                    | IpClass::Documentation
            )
        };
        self.inside.iter().any(is_named) && found.iter().all(is_routed)
    }

    /// The session's door.
    #[must_use]
    pub fn monitor(&self) -> &Arc<Monitor> {
        &self.monitor
    }

    /// The request of a dial, or of one HTTP request where it is seen.
    #[must_use]
    pub fn request(&self, url: UrlSubject, content: Content) -> Request {
        self.monitor
            .request(Operation::WebFetch, Subject::Url(url))
            .content(content)
            .build()
    }

    /// Judges it; may wait for a human.
    ///
    /// # Errors
    /// [`Refused`] when it may not run.
    pub fn admit(&self, request: &Request, need: Need) -> Result<Admitted, Refused> {
        let terms = Terms {
            cost: cost(),
            need,
            ..Terms::default()
        };
        self.monitor.admit_on(request, &terms)
    }

    /// As [`Dials::admit`], but returns before its record is written and before it would wait for a human.
    ///
    /// # Errors
    /// As [`Dials::admit`].
    pub fn begin(&self, request: &Arc<Request>, need: Need) -> Result<Waiting, Refused> {
        let terms = Terms {
            cost: cost(),
            need,
            ..Terms::default()
        };
        self.monitor.begin(request, terms)
    }

    /// Whether the host is a name whose addresses are not kept yet.
    #[must_use]
    pub fn needs_lookup(&self, url: &UrlSubject) -> bool {
        matches!(&url.host, Host::Name(name) if self.pins.kept(name).is_none())
    }

    /// The addresses of a permitted host, checked and kept; `resolve` is asked once for a name.
    ///
    /// # Errors
    /// FAIL-CLOSED: one address that may not be dialled refuses them all.
    pub fn addresses(
        &self,
        permit: &Recorded<Permit>,
        request: &Request,
        url: &UrlSubject,
        resolve: &mut Resolve<'_>,
    ) -> Result<Vec<SocketAddr>, DialError> {
        let refused = |doubt| DialError::Refused(Box::new(Refused::by_doubt(request, doubt)));
        if !permit.get().covers(request) {
            return Err(refused(Doubt::ForeignRequest));
        }
        let found = match &url.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) if name.is_local_or_metadata() => {
                return Err(refused(Doubt::ForbiddenAddress));
            }
            Host::Name(name) => match self.pins.kept(name) {
                Some(kept) => kept,
                None => resolve(permit, name.as_str()).map_err(DialError::Unresolved)?,
            },
        };
        if found.is_empty() {
            let why = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
            return Err(DialError::Unresolved(why));
        }
        if !are_dialable(&self.monitor.envelope(), url, &found) && !self.is_inside(url, &found) {
            return Err(refused(Doubt::ForbiddenAddress));
        }
        let in_force = match &url.host {
            Host::Address(_) => found,
            Host::Name(name) => self.pins.keep(name, found).ok_or(DialError::TooManyNames)?,
        };
        Ok(sockets(url, &in_force))
    }

    /// What the sharing sessions have touched, as the tunnels of this one look at it.
    ///
    /// FAIL-CLOSED: everything, when that cannot be read.
    #[must_use]
    pub fn exposure(&self) -> Exposure {
        let shared = self.monitor.shared_exposure().read();
        shared.unwrap_or(Exposure::TRIFECTA)
    }

    /// Whether the same request would be permitted as things are now, without asking anybody.
    #[must_use]
    pub fn is_still_permitted(&self, request: &Request) -> bool {
        self.monitor.would_permit(request)
    }

    /// Waits until every record so far is durable: before a dial for a request that needed none.
    ///
    /// # Errors
    /// When it cannot be; the session is over then.
    pub fn settle_records(&self, request: &Request) -> Result<(), MonitorError> {
        let deed = crate::monitor::describe(request.subject());
        self.monitor.flush(&format!("dials for {deed}"))
    }

    /// How the envelope treats what goes to this host and port.
    #[must_use]
    pub fn treatment(&self, host: &Host, port: u16) -> Treatment {
        treatment(&self.monitor.envelope(), host, port)
    }
}

/// What every dial and request costs.
#[must_use]
pub const fn cost() -> Amount {
    Amount::of_micro_usd(DIAL_MICRO_USD)
}

/// How what goes to a host is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// A rule speaks of its methods or paths: each request is seen and judged.
    Inspected,
    /// An opaque tunnel of TLS.
    Opaque,
    /// An opaque tunnel of any protocol: a rule of every clause names the port, which is none of the web's.
    Raw,
}

/// How the envelope treats what goes to this host and port.
#[must_use]
pub fn treatment(envelope: &Envelope, host: &Host, port: u16) -> Treatment {
    let declared = envelope.declarations();
    let is_detailed = |rule: &HostRule| {
        (!rule.methods().is_empty() || !rule.paths().is_empty()) && rule.matches_host(host, port)
    };
    let hosts = envelope.hosts();
    let listed = hosts
        .listed()
        .iter()
        .any(|(_, clause)| clause.any(is_detailed));
    let declares = |rules: &portcullis::Conjunction<HostRule>| {
        rules.clauses().iter().any(|clause| clause.any(is_detailed))
    };
    if listed
        || hosts.blocked().any(is_detailed)
        || declares(&declared.quiet_hosts)
        || declares(&declared.trusted_hosts)
    {
        return Treatment::Inspected;
    }
    let fetches = OperationSet::of(Operation::WebFetch);
    let names_port =
        |rule: &HostRule| rule.pattern().port() == Some(port) && rule.matches_host(host, port);
    let mut clauses = hosts
        .listed()
        .iter()
        .filter(|(speaks_of, _)| speaks_of.intersects(fetches))
        .peekable();
    let is_raw = !matches!(port, 80 | 443)
        && clauses.peek().is_some()
        && clauses.all(|(_, clause)| clause.any(names_port));
    if is_raw {
        Treatment::Raw
    } else {
        Treatment::Opaque
    }
}
