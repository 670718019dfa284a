//! A mirror of packages and a forge, served over TLS by this machine, as a user's own settings name it.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::fixture::Scene;

const PROGRAM: &str = include_str!("mirror.py");

/// An address of this machine that is not loopback; none without a network.
pub(crate) fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}

/// A running mirror; it ends with the test.
#[derive(Debug)]
pub(crate) struct Mirror {
    child: Child,
    dir: PathBuf,
    /// The host and port that the user's settings name.
    pub(crate) host: String,
    /// Another port of the same, which no settings name.
    pub(crate) other: String,
}

impl Drop for Mirror {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

impl Mirror {
    /// Serves on this address, and tells the package managers of the scene's user.
    pub(crate) fn start(scene: &Scene, address: IpAddr) -> Self {
        let name = address.to_string();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.clone()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        scene.put("mirror/mirror.py", PROGRAM);
        scene.put("mirror/cert.pem", &certificate.pem());
        scene.put("mirror/key.pem", &key.serialize_pem());
        let dir = scene.at("mirror");
        let mut child = Command::new("/usr/bin/python3")
            .arg(dir.join("mirror.py"))
            .args([&name, &name])
            .args([dir.join("cert.pem"), dir.join("key.pem"), dir.clone()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ports = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut ports).unwrap();
        let (port, other) = ports.trim().split_once(' ').unwrap();
        let mirror = Self {
            child,
            dir,
            host: format!("{name}:{port}"),
            other: format!("{name}:{other}"),
        };
        mirror.tell(scene);
        mirror
    }

    /// Writes the settings of cargo, pip and npm.
    fn tell(&self, scene: &Scene) {
        let (host, root) = (&self.host, self.dir.join("cert.pem").display().to_string());
        scene.put(
            "home/.cargo/config.toml",
            &format!(
                "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\nregistry = \"sparse+https://{host}/cargo/\"\n[http]\ncainfo = \"{root}\"\n"
            ),
        );
        scene.put(
            "config/pip/pip.conf",
            &format!("[global]\nindex-url = https://{host}/simple/\ncert = {root}\n"),
        );
        scene.put(
            "home/.npmrc",
            &format!("registry=https://{host}/npm/\ncafile={root}\n"),
        );
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The requests that it saw.
    pub(crate) fn hits(&self) -> Vec<String> {
        self.lines("hits")
    }

    /// What was published at it.
    pub(crate) fn published(&self) -> Vec<String> {
        self.lines("published")
    }
}
