//! A mirror of packages and a forge, served over TLS by this machine, as a user's own settings name it.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::fixture::Scene;
use crate::own_net::OwnNet;

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
        Self::serve(scene, &[], address, &[&name], "0")
    }

    /// Serves in a network of its own: packages under the first of these names, and the port of the web under all of them.
    pub(crate) fn start_in(net: &OwnNet, scene: &Scene, names: &[&str]) -> Self {
        let prefix = net.prefix(&scene.at("."));
        Self::serve(scene, &prefix, net.address(), names, "443")
    }

    fn serve(
        scene: &Scene,
        prefix: &[String],
        address: IpAddr,
        names: &[&str],
        other: &str,
    ) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certified: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = rcgen::CertificateParams::new(certified).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        scene.put("mirror/mirror.py", PROGRAM);
        scene.put("mirror/cert.pem", &certificate.pem());
        scene.put("mirror/key.pem", &key.serialize_pem());
        let (dir, name) = (scene.at("mirror"), names[0]);
        let path = |file: &str| dir.join(file).display().to_string();
        let (program, certificate, key) = (path("mirror.py"), path("cert.pem"), path("key.pem"));
        let (address, root) = (address.to_string(), dir.display().to_string());
        let own = [
            "/usr/bin/python3",
            &program,
            &address,
            name,
            &certificate,
            &key,
            &root,
            other,
        ];
        let mut words = prefix.iter().map(String::as_str).chain(own);
        let mut child = Command::new(words.next().unwrap())
            .args(words)
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
