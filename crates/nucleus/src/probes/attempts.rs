//! The attempts, each as a jailed program would make it.

use std::fs::{self, OpenOptions};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portcullis::ContentDigest;

use super::targets::ACTIVATION;

/// How long a dial waits: a host without the wall answers at once.
const DIAL: Duration = Duration::from_millis(500);
/// Writable parts of `/proc` and `/sys` through which a host is taken over.
const KERNEL_FILES: [&str; 5] = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sysrq-trigger",
    "/sys/kernel/uevent_helper",
];
/// Public addresses of resolvers: a packet to them leaves where a route exists.
const OUTSIDE: [&str; 2] = ["1.1.1.1:53", "[2606:4700:4700::1111]:53"];

/// What the attempts are aimed at.
pub(super) struct Aims {
    canary: PathBuf,
    socket: PathBuf,
    token: String,
    port: u16,
    pid: i32,
    command: String,
    workspace: PathBuf,
}

impl Aims {
    pub(super) fn parse(mut args: impl Iterator<Item = String>) -> Option<Self> {
        Some(Self {
            canary: args.next()?.into(),
            socket: args.next()?.into(),
            token: args.next()?,
            port: args.next()?.parse().ok()?,
            pid: args.next()?.parse().ok()?,
            command: args.next()?,
            workspace: args.next()?.into(),
        })
    }
}

/// What the attempt reached; `None` when it failed.
pub(super) fn attempt(name: &str, aims: &Aims) -> Option<String> {
    match name {
        "canary" => canary(aims),
        "dial" => dial(aims),
        "host-socket" => host_socket(aims),
        "activation" => activation(aims),
        "kernel-settings" => kernel_settings(),
        "other-process" => other_process(aims),
        // FAIL-CLOSED: an attempt that is not known did not fail.
        _ => Some("not a known attempt".to_owned()),
    }
}

/// Reads a world-readable file of the host, by its path and through every process's root.
fn canary(aims: &Aims) -> Option<String> {
    let under = |root: &str| PathBuf::from(format!("{root}{}", aims.canary.display()));
    ["", "/proc/1/root", "/proc/self/root", "/proc/1/cwd"]
        .into_iter()
        .map(under)
        .find(|path| fs::read_to_string(path).is_ok_and(|text| text == aims.token))
        .map(|path| format!("read {}", path.display()))
}

/// Reaches a listener of the host's, and the world.
fn dial(aims: &Aims) -> Option<String> {
    let local = SocketAddr::from(([127, 0, 0, 1], aims.port));
    if TcpStream::connect_timeout(&local, DIAL).is_ok() {
        return Some(format!("reached the host at {local}"));
    }
    OUTSIDE
        .into_iter()
        .find(|address| sends(address))
        .map(|address| format!("sent to {address}"))
}

fn sends(address: &str) -> bool {
    let Ok(to) = address.parse::<SocketAddr>() else {
        return true;
    };
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    UdpSocket::bind(any).is_ok_and(|socket| socket.send_to(b"probe", to).is_ok())
}

/// Reaches sockets of the host's, in its tree and abstract.
fn host_socket(aims: &Aims) -> Option<String> {
    if UnixStream::connect(&aims.socket).is_ok() {
        return Some("reached a socket in the host's tree".to_owned());
    }
    let name = format!("nucleus-probe-{}", aims.token);
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
    UnixStream::connect_addr(&address)
        .is_ok()
        .then(|| "reached an abstract socket of the host".to_owned())
}

/// Writes a file that the host would run; what counts is whether the real tree has it afterwards.
fn activation(aims: &Aims) -> Option<String> {
    // Writing into the overlay is allowed: the outside looks at the real tree.
    let _ = fs::write(aims.workspace.join(ACTIVATION), "touch /tmp/pwned\n");
    let beside = aims.canary.with_file_name(ACTIVATION);
    fs::write(&beside, "touch /tmp/pwned\n")
        .is_ok()
        .then(|| format!("wrote {}", beside.display()))
}

/// Opens settings of the kernel for writing.
fn kernel_settings() -> Option<String> {
    let opens = |path: &&str| OpenOptions::new().write(true).open(path).is_ok();
    KERNEL_FILES
        .into_iter()
        .find(opens)
        .map(|path| format!("opened {path} for writing"))
}

/// Sees or signals the process that started the session.
fn other_process(aims: &Aims) -> Option<String> {
    let numbers = processes();
    let is_host = |number: &i32| {
        fs::read(Path::new("/proc").join(number.to_string()).join("cmdline"))
            .is_ok_and(|bytes| ContentDigest::of(&bytes).to_string() == aims.command)
    };
    if let Some(number) = numbers.iter().find(|number| is_host(number)) {
        return Some(format!("saw the host's process as {number}"));
    }
    let pid = rustix::process::Pid::from_raw(aims.pid)?;
    let is_own = numbers.contains(&aims.pid);
    let signals = !is_own && rustix::process::test_kill_process(pid).is_ok();
    signals.then(|| "could signal the host's process".to_owned())
}

fn processes() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}
