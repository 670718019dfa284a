//! The threads of a session's proxy: a connection stays with all its tasks on one lane, so that a request wakes no other.
//!
//! The front serves no connection. It accepts them, answers look-ups and cuts what
//! the session no longer permits, also while a lane waits for a slow disk.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How many threads serve connections.
const LANES: usize = 2;
/// A timer that is always due sooner than others: one that is due before all others wakes its own thread through the kernel.
const SOON: Duration = Duration::from_millis(100);

thread_local! {
    static LANE: Cell<usize> = const { Cell::new(0) };
    /// How many requests and tunnels are under way on the lane.
    static BUSY: Arc<AtomicUsize> = Arc::default();
}

/// The number of the lane that the caller runs on.
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

/// The threads of a session; dropped, all their tasks are.
#[derive(Debug)]
pub(super) struct Threads {
    front: Handle,
    lanes: Arc<Lanes>,
    _end: DropGuard,
}

/// The threads that serve connections.
#[derive(Debug)]
pub(super) struct Lanes {
    handles: [Handle; LANES],
    next: AtomicUsize,
}

impl Threads {
    /// Starts the threads.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let end = CancellationToken::new();
        // Dropped on an error, so that those that run end too.
        let guard = end.clone().drop_guard();
        let lane = |number| thread(name, number, end.clone());
        let lanes = Lanes {
            handles: [lane(0)?, lane(1)?],
            next: AtomicUsize::new(0),
        };
        Ok(Self {
            front: lane(LANES)?,
            lanes: Arc::new(lanes),
            _end: guard,
        })
    }

    pub(super) fn lanes(&self) -> &Arc<Lanes> {
        &self.lanes
    }

    /// Runs the future in front; dropped with it.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.front.spawn(future);
    }

    /// Runs the call where sockets of the front can be made.
    pub(super) fn enter<T>(&self, call: impl FnOnce() -> T) -> T {
        let _entered = self.front.enter();
        call()
    }
}

impl Lanes {
    /// Takes a connection to the next lane and serves it there; dropped where it cannot be moved.
    pub(super) fn serve<F>(
        &self,
        stream: TcpStream,
        serve: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        // Descriptors are known to the reactor of the thread that waits for them.
        let Ok(stream) = stream.into_std() else {
            return;
        };
        let next = self.next.fetch_add(1, Ordering::Relaxed) % LANES;
        self.handles[next].spawn(async move {
            if let Ok(stream) = TcpStream::from_std(stream) {
                serve(stream).await;
            }
        });
    }
}

/// One thread with a runtime of its own, until the end.
fn thread(name: &str, number: usize, end: CancellationToken) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread()
        .thread_name(name)
        .enable_all()
        .build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
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
    use super::{Busy, LANES, Threads, here, is_alone};
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

    /// What cuts connections must not wait for what a lane waits for.
    #[tokio::test]
    async fn the_front_goes_on_while_every_lane_waits() {
        let threads = Threads::start("test").unwrap();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let stopped = std::sync::Arc::new(std::sync::Mutex::new(stopped));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..LANES {
            let mut client = TcpStream::connect(address).await.unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let stopped = stopped.clone();
            threads.lanes().serve(stream, |mut stream| async move {
                stream.write_all(b"x").await.unwrap();
                // As a disk that does not answer.
                let _gone = stopped.lock().map(|stopped| stopped.recv());
            });
            client.read_u8().await.unwrap();
        }
        let (done, is_done) = tokio::sync::oneshot::channel();
        threads.spawn(async move { done.send(()).unwrap() });
        is_done.await.unwrap();
        drop(stop);
    }

    #[tokio::test]
    async fn each_lane_serves_and_all_end_with_the_proxy() {
        let threads = Threads::start("test").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..LANES {
            clients.push(TcpStream::connect(address).await.unwrap());
            let (stream, _) = listener.accept().await.unwrap();
            threads.lanes().serve(stream, |mut stream| async move {
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
        drop(threads);
        for client in &mut clients {
            assert!(client.read_u8().await.is_err(), "still open");
        }
    }
}
