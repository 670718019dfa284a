//! Leads all traffic of the jail's network namespace to sockets that the host gets: nothing else can be reached from it.
//!
//! A failure leaves the namespace as it was, with loopback alone: less is reached, never more.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use super::netlink::{ACK, Batch, CREATE, EXCLUSIVE};
use super::nft;

/// Where redirected connections arrive.
const REDIRECT_PORT: u16 = 15001;
/// Where name look-ups arrive.
const NAMES_PORT: u16 = 53;
/// Pending connections of each listener.
const BACKLOG: i32 = 4096;

/// The sockets that redirected traffic comes to.
pub(crate) struct Redirected {
    pub(crate) connections: Vec<OwnedFd>,
    pub(crate) names: Vec<OwnedFd>,
}

/// Binds the sockets, gives every address a route to this namespace, and loads the rules.
pub(super) fn redirect() -> io::Result<Redirected> {
    let v4 = redirected(Ipv4Addr::LOCALHOST.into())?;
    // A host without IPv6 needs no sockets for it.
    let v6 = redirected(Ipv6Addr::LOCALHOST.into()).ok();
    let (families, sockets): (&[u8], Vec<_>) = match v6 {
        Some(v6) => (&[2, 10], vec![v4, v6]),
        None => (&[2], vec![v4]),
    };
    for &family in families {
        local_default_route(family)?;
    }
    nft::load(REDIRECT_PORT, NAMES_PORT)?;
    let (connections, names) = sockets.into_iter().unzip();
    Ok(Redirected { connections, names })
}

fn redirected(address: std::net::IpAddr) -> io::Result<(OwnedFd, OwnedFd)> {
    let connections = TcpListener::bind(SocketAddr::new(address, REDIRECT_PORT))?;
    rustix::net::listen(&connections, BACKLOG)?;
    let names = UdpSocket::bind(SocketAddr::new(address, NAMES_PORT))?;
    Ok((connections.into(), names.into()))
}

/// `ip route add local default dev lo`: every address is this machine's own.
fn local_default_route(family: u8) -> io::Result<()> {
    /// `RTM_NEWROUTE`.
    const NEW_ROUTE: u16 = 24;
    /// `RT_TABLE_LOCAL`, `RTPROT_BOOT`, `RT_SCOPE_HOST`, `RTN_LOCAL`.
    const ROUTE: [u8; 4] = [255, 3, 254, 2];
    /// `RTA_OIF`, and loopback's number, which is the first in every namespace.
    const INTERFACE: (u16, u32) = (4, 1);
    let mut batch = Batch::default();
    batch.message(NEW_ROUTE, CREATE | EXCLUSIVE | ACK, |body| {
        body.raw(&[family, 0, 0, 0]);
        body.raw(&ROUTE);
        body.raw(&[0; 4]);
        body.bytes(INTERFACE.0, &INTERFACE.1.to_ne_bytes());
    });
    batch.send(None)
}
