//! Accepts the MCP clients of a jail and serves each on a connection of its own.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt as _;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::hands::Hands;
use crate::server::ToolServer;

/// The most bytes of one message; a longer one ends the connection.
pub const MAX_FRAME_BYTES: usize = 32 << 20;

/// The most clients of one jail at once; more wait.
const MAX_CLIENTS: usize = 32;

/// Serves the jail's port until the task is dropped.
///
/// Every accept error is transient: a jail cannot end the loop by exhausting
/// descriptors.
///
/// # Errors
/// When the listener cannot be taken over by the runtime.
pub async fn serve<H: Hands>(listener: TcpListener, hands: Arc<H>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let slot = Arc::clone(&slots)
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let hands = Arc::clone(&hands);
        tokio::spawn(async move {
            if stream.set_nodelay(true).is_ok() {
                serve_stream(stream, hands).await;
            }
            drop(slot);
        });
    }
}

/// Serves one client on a byte stream until it leaves; what it started is then cancelled.
pub async fn serve_stream<S, H>(stream: S, hands: Arc<H>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    H: Hands,
{
    let (read, write) = tokio::io::split(stream);
    let transport = AsyncRwTransport::new_server(read, write).with_max_line_length(MAX_FRAME_BYTES);
    let connection = CancellationToken::new();
    let left = connection.clone().drop_guard();
    match ToolServer::new(hands, connection).serve(transport).await {
        Ok(service) => {
            if let Err(error) = service.waiting().await {
                tracing::debug!(%error, "an MCP client's task ended");
            }
        }
        Err(error) => tracing::debug!(%error, "an MCP client did not initialize"),
    }
    drop(left);
}
