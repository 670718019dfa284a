//! What breaks, hangs or floods: memory stays bounded, nothing is left open, nobody waits for ever.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};

use crate::proxy::site::{PATIENCE, Site, echo, hello, mirror, read_all, read_head, status};

const OPEN: &str = "
[capabilities]
web_fetch = \"low_risk\"
[budget]
max_cost_usd = 1000
[network]
hosts = [{ host = \"a.test\", trust = true }, { host = \"raw.test:2222\", trust = true }, \"*.dead.test\"]
";

/// What a fault may cost: far below what it would be held in one buffer each.
const BOUND_BYTES: u64 = 64 << 20;
const GIBIBYTE: u64 = 1 << 30;

/// Held by each test that measures or needs much: they share one process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

fn open_tunnel(site: &Site) -> TcpStream {
    let (mut stream, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 200, "{head}");
    stream.write_all(&hello(Some("a.test"))).unwrap();
    stream
}

/// Sends zeros on every connection until the other end has enough.
fn fountain() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let zeros = vec![0; 1 << 20];
                while stream.write_all(&zeros).is_ok() {}
            });
        }
    });
    address
}

/// A gibibyte through a tunnel, and another that nobody reads.
#[test]
fn a_gibibyte_needs_no_memory_and_a_slow_reader_holds_none() {
    let _alone = alone();
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", fountain());
    let before = resident();
    let slow: Vec<TcpStream> = (0..20).map(|_| open_tunnel(&site)).collect();
    let mut fast = open_tunnel(&site);
    let mut buffer = vec![0; 1 << 20];
    let mut left = 1u64 << 30;
    while left > 0 {
        let length = fast.read(&mut buffer).unwrap();
        assert!(length > 0);
        left = left.saturating_sub(length as u64);
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    drop(slow);
}

#[test]
fn many_tunnels_at_once_are_all_served_and_all_let_go() {
    /// Each takes two descriptors of the proxy and two of this test's own ends.
    const TUNNELS: usize = 400;
    let _alone = alone();
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", mirror());
    let mut streams: Vec<TcpStream> = (0..TUNNELS).map(|_| open_tunnel(&site)).collect();
    let open = |site: &Site| site.proxy.connections().len();
    assert!(open(&site) >= TUNNELS);
    for stream in &mut streams {
        stream.write_all(b"x").unwrap();
        let mut back = vec![0; hello(Some("a.test")).len() + 1];
        stream.read_exact(&mut back).unwrap();
    }
    drop(streams);
    let until = Instant::now() + PATIENCE;
    while open(&site) > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(open(&site), 0);
    // Each is written once its process was looked for.
    wait_until("tunnels are not written down", || {
        let journal = std::fs::read_to_string(site.dir.path().join("net.jsonl")).unwrap();
        let ended = journal.lines().filter(|line| line.contains("permitted"));
        ended.count() == TUNNELS
    });
}

#[test]
fn a_program_that_says_half_a_thing_is_let_go() {
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", mirror());
    // Half a hello, then the end: no byte of it leaves.
    let (mut stream, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 200, "{head}");
    let first = hello(Some("a.test"));
    stream.write_all(&first[..20]).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut stream), "");
    // Half a head, then the end.
    let mut stream = site.connect();
    stream.write_all(b"CONNECT a.test:443 HT").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(read_all(&mut stream), "");
    drop(open_tunnel(&site));
}

#[test]
fn bytes_of_no_protocol_end_one_connection_and_no_other() {
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", mirror());
    for noise in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\x04\x01\0\x50",
        b"\r\n\r\n\r\n\r\n",
        &[0xff; 70_000],
    ] {
        let mut stream = site.connect();
        let _gone = stream.write_all(noise);
        let _gone = stream.shutdown(std::net::Shutdown::Write);
        let answer = read_all(&mut stream);
        assert_ne!(status(&answer), 200, "{answer}");
    }
    drop(open_tunnel(&site));
}

/// A proxy that is gone is no way out.
#[test]
fn without_the_proxy_nothing_is_reached() {
    let mut site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", mirror());
    drop(open_tunnel(&site));
    site.end_jail();
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(site.port).is_ok() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(TcpStream::connect(site.port).is_err());
}

/// Answers one request with a gibibyte, and swallows what it is sent.
fn bulky() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let head = read_head(&mut stream);
                let mut buffer = vec![0; 1 << 20];
                let mut left = if head.starts_with("POST") {
                    GIBIBYTE
                } else {
                    0
                };
                while left > 0 {
                    match stream.read(&mut buffer) {
                        Ok(length) if length > 0 => left -= length as u64,
                        _ => return,
                    }
                }
                let answer = if head.starts_with("POST") {
                    0
                } else {
                    GIBIBYTE
                };
                let begun = format!("HTTP/1.1 200 OK\r\nContent-Length: {answer}\r\n\r\n");
                let mut left = answer;
                let mut written = stream.write_all(begun.as_bytes());
                while written.is_ok() && left > 0 {
                    written = stream.write_all(&buffer);
                    left -= buffer.len() as u64;
                }
            });
        }
    });
    address
}

/// Requests that are seen: a gibibyte either way, and twenty more in each that go no further.
#[test]
fn a_body_of_a_gibibyte_passes_either_way_and_is_never_held() {
    let _alone = alone();
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:80", bulky());
    let head = |method: &str, length: u64| {
        format!(
            "{method} http://a.test/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let before = resident();
    let begin = |text: String| {
        let mut stream = site.connect();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let mut buffer = vec![0; 1 << 20];
    let unread: Vec<TcpStream> = (0..20).map(|_| begin(head("GET", 0))).collect();
    let mut down = begin(head("GET", 0));
    assert_eq!(status(&read_head(&mut down)), 200);
    let mut left = GIBIBYTE;
    while left > 0 {
        let length = down.read(&mut buffer).unwrap();
        assert!(length > 0, "{left} bytes are missing");
        left -= length as u64;
    }
    let mut up = begin(head("POST", GIBIBYTE));
    for _ in 0..GIBIBYTE / buffer.len() as u64 {
        up.write_all(&buffer).unwrap();
    }
    assert_eq!(status(&read_head(&mut up)), 200);
    let grown = resident().saturating_sub(before);
    assert!(grown < BOUND_BYTES, "{grown} bytes more");
    drop(unread);
}

type Held = Arc<Mutex<Vec<TcpStream>>>;

/// A server that accepts and never reads or answers, and what it holds.
fn deaf() -> (SocketAddr, Held) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let held = Held::default();
    let holds = Arc::clone(&held);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            holds.lock().unwrap().push(stream);
        }
    });
    (address, held)
}

/// Writes until nothing more is taken.
fn fill(stream: &mut TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let zeros = vec![0; 1 << 20];
    let mut idle = 0;
    while idle < 50 {
        match stream.write(&zeros) {
            Ok(_) => idle = 0,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                idle += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(_) => return,
        }
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_host_that_reads_nothing_holds_no_memory_and_lets_go() {
    let _alone = alone();
    let site = Site::new(OPEN);
    let (address, held) = deaf();
    site.host("raw.test", "93.184.216.35:2222", address);
    let before = resident();
    let mut stuck: Vec<TcpStream> = (0..40).map(|_| site.tunnel("raw.test:2222").0).collect();
    stuck.iter_mut().for_each(fill);
    let grown = resident().saturating_sub(before);
    assert!(grown < BOUND_BYTES, "{grown} bytes more");
    held.lock().unwrap().clear();
    wait_until("tunnels stay open", || site.proxy.connections().is_empty());
}

/// Requests that are never answered: others pass, and they end with their programs.
#[test]
fn a_host_that_never_answers_holds_nothing_up() {
    let _alone = alone();
    let site = Site::new(OPEN);
    let (address, _held) = deaf();
    site.host("n0.dead.test", "93.184.216.36:80", address);
    site.host("a.test", "93.184.216.34:80", echo());
    let waiting: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = site.connect();
            stream
                .write_all(b"GET http://n0.dead.test/ HTTP/1.1\r\nHost: n0.dead.test\r\n\r\n")
                .unwrap();
            stream
        })
        .collect();
    wait_until("requests are not sent", || {
        site.wires.dialled().len() >= 300
    });
    let answer = site.get("http://a.test/x");
    assert_eq!(status(&answer), 200, "{answer}");
    drop(waiting);
    wait_until("requests stay open", || site.proxy.connections().is_empty());
}

/// A resolver that never answers: who needs it is told, who does not is served.
#[test]
fn a_dead_resolver_stops_no_host_that_is_known() {
    /// More than are looked up at once.
    const UNKNOWN: usize = 80;
    let site = Site::new(OPEN);
    site.host("raw.test", "93.184.216.35:2222", mirror());
    let (known, head) = site.tunnel("raw.test:2222");
    assert_eq!(status(&head), 200, "{head}");
    let mut lost: Vec<TcpStream> = (0..UNKNOWN)
        .map(|number| {
            let mut stream = site.connect();
            let host = format!("n{number}.dead.test:443");
            write!(stream, "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
            stream
        })
        .collect();
    wait_until("nothing is looked up", || site.names.asked().len() >= 64);
    let (_again, head) = site.tunnel("raw.test:2222");
    assert_eq!(status(&head), 200, "{head}");
    for stream in &mut lost {
        let answer = read_all(stream);
        assert_eq!(status(&answer), 502, "{answer}");
        assert!(answer.contains("the resolver does not answer"), "{answer}");
    }
    assert_eq!(site.wires.dialled().len(), 2);
    drop(known);
}

/// The host has said all it will: what the program still says arrives.
#[test]
fn one_half_of_a_tunnel_outlives_the_other() {
    let site = Site::new(OPEN);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    site.host(
        "raw.test",
        "93.184.216.35:2222",
        listener.local_addr().unwrap(),
    );
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    let (mut stream, head) = site.tunnel("raw.test:2222");
    assert_eq!(status(&head), 200, "{head}");
    stream.write_all(b"first").unwrap();
    assert_eq!(read_all(&mut stream), "");
    stream.write_all(&vec![7; 1_000_000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.join().unwrap(), 1_000_005);
    wait_until("the tunnel stays open", || {
        site.proxy.connections().is_empty()
    });
}

/// Ten thousand connections, a fifth of them tunnels, their peers in a process of their own.
#[test]
fn ten_thousand_connections_are_borne() {
    const TUNNELS: usize = 2000;
    const SILENT: usize = 8000;
    let _alone = alone();
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    if most < 2 * (TUNNELS + SILENT) as u64 {
        println!(
            "SKIPPED: proxy::faults::ten_thousand_connections_are_borne (missing: 20,000 descriptors)"
        );
        return;
    }
    let site = Site::new(OPEN);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/proxy/crowd.py");
    let mut crowd = Command::new("/usr/bin/python3")
        .arg(script)
        .args([usize::from(site.port.port()), TUNNELS, SILENT].map(|own| own.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = crowd.stdin.take().unwrap();
    let mut said = BufReader::new(crowd.stdout.take().unwrap()).lines();
    let mut next = || said.next().map(Result::unwrap).unwrap_or_default();
    let said_port = next();
    let server = said_port.strip_prefix("listening ").unwrap();
    let server = format!("127.0.0.1:{server}").parse().unwrap();
    site.host("raw.test", "93.184.216.35:2222", server);
    let before = resident();
    orders.write_all(b"go\n").unwrap();
    assert_eq!(next(), "open");
    let grown = resident().saturating_sub(before);
    assert!(grown < 4 * BOUND_BYTES, "{grown} bytes more");
    orders.write_all(b"go\n").unwrap();
    assert_eq!(next(), format!("passed {TUNNELS}"));
    crowd.kill().unwrap();
    crowd.wait().unwrap();
    wait_until("connections stay open", || {
        site.proxy.connections().is_empty()
    });
    site.host("a.test", "93.184.216.34:443", mirror());
    drop(open_tunnel(&site));
}

/// A proxy that is dropped cuts what is open and takes nothing new.
#[test]
fn a_dropped_proxy_cuts_and_takes_nothing_new() {
    let site = Site::new(OPEN);
    site.host("a.test", "93.184.216.34:443", mirror());
    let mut open = open_tunnel(&site);
    let mut back = vec![0; hello(Some("a.test")).len()];
    open.read_exact(&mut back).unwrap();
    let port = site.port;
    drop(site);
    assert_eq!(read_all(&mut open), "");
    wait_until("it still listens", || TcpStream::connect(port).is_err());
}
