//! Passes the bytes of a tunnel both ways, looking at each chunk that leaves; an idle tunnel holds no buffer.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::gate::Gate;
use super::limits::Meter;
use super::live::Life;

/// Half of what a loopback socket holds: larger chunks gain nothing.
const CHUNK_BYTES: usize = 64 << 10;
/// The most buffers kept for later.
const MAX_KEPT: usize = 64;
/// The most time in which one end takes nothing while the other waits to be rid of a chunk.
const STALLED: Duration = Duration::from_secs(600);
/// How long one direction may be silent once the other has ended.
const HALF_CLOSED: Duration = Duration::from_secs(300);

/// Buffers of the process, borrowed while there is something to pass.
static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

fn borrow() -> Vec<u8> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).pop();
    kept.unwrap_or_else(|| vec![0; CHUNK_BYTES])
}

fn give_back(buffer: Vec<u8>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < MAX_KEPT {
        kept.push(buffer);
    }
}

/// What each chunk is held against.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    pub(super) life: Arc<Life>,
    pub(super) meter: Meter,
}

impl Watch {
    /// Whether the chunk may leave.
    pub(super) fn may_send(&self, gate: &Gate, bytes: usize) -> bool {
        self.life.sent.fetch_add(bytes as u64, Ordering::Relaxed);
        let fits = self.meter.send(bytes);
        if !fits {
            self.life.cut("the host's byte budget is used up");
        }
        fits && self.life.is_still_permitted(gate)
    }

    /// Whether the chunk may be handed over.
    pub(super) fn may_receive(&self, bytes: usize) -> bool {
        self.life
            .received
            .fetch_add(bytes as u64, Ordering::Relaxed);
        let fits = self.meter.receive(bytes);
        if !fits {
            self.life.cut("the host's byte budget is used up");
        }
        fits
    }
}

fn is_over() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the tunnel was cut")
}

/// Passes bytes until both ends are done or it is cut.
pub(super) async fn tcp(jail: &mut TcpStream, out: &mut TcpStream, gate: &Gate, watch: &Watch) {
    let (jail_read, jail_write) = jail.split();
    let (out_read, out_write) = out.split();
    let up = pump_tcp(jail_read, out_write, |n| watch.may_send(gate, n));
    let down = pump_tcp(out_read, jail_write, |n| watch.may_receive(n));
    both(up, down).await;
}

/// The same over any streams, such as upgraded connections.
pub(super) async fn streams<J, O>(jail: J, out: O, gate: &Gate, watch: &Watch)
where
    J: AsyncRead + AsyncWrite,
    O: AsyncRead + AsyncWrite,
{
    let (jail_read, jail_write) = tokio::io::split(jail);
    let (out_read, out_write) = tokio::io::split(out);
    let up = pump(jail_read, out_write, |n| watch.may_send(gate, n));
    let down = pump(out_read, jail_write, |n| watch.may_receive(n));
    both(up, down).await;
}

/// Runs both directions; an error of one ends both, an end of one leaves the other a while.
async fn both(
    up: impl Future<Output = io::Result<()>>,
    down: impl Future<Output = io::Result<()>>,
) {
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    let _ = tokio::select! {
        ended = &mut up => match ended {
            Ok(()) => tokio::time::timeout(HALF_CLOSED, down).await.is_ok(),
            Err(_) => false,
        },
        ended = &mut down => match ended {
            Ok(()) => tokio::time::timeout(HALF_CLOSED, up).await.is_ok(),
            Err(_) => false,
        },
    };
}

async fn pump_tcp(
    from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    may_pass: impl Fn(usize) -> bool,
) -> io::Result<()> {
    loop {
        from.readable().await?;
        let mut buffer = borrow();
        let passed = loop {
            match from.try_read(&mut buffer) {
                Ok(0) => break Ok(false),
                Ok(length) if !may_pass(length) => break Err(is_over()),
                Ok(length) => {
                    let written = tokio::time::timeout(STALLED, to.write_all(&buffer[..length]));
                    match written.await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => break Err(error),
                        Err(_) => break Err(io::ErrorKind::TimedOut.into()),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(true),
                Err(error) => break Err(error),
            }
        };
        give_back(buffer);
        if !passed? {
            return to.shutdown().await;
        }
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    may_pass: impl Fn(usize) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        if !may_pass(length) {
            return Err(is_over());
        }
        let written = async {
            to.write_all(&buffer[..length]).await?;
            to.flush().await
        };
        tokio::time::timeout(STALLED, written)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    }
}
