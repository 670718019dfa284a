//! What breaks, hangs or floods: memory stays bounded, nothing is left open, nobody waits for ever.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::proxy::site::{PATIENCE, Site, hello, mirror, read_all, status};

const OPEN: &str = "
[capabilities]
web_fetch = \"low_risk\"
[budget]
max_cost_usd = 1000
[network]
hosts = [{ host = \"a.test\", trust = true }]
";

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
    let journal = std::fs::read_to_string(site.dir.path().join("net.jsonl")).unwrap();
    let ended = journal
        .lines()
        .filter(|line| line.contains("permitted"))
        .count();
    assert_eq!(ended, TUNNELS);
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
