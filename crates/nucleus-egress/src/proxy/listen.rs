//! Accepts what a jail's sockets bring, until the jail or the session ends.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use nucleus::ports::JailSockets;
use portcullis::host::Host;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::lanes::Lanes;
use super::live::Alive;
use super::names::Names;
use super::program::Program;
use super::target::Target;
use super::{Shared, explicit, tunnel};

/// The most connections of a session, where descriptors allow it; more wait to be accepted.
const MAX_CONNECTIONS: usize = 16_384;
/// After an error of accept, all of which pass: a jail must not be able to end the loop.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest query by UDP.
const MAX_QUERY_BYTES: usize = 512;

/// One jail as its connections know it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) shared: Arc<Shared>,
    pub(super) program: Program,
    /// The number of the jail's first process on the host, where it is known.
    pub(super) first: Option<u32>,
    pub(super) jail: CancellationToken,
    pub(super) lanes: Arc<Lanes>,
}

impl Site {
    /// The same jail, where the process of this connection is looked for.
    fn of_connection(&self, stream: &TcpStream, via: Via) -> Self {
        let own = stream.peer_addr().ok();
        let other = match via {
            Via::Proxy => stream.local_addr().ok(),
            Via::Redirected => dialled(stream),
        };
        let mut site = self.clone();
        if let (Some(first), Some(own), Some(other)) = (self.first, own, other) {
            let processes = &self.shared.processes;
            site.program = processes.of_connection(&self.program, first, own, other);
        }
        site
    }
}

/// How many connections this process has descriptors for, two for each; the soft limit is raised first.
pub(super) fn slots() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = (MAX_CONNECTIONS * 2 + 1024) as u64;
    let now = getrlimit(Resource::Nofile);
    let possible = now.maximum.map_or(wanted, |most| most.min(wanted));
    if now.current.is_some_and(|soft| soft < possible) {
        let raised = Rlimit {
            current: Some(possible),
            maximum: now.maximum,
        };
        // Not raised, fewer connections are taken.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    let soft = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let pairs = usize::try_from(soft)
        .unwrap_or(MAX_CONNECTIONS)
        .saturating_sub(512)
        / 2;
    pairs.clamp(16, MAX_CONNECTIONS)
}

/// Starts serving a jail's sockets; called inside the runtime.
pub(super) fn start(site: &Site, sockets: JailSockets) -> io::Result<()> {
    for (_, listener) in sockets.ports {
        accept(site.clone(), listener, Via::Proxy)?;
    }
    for listener in sockets.redirected {
        accept(site.clone(), listener, Via::Redirected)?;
    }
    for socket in sockets.names {
        answer(site.clone(), socket)?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Via {
    Proxy,
    Redirected,
}

fn accept(site: Site, listener: TcpListener, via: Via) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        let jail = site.jail.clone();
        jail.run_until_cancelled(accept_all(&site, &listener, via))
            .await;
    });
    Ok(())
}

async fn accept_all(site: &Site, listener: &tokio::net::TcpListener, via: Via) {
    loop {
        let Ok(slot) = Arc::clone(&site.shared.slots).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let site = site.of_connection(&stream, via);
        let lanes = Arc::clone(&site.lanes);
        lanes.serve(stream, move |stream| async move {
            let _slot = slot;
            connection(&site, stream, via).await;
        });
    }
}

/// Serves one connection until it ends or is cut.
async fn connection(site: &Site, stream: TcpStream, via: Via) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let name = match via {
        Via::Proxy => "proxy",
        Via::Redirected => "redirected",
    };
    let alive = site.shared.begin(&site.program, name, &site.jail);
    let served = async {
        match via {
            Via::Proxy => explicit::serve(site, &alive, stream).await,
            Via::Redirected => redirected(site, &alive, stream).await,
        }
    };
    alive.life.token().run_until_cancelled(served).await;
}

/// A connection that was meant for another address.
async fn redirected(site: &Site, alive: &Alive, stream: TcpStream) {
    match meant(&stream, &site.shared.names) {
        Some(target) => tunnel::enter(site, alive, tunnel::Incoming::new(stream, target)).await,
        // FAIL-CLOSED: an address that stands for no name, or for this very socket.
        None => tunnel::reset(&stream),
    }
}

/// The address that the program of a redirected connection dialled.
fn dialled(stream: &TcpStream) -> Option<SocketAddr> {
    Some(match stream.local_addr().ok()? {
        SocketAddr::V4(_) => rustix::net::sockopt::ip_original_dst(stream).ok()?.into(),
        SocketAddr::V6(_) => rustix::net::sockopt::ipv6_original_dst(stream).ok()?.into(),
    })
}

/// Where a redirected connection was to go.
fn meant(stream: &TcpStream, names: &Names) -> Option<Target> {
    let meant = dialled(stream)?;
    let host = match meant.ip() {
        address if address.is_loopback() => return None,
        IpAddr::V4(address) if Names::is_synthetic(address) => Host::Name(names.name(address)?),
        address => Host::Address(address),
    };
    Some(Target {
        host,
        port: meant.port(),
    })
}

/// Answers name look-ups.
fn answer(site: Site, socket: UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let socket = tokio::net::UdpSocket::from_std(socket)?;
    tokio::spawn(async move {
        let jail = site.jail.clone();
        jail.run_until_cancelled(answer_all(&site.shared, &socket))
            .await;
    });
    Ok(())
}

async fn answer_all(shared: &Shared, socket: &tokio::net::UdpSocket) {
    let mut query = [0; MAX_QUERY_BYTES];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut query).await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if let Some(answer) = shared.names.answer(&query[..length]) {
            let _gone = socket.send_to(&answer, from).await;
        }
    }
}
