//! Listeners of the host that no jailed process may ever reach.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::Finding;
use super::scene::Scene;
use crate::report::Failure;

/// A TCP port, a UDP port and a Unix socket, all silent unless something gets out.
#[derive(Debug)]
pub(super) struct Traps {
    tcp: TcpListener,
    udp: UdpSocket,
    unix: UnixListener,
    socket: PathBuf,
}

impl Traps {
    /// Opens them.
    pub(super) fn set(scene: &Scene) -> Result<Self, Failure> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let socket = scene.outside().join("host.sock");
        let unix = UnixListener::bind(&socket)?;
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        unix.set_nonblocking(true)?;
        Ok(Self {
            tcp,
            udp,
            unix,
            socket,
        })
    }

    /// What the agent is told of them.
    pub(super) fn told(&self, scene: &Scene) -> Vec<String> {
        let port = |found: io::Result<std::net::SocketAddr>| found.map_or(0, |at| at.port());
        vec![
            format!("tcp={}", port(self.tcp.local_addr())),
            format!("udp={}", port(self.udp.local_addr())),
            format!("socket={}", self.socket.display()),
            format!("outside={}", scene.outside().display()),
            format!("workspace={}", scene.workspace().display()),
            format!("pid={}", std::process::id()),
        ]
    }

    /// Whether any of them was touched.
    pub(super) fn findings(&self, _scene: &Scene) -> Result<Vec<Finding>, Failure> {
        let mut buffer = [0; 64];
        let is_quiet = |found: io::Result<()>| matches!(found, Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        let finding = |held: bool, text: &str| Finding {
            held,
            text: text.to_owned(),
        };
        Ok(vec![
            finding(
                is_quiet(self.tcp.accept().map(|_| ())),
                "nobody dialled the host by TCP",
            ),
            finding(
                is_quiet(self.udp.recv_from(&mut buffer).map(|_| ())),
                "no datagram reached the host",
            ),
            finding(
                is_quiet(self.unix.accept().map(|_| ())),
                "nobody reached the host's socket",
            ),
        ])
    }
}
