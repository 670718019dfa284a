//! Other proxies, started for the run and ended with it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running rival and its port.
pub(crate) struct Rival {
    child: Child,
    pub(crate) port: SocketAddr,
    pub(crate) name: String,
    dir: tempfile::TempDir,
}

impl Drop for Rival {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

fn version(program: &Path, args: &[&str]) -> String {
    let said = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let word = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    text.split_whitespace()
        .find(word)
        .unwrap_or_default()
        .to_owned()
}

fn start(mut command: Command, port: SocketAddr, name: String, dir: tempfile::TempDir) -> Rival {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(port).is_err() {
        assert!(Instant::now() < until, "{name} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    Rival {
        child,
        port,
        name,
        dir,
    }
}

/// `tinyproxy` without filters, logging errors alone.
pub(crate) fn tinyproxy(program: &Path) -> Rival {
    let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
    let config = dir.path().join("tinyproxy.conf");
    let text = format!(
        "Port {}\nListen 127.0.0.1\nTimeout 600\nMaxClients 1000\nLogFile \"{}\"\nLogLevel Error\n",
        port.port(),
        dir.path().join("log").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(program);
    command.arg("-d").arg("-c").arg(&config);
    let name = format!("tinyproxy {}", version(program, &["-v"]));
    start(command, port, name, dir)
}

/// `mitmdump` without scripts or output, trusting the origin.
pub(crate) fn mitmdump(program: &Path, origin_root: &str) -> Rival {
    let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
    let root = dir.path().join("origin.pem");
    std::fs::write(&root, origin_root).unwrap();
    let mut command = Command::new(program);
    command.args(["-q", "--listen-host", "127.0.0.1", "--listen-port"]);
    command.arg(port.port().to_string());
    command.args(["--set", "flow_detail=0", "--set"]);
    command.arg(format!("confdir={}", dir.path().display()));
    command.arg("--set");
    command.arg(format!("ssl_verify_upstream_trusted_ca={}", root.display()));
    let name = format!("mitmdump {}", version(program, &["--version"]));
    start(command, port, name, dir)
}

impl Rival {
    /// The certificate that `mitmdump` made for itself.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        let path: PathBuf = self.dir.path().join("mitmproxy-ca-cert.pem");
        std::fs::read(path).unwrap()
    }
}
