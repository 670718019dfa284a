//! The threads of a session's proxy: a connection stays with all its tasks on one of them, so that a request wakes no other.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many threads a proxy has.
const LANES: usize = 2;
/// A timer that is always due sooner than others: one that is due before all others wakes its own thread through the kernel.
const SOON: Duration = Duration::from_millis(100);

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(0) };
    /// How many requests and tunnels are under way on the lane.
    static BUSY: Arc<AtomicUsize> = Arc::default();
}

/// The number of the lane that the caller runs on; the first where it runs on none.
pub(super) fn here() -> usize {
    LANE.get()
}

/// One request or tunnel under way on the lane where it was made, until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<AtomicUsize>);

impl Busy {
    /// Something more on the caller's lane.
    pub(super) fn here() -> Self {
        let of_lane = BUSY.with(Arc::clone);
        of_lane.fetch_add(1, Ordering::Relaxed);
        Self(of_lane)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the caller holds up nobody else on its lane.
pub(super) fn is_alone() -> bool {
    BUSY.with(|busy| busy.load(Ordering::Relaxed)) <= 1
}

/// The lanes of a session; dropped, all their tasks are.
#[derive(Debug)]
pub(super) struct Lanes {
    all: Arc<All>,
    _end: DropGuard,
}

/// The lanes as the tasks on them know them.
#[derive(Debug)]
pub(super) struct All {
    handles: Vec<Handle>,
    next: AtomicUsize,
}

impl Lanes {
    /// Starts the threads.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let end = CancellationToken::new();
        // Dropped on an error, so that those that run end too.
        let guard = end.clone().drop_guard();
        let handles = (0..LANES).map(|number| lane(name, number, end.clone()));
        Ok(Self {
            all: Arc::new(All {
                handles: handles.collect::<io::Result<_>>()?,
                next: AtomicUsize::new(0),
            }),
            _end: guard,
        })
    }

    pub(super) fn all(&self) -> &Arc<All> {
        &self.all
    }

    /// Runs the future on the first lane; dropped with it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(first) = self.all.handles.first() {
            first.spawn(future);
        }
    }

    /// Runs the call where sockets of the first lane can be made.
    pub(super) fn enter<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let first = self.all.handles.first();
        let first = first.ok_or_else(|| io::Error::other("the proxy has no threads"))?;
        let _entered = first.enter();
        call()
    }
}

impl All {
    /// Takes a connection to the next lane and serves it there; dropped where it cannot be moved.
    pub(super) fn serve<F>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len().max(1);
        let Some(handle) = self.handles.get(next) else {
            return;
        };
        if next == here() {
            handle.spawn(serve(stream));
            return;
        }
        // Descriptors are known to the reactor of the thread that waits for them.
        let Ok(stream) = stream.into_std() else {
            return;
        };
        handle.spawn(async move {
            if let Ok(stream) = TcpStream::from_std(stream) {
                serve(stream).await;
            }
        });
    }
}

/// One thread with a runtime of its own, until the end.
fn lane(name: &str, number: usize, end: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .thread_name(name)
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            LANE.set(number);
            runtime.spawn(async {
                loop {
                    tokio::time::sleep(SOON).await;
                }
            });
            runtime.block_on(end.cancelled());
            // What blocks is not waited for.
            runtime.shutdown_background();
        })?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::{Busy, LANES, Lanes, here, is_alone};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    #[test]
    fn a_lane_knows_whether_anything_else_is_under_way() {
        let first = Busy::here();
        assert!(is_alone());
        let second = Busy::here();
        assert!(!is_alone());
        std::thread::spawn(move || {
            assert!(is_alone(), "another lane's is none of its own");
            drop(second);
        })
        .join()
        .unwrap();
        assert!(is_alone());
        drop(first);
    }

    #[tokio::test]
    async fn each_lane_serves_and_all_end_with_the_proxy() {
        let lanes = Lanes::start("test").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..LANES {
            clients.push(TcpStream::connect(address).await.unwrap());
            let (stream, _) = listener.accept().await.unwrap();
            lanes.all().serve(stream, |mut stream| async move {
                let lane = u8::try_from(here()).unwrap();
                stream.write_all(&[lane]).await.unwrap();
                std::future::pending::<()>().await;
            });
        }
        let mut served = Vec::new();
        for client in &mut clients {
            served.push(usize::from(client.read_u8().await.unwrap()));
        }
        served.sort_unstable();
        assert_eq!(served, (0..LANES).collect::<Vec<_>>());
        drop(lanes);
        for client in &mut clients {
            assert!(client.read_u8().await.is_err(), "still open");
        }
    }
}
