//! Keeps connections to hosts for the next request of the session: HTTP/1.1 one request at a time, HTTP/2 many.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis::host::Host;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::body::Content;
use super::lanes;
use super::target::Target;

/// The most idle connections kept to one host, and to all.
const MAX_TO_ONE: usize = 128;
const MAX_IDLE: usize = 1024;
/// How long an idle one is kept: servers close theirs after a minute.
const IDLE: Duration = Duration::from_secs(45);
/// The most time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// A host, whether TLS is spoken to it, and the lane whose connections to it these are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) target: Target,
    pub(super) is_tls: bool,
    lane: usize,
}

impl Key {
    /// The connections of the caller's own lane.
    pub(super) fn here(target: Target, is_tls: bool) -> Self {
        Self {
            target,
            is_tls,
            lane: lanes::here(),
        }
    }
}

/// The connections of a session.
#[derive(Debug)]
pub(super) struct Pool {
    web: Arc<rustls::ClientConfig>,
    /// Offers HTTP/1.1 alone, for upgrades.
    plain: Arc<rustls::ClientConfig>,
    idle: Arc<Mutex<HashMap<Key, Vec<Idle>>>>,
}

#[derive(Debug)]
struct Idle {
    sender: Sender,
    since: Instant,
}

/// One connection.
#[derive(Debug)]
pub(super) enum Sender {
    One(http1::SendRequest<Content>),
    Many(http2::SendRequest<Content>),
}

/// A connection in use, which goes back when its answer has ended.
#[derive(Debug)]
pub(super) struct Lease {
    key: Key,
    sender: Sender,
    idle: Arc<Mutex<HashMap<Key, Vec<Idle>>>>,
}

/// A request that was not answered.
pub(super) struct Unsent {
    pub(super) error: hyper::Error,
    /// The request, where not a byte of it was sent.
    pub(super) request: Option<Request<Content>>,
}

impl Pool {
    /// A pool that trusts the system's roots and these, given as PEM.
    pub(super) fn new(extra_roots: &[u8]) -> io::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for extra in rustls::pki_types::CertificateDer::pem_slice_iter(extra_roots) {
            let extra = extra.map_err(io::Error::other)?;
            roots.add(extra).map_err(io::Error::other)?;
        }
        let roots = Arc::new(roots);
        Ok(Self {
            web: config(&roots, &[b"h2", b"http/1.1"])?,
            plain: config(&roots, &[b"http/1.1"])?,
            idle: Arc::default(),
        })
    }

    /// An idle connection to the host.
    pub(super) async fn take(&self, key: &Key) -> Option<Lease> {
        loop {
            let mut sender = self.take_idle(key)?;
            let is_ready = match &mut sender {
                Sender::One(one) if one.is_ready() => true,
                Sender::One(one) => {
                    let ready = tokio::time::timeout(Duration::from_secs(1), one.ready());
                    matches!(ready.await, Ok(Ok(())))
                }
                Sender::Many(many) => many.is_ready(),
            };
            if is_ready {
                return Some(self.lease(key, sender));
            }
        }
    }

    fn take_idle(&self, key: &Key) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(key)?;
        let now = Instant::now();
        // The latest is taken first, so that those before it are older still.
        while let Some(latest) = kept.last() {
            if now.duration_since(latest.since) >= IDLE {
                break;
            }
            if let (Sender::Many(many), false) = (&latest.sender, latest.sender.is_closed()) {
                return Some(Sender::Many(many.clone()));
            }
            match kept.pop().map(|latest| latest.sender) {
                Some(sender) if !sender.is_closed() => return Some(sender),
                _ => {}
            }
        }
        idle.remove(key);
        None
    }

    /// Closes what has been idle for too long, or was closed by its host.
    pub(super) fn tidy(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        idle.retain(|_, kept| {
            kept.retain(|idle| now.duration_since(idle.since) < IDLE && !idle.sender.is_closed());
            !kept.is_empty()
        });
    }

    /// Closes what is idle.
    pub(super) fn clear(&self) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn lease(&self, key: &Key, sender: Sender) -> Lease {
        Lease {
            key: key.clone(),
            sender,
            idle: Arc::clone(&self.idle),
        }
    }

    /// Speaks HTTP over a fresh connection; `is_upgrade` holds it to HTTP/1.1.
    pub(super) async fn open(
        &self,
        key: &Key,
        stream: TcpStream,
        is_upgrade: bool,
    ) -> io::Result<Lease> {
        if !key.is_tls {
            let sender = one(stream).await?;
            return Ok(self.lease(key, sender));
        }
        let config = if is_upgrade { &self.plain } else { &self.web };
        let connector = TlsConnector::from(Arc::clone(config));
        let name = match &key.target.host {
            Host::Name(name) => ServerName::try_from(name.as_str().to_owned()),
            Host::Address(address) => Ok(ServerName::from(*address)),
        };
        let handshake = connector.connect(name.map_err(io::Error::other)?, stream);
        let stream = tokio::time::timeout(HANDSHAKE, handshake)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        let sender = if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            many(stream).await?
        } else {
            one(stream).await?
        };
        if let Sender::Many(many) = &sender {
            keep(&self.idle, key, Sender::Many(many.clone()));
        }
        Ok(self.lease(key, sender))
    }
}

impl Lease {
    /// Sends the request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Content>,
    ) -> Result<Response<Incoming>, Box<Unsent>> {
        let unsent = |mut failed: hyper::client::conn::TrySendError<Request<Content>>| {
            let request = failed.take_message();
            Box::new(Unsent {
                request,
                error: failed.into_error(),
            })
        };
        match &mut self.sender {
            Sender::One(one) => one.try_send_request(request).await.map_err(unsent),
            Sender::Many(many) => many.try_send_request(request).await.map_err(unsent),
        }
    }

    /// Whether requests carry the host in their URI.
    pub(super) fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Many(_))
    }

    /// Leaves the connection to the next request.
    pub(super) fn give_back(self) {
        if matches!(self.sender, Sender::One(_)) {
            keep(&self.idle, &self.key, self.sender);
        }
    }
}

impl Sender {
    fn is_closed(&self) -> bool {
        match self {
            Self::One(one) => one.is_closed(),
            Self::Many(many) => many.is_closed(),
        }
    }
}

fn keep(idle: &Mutex<HashMap<Key, Vec<Idle>>>, key: &Key, sender: Sender) {
    if sender.is_closed() {
        return;
    }
    let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
    if idle.values().map(Vec::len).sum::<usize>() >= MAX_IDLE {
        idle.clear();
    }
    let kept = idle.entry(key.clone()).or_default();
    if kept.len() < MAX_TO_ONE {
        kept.push(Idle {
            sender,
            since: Instant::now(),
        });
    }
}

async fn one<S>(stream: S) -> io::Result<Sender>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        let _ended = connection.with_upgrades().await;
    });
    Ok(Sender::One(sender))
}

async fn many<S>(stream: S) -> io::Result<Sender>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move {
        let _ended = connection.await;
    });
    Ok(Sender::Many(sender))
}

fn config(
    roots: &Arc<rustls::RootCertStore>,
    offered: &[&[u8]],
) -> io::Result<Arc<rustls::ClientConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(Arc::clone(roots))
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}
