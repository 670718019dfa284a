//! Opens TCP connections to addresses that were checked, and to no other.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::net::TcpStream;

/// The most time for one address.
const ATTEMPT: Duration = Duration::from_secs(10);

/// A connection under way.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send + 'a>>;

/// Opens a connection to one address that was permitted and checked.
pub trait Connect: Send + Sync + Debug {
    /// Connects; the caller bounds the time.
    fn connect(&self, address: SocketAddr) -> Connecting<'_>;
}

/// Connects straight from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectConnect;

impl Connect for DirectConnect {
    fn connect(&self, address: SocketAddr) -> Connecting<'_> {
        Box::pin(TcpStream::connect(address))
    }
}

/// The first of the addresses that answers in time.
pub(super) async fn first(
    connect: &dyn Connect,
    addresses: &[SocketAddr],
) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address to dial");
    for &address in addresses {
        match tokio::time::timeout(ATTEMPT, connect.connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}
