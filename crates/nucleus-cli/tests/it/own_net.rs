//! A network of a test's own, with names of its own: whatever they are called, they are served by this machine.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::fixture::{Scene, is_root, skip};

/// Public by its number, as the proxy demands of a forge; here it is a loopback device's.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(140, 82, 121, 3);

/// Gives the loopback device the address, the names to whoever asks, and stays until its input ends.
const SETUP: &str = "
import ctypes, fcntl, socket, struct, sys
hosts, address = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack('16sH22x', b'lo', 0x41))
    fcntl.ioctl(s, 0x8916, struct.pack('16sHH4s16x', b'lo:1', socket.AF_INET, 0, socket.inet_aton(address)))
if ctypes.CDLL(None, use_errno=True).mount(hosts.encode(), b'/etc/hosts', None, 0x1000, None):
    raise OSError(ctypes.get_errno(), 'bind /etc/hosts')
print('ready', flush=True)
sys.stdin.read()
";

/// The network; it ends with the test.
#[derive(Debug)]
pub(crate) struct OwnNet {
    holder: Child,
}

impl Drop for OwnNet {
    fn drop(&mut self) {
        let _gone = self.holder.kill();
        let _gone = self.holder.wait();
    }
}

impl OwnNet {
    /// A network in which these names lead to its one address; none for a user who cannot make it, which is counted.
    pub(crate) fn start(test: &str, scene: &Scene, names: &[&str]) -> Option<Self> {
        if !is_root() {
            skip(test, "root");
            return None;
        }
        scene.put(
            "hosts",
            &format!("127.0.0.1 localhost\n{ADDRESS} {}\n", names.join(" ")),
        );
        let mut holder = Command::new("/usr/bin/unshare")
            .args(["--net", "--mount", "--", "/usr/bin/python3", "-c", SETUP])
            .arg(scene.at("hosts"))
            .arg(ADDRESS.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(holder.stdout.take().unwrap());
        output.read_line(&mut said).unwrap();
        let own = Self { holder };
        assert_eq!(said, "ready\n", "there is no network of its own");
        Some(own)
    }

    pub(crate) fn address(&self) -> IpAddr {
        IpAddr::V4(ADDRESS)
    }

    /// The words before a command that is to run in it, in this directory.
    pub(crate) fn prefix(&self, dir: &Path) -> Vec<String> {
        let (process, dir) = (self.holder.id().to_string(), dir.display().to_string());
        let words = [
            "/usr/bin/nsenter",
            "--target",
            &process,
            "--net",
            "--mount",
            "--",
        ];
        let inside = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", &dir];
        words
            .iter()
            .chain(&inside)
            .map(|word| (*word).to_owned())
            .collect()
    }
}
