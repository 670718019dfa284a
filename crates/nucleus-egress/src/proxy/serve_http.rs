//! Speaks HTTP with a jailed program: every head is held to one reading, every request goes to [`super::exchange`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1 as one, http2 as two};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::exchange::exchange;
use super::heads::PlainHeads;
use super::listen::Site;
use super::live::Alive;
use super::program::Program;
use super::target::Target;

/// The most time for a head, and for the pause before it.
const HEAD: Duration = Duration::from_secs(90);
/// The most requests at once on one connection.
const MAX_STREAMS: u32 = 128;

/// One connection that carries requests.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) shared: Arc<Shared>,
    pub(super) program: Program,
    pub(super) token: CancellationToken,
    /// Where all requests go; `None` on the proxy's own port, where each names its own.
    pub(super) target: Option<Target>,
    pub(super) scheme: &'static str,
}

impl Conversation {
    /// Requests to the proxy itself.
    pub(super) fn of_proxy(site: &Site, alive: &Alive) -> Self {
        Self {
            shared: Arc::clone(&site.shared),
            program: site.program.clone(),
            token: alive.life.token().clone(),
            target: None,
            scheme: "http",
        }
    }

    /// Requests within a connection to one target.
    pub(super) fn with(site: &Site, alive: &Alive, target: Target, scheme: &'static str) -> Self {
        Self {
            target: Some(target),
            scheme,
            ..Self::of_proxy(site, alive)
        }
    }

    /// The port that a host without one means.
    pub(super) fn usual_port(&self) -> u16 {
        if self.scheme == "https" { 443 } else { 80 }
    }
}

/// Serves HTTP/1.1 until either end is done.
pub(super) async fn http1<S>(stream: S, conversation: &Arc<Conversation>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let conversation = Arc::clone(conversation);
        async move { Ok::<_, Infallible>(exchange(&conversation, request).await) }
    });
    let served = one::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(PlainHeads::new(stream)), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of a jail ended");
    }
}

/// Serves HTTP/2 until either end is done.
pub(super) async fn http2<S>(stream: S, conversation: &Arc<Conversation>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let conversation = Arc::clone(conversation);
        async move { Ok::<_, Infallible>(exchange(&conversation, request).await) }
    });
    let served = two::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection of a jail ended");
    }
}
