//! Finds which process of a jail made a connection, by what the kernel says in `/proc`. **A name for people: the program chose it, and nothing is decided by it.**

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// The most processes of a jail that are looked at, and the most descriptors of them together: a search ends in some milliseconds.
const MAX_PROCESSES: usize = 1024;
const MAX_DESCRIPTORS: usize = 16_384;
/// The longest table of sockets that is read: beyond it, a jail has more than a hundred thousand.
const MAX_TABLE_BYTES: u64 = 16 << 20;
/// The longest name, in characters.
const MAX_NAME: usize = 64;

/// Both ends of a connection as the jail's own socket has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) own: SocketAddr,
    pub(super) other: SocketAddr,
}

/// The names of the processes that own these connections, by the number of the jail's first process; what is not found is left out.
pub(super) fn names(first: u32, wanted: &[Ends]) -> HashMap<Ends, String> {
    let wanted: HashSet<Ends> = wanted.iter().copied().map(Ends::canonical).collect();
    let mut sockets = HashMap::new();
    for table in ["tcp", "tcp6"] {
        let path = format!("/proc/{first}/net/{table}");
        for line in read(Path::new(&path)).lines() {
            if let Some((ends, inode)) = socket(line)
                && wanted.contains(&ends)
            {
                sockets.insert(format!("socket:[{inode}]"), ends);
            }
        }
    }
    owners(first, sockets)
}

/// Looks for the sockets from the jail's first process on downwards, so that of several holders the oldest counts: it
/// opened what its children have inherited.
fn owners(first: u32, mut sockets: HashMap<String, Ends>) -> HashMap<Ends, String> {
    let mut found = HashMap::new();
    let mut left = VecDeque::from([first]);
    let (mut processes, mut descriptors) = (0, 0);
    while let Some(process) = left.pop_front() {
        let of_process = fs::read_dir(format!("/proc/{process}/fd"));
        for descriptor in of_process.into_iter().flatten().flatten() {
            descriptors += 1;
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            if let Some(ends) = target.to_str().and_then(|target| sockets.remove(target))
                && let Some(name) = name(process)
            {
                found.insert(ends, name);
            }
        }
        processes += 1;
        if sockets.is_empty() || processes >= MAX_PROCESSES || descriptors > MAX_DESCRIPTORS {
            break;
        }
        left.extend(children(process));
    }
    found
}

/// The processes that the threads of this one have started.
fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.map(|task| read(&task.path().join("children")));
    let numbers = lists.flat_map(|list| {
        let numbers = list.split_whitespace().filter_map(|word| word.parse().ok());
        numbers.collect::<Vec<u32>>()
    });
    numbers.collect()
}

/// What a process calls itself, and its program's file where that is another name.
fn name(process: u32) -> Option<String> {
    let own = read(Path::new(&format!("/proc/{process}/comm")));
    let own = own.strip_suffix('\n').unwrap_or(&own);
    let file = fs::read_link(format!("/proc/{process}/exe")).ok();
    let file = file.as_deref().and_then(Path::file_name);
    let file = file.map(|file| file.to_string_lossy().into_owned());
    match file {
        _ if own.is_empty() => file.map(|file| printable(&file)),
        Some(file) if !file.starts_with(own) => {
            Some(format!("{} ({})", printable(own), printable(&file)))
        }
        _ => Some(printable(own)),
    }
}

/// A name that a jail chose, without what a terminal or a reader would obey.
fn printable(name: &str) -> String {
    name.chars()
        .take(MAX_NAME)
        .flat_map(char::escape_debug)
        .collect()
}

/// A file of `/proc` as text; empty where it is gone.
fn read(path: &Path) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = fs::File::open(path);
    let _gone = file.and_then(|file| file.take(MAX_TABLE_BYTES).read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A line of `/proc/net/tcp` or `tcp6`: its ends and its inode; none for a socket that nobody holds.
fn socket(line: &str) -> Option<(Ends, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let ends = Ends {
        own: address(words.next()?)?,
        other: address(words.next()?)?,
    };
    let inode = words.nth(6)?.parse().ok()?;
    (inode != 0).then_some((ends.canonical(), inode))
}

/// `HEX:PORT`, the address in words of 32 bits of the machine's own order.
fn address(text: &str) -> Option<SocketAddr> {
    let (digits, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| {
        let word = u32::from_str_radix(digits.get(at * 8..at * 8 + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    };
    let ip = match digits.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

impl Ends {
    /// A program with a socket for both families has the addresses of one within the other.
    pub(super) fn canonical(self) -> Self {
        let canonical = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
        Self {
            own: canonical(self.own),
            other: canonical(self.other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn connected() -> (std::net::TcpStream, std::net::TcpStream, Ends) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let ends = Ends {
            own: stream.local_addr().unwrap(),
            other: stream.peer_addr().unwrap(),
        };
        (stream, accepted, ends)
    }

    #[test]
    fn a_connection_is_named_by_the_process_that_holds_it_and_by_none_when_it_is_closed() {
        let own = std::process::id();
        let (stream, _accepted, ends) = connected();
        let expected = name(own).unwrap();
        assert_eq!(names(own, &[ends]), HashMap::from([(ends, expected)]));
        drop(stream);
        assert_eq!(names(own, &[ends]), HashMap::new());
    }

    #[test]
    fn a_process_that_was_started_is_looked_at() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        assert!(children(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn addresses_are_read_in_both_families() {
        let ipv4 = format!("{:08X}:0050", u32::from_ne_bytes([127, 0, 0, 1]));
        assert_eq!(address(&ipv4), Some("127.0.0.1:80".parse().unwrap()));
        let mut mapped = String::new();
        for four in Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets().chunks(4) {
            let word = u32::from_ne_bytes(four.try_into().unwrap());
            write!(mapped, "{word:08X}").unwrap();
        }
        let line = format!(
            "0: {mapped}:0050 {mapped}:0051 01 00000000:00000000 00:00000000 00000000 0 0 77 1"
        );
        let ends = Ends {
            own: "127.0.0.1:80".parse().unwrap(),
            other: "127.0.0.1:81".parse().unwrap(),
        };
        assert_eq!(socket(&line), Some((ends, 77)));
        assert_eq!(
            socket(&line.replace(" 77 ", " 0 ")),
            None,
            "nobody holds it"
        );
        for odd in ["", "zz:1", "0100007F", "0100007F:zz", "0100007:0050"] {
            assert_eq!(address(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_name_that_a_terminal_would_obey_is_shown_escaped() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
        assert_eq!(printable(&"x".repeat(100)).len(), MAX_NAME);
    }
}
