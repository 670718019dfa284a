//! Opaque tunnels: CONNECT and SOCKS5, bytes both ways, and a hello that must name the target.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use crate::proxy::site::{PATIENCE, Site, echo, hello, mirror, read_all, status};

const HOSTS: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [\"a.test\", \"raw.test:2222\", \"93.184.216.40:443\"]
";

#[test]
fn bytes_pass_both_ways_and_an_end_is_passed_on() {
    let site = Site::new(HOSTS);
    site.host("a.test", "93.184.216.34:443", mirror());
    let (mut stream, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 200, "{head}");
    let first = hello(Some("a.test"));
    stream.write_all(&first).unwrap();
    let mut back = vec![0; first.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, first);
    let bulk: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
    let mut sender = stream.try_clone().unwrap();
    let sent = bulk.clone();
    let sending = std::thread::spawn(move || {
        sender.write_all(&sent).unwrap();
        sender.shutdown(Shutdown::Write).unwrap();
    });
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).unwrap();
    sending.join().unwrap();
    assert!(whole == bulk, "{} of {} bytes", whole.len(), bulk.len());
}

/// C10: an encrypted hello within the outer one changes nothing: the name that is seen must be the target's, and the host is a sink.
#[test]
fn an_encrypted_hello_is_held_to_the_name_it_shows() {
    let site = Site::new(HOSTS);
    site.host("a.test", "93.184.216.34:443", mirror());
    for (name, passes) in [
        (Some("a.test"), true),
        (Some("front.test"), false),
        (None, false),
    ] {
        let first = with_encrypted_hello(&hello(name));
        let (mut stream, head) = site.tunnel("a.test:443");
        assert_eq!(status(&head), 200, "{head}");
        stream.write_all(&first).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut back = Vec::new();
        let _reset = stream.read_to_end(&mut back);
        assert_eq!(back == first, passes, "{name:?}: {back:?}");
    }
    assert!(
        site.monitor
            .exposure()
            .contains(portcullis::Label::ExfilVector)
    );
}

/// The same hello with an `encrypted_client_hello` extension (0xfe0d) behind the others.
fn with_encrypted_hello(first: &[u8]) -> Vec<u8> {
    const EXTENSION: [u8; 8] = [0xfe, 0x0d, 0, 4, 0, 1, 2, 3];
    let mut bytes = [first, &EXTENSION].concat();
    let grow = |bytes: &mut [u8]| {
        let length = u16::from_be_bytes([bytes[0], bytes[1]]) + EXTENSION.len() as u16;
        bytes.copy_from_slice(&length.to_be_bytes());
    };
    // The record, the message, and the list of extensions: behind 2 bytes of version, 32 of random, an empty
    // session, one suite and one compression.
    for at in [3, 7, 50] {
        grow(&mut bytes[at..at + 2]);
    }
    bytes
}

/// C9, C10: another host within, none, or something that is no TLS.
#[test]
fn a_hello_that_does_not_name_the_target_goes_nowhere() {
    for (name, first) in [
        ("other", hello(Some("evil.test"))),
        ("none", hello(None)),
        ("address", hello(Some("93.184.216.34"))),
        ("raw", b"SSH-2.0-x\r\n".to_vec()),
        ("bytes", vec![0; 64]),
    ] {
        let site = Site::new(HOSTS);
        let (sent, received) = std::sync::mpsc::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        site.host(
            "a.test",
            "93.184.216.34:443",
            listener.local_addr().unwrap(),
        );
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = Vec::new();
            let _broken = stream.read_to_end(&mut bytes);
            sent.send(bytes).unwrap();
        });
        let (mut stream, head) = site.tunnel("a.test:443");
        assert_eq!(status(&head), 200, "{head}");
        stream.write_all(&first).unwrap();
        let answer = read_all(&mut stream);
        assert!(answer.len() <= 7, "{name}: {answer:?}");
        let leaked = received.recv_timeout(PATIENCE).unwrap();
        assert!(leaked.is_empty(), "{name}: {leaked:?}");
    }
}

#[test]
fn an_address_needs_no_name_and_a_named_port_any_protocol() {
    let site = Site::new(HOSTS);
    site.wires.lead("93.184.216.40:443", mirror());
    let (mut stream, head) = site.tunnel("93.184.216.40:443");
    assert_eq!(status(&head), 200, "{head}");
    let first = hello(None);
    stream.write_all(&first).unwrap();
    let mut back = vec![0; first.len()];
    stream.read_exact(&mut back).unwrap();
    site.host("raw.test", "93.184.216.41:2222", mirror());
    let (mut stream, head) = site.tunnel("raw.test:2222");
    assert_eq!(status(&head), 200, "{head}");
    stream.write_all(b"SSH-2.0-x\r\n").unwrap();
    let mut back = [0; 11];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"SSH-2.0-x\r\n");
}

#[test]
fn a_refused_tunnel_says_why_and_dials_nothing() {
    let site = Site::new(HOSTS);
    for target in [
        "evil.test:443",
        "a.test:8443",
        "raw.test:22",
        "127.0.0.1:443",
    ] {
        let mut stream = site.connect();
        write!(
            stream,
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        )
        .unwrap();
        let answer = read_all(&mut stream);
        assert_eq!(status(&answer), 403, "{target}: {answer}");
        assert!(
            answer.contains("\"error\"") && answer.contains("reason"),
            "{answer}"
        );
    }
    assert!(site.wires.dialled().is_empty() && site.names.asked().is_empty());
}

#[test]
fn a_host_that_does_not_answer_is_an_error_not_a_hang() {
    let site = Site::new(HOSTS);
    site.names.set("a.test", &[&["93.184.216.34"]]);
    let mut stream = site.connect();
    stream
        .write_all(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    assert_eq!(status(&read_all(&mut stream)), 502);
    let unknown = Site::new(HOSTS).get("http://a.test/");
    assert_eq!(status(&unknown), 502, "{unknown}");
}

/// Requests within a tunnel are requests: their `Host` is held to the tunnel's.
#[test]
fn plain_requests_in_a_tunnel_are_judged_one_by_one() {
    let site = Site::new(HOSTS);
    site.host("a.test", "93.184.216.34:80", echo());
    let ask = |host: &str| {
        let (mut stream, head) = site.tunnel("a.test:80");
        assert_eq!(status(&head), 200, "{head}");
        write!(
            stream,
            "GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        read_all(&mut stream)
    };
    assert!(ask("a.test").contains("saw GET /x"));
    assert_eq!(status(&ask("evil.test")), 403);
}

fn socks(site: &Site, request: &[u8]) -> (std::net::TcpStream, Vec<u8>) {
    let mut stream = site.connect();
    stream.write_all(&[5, 1, 0]).unwrap();
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).unwrap();
    assert_eq!(greeting, [5, 0]);
    stream.write_all(request).unwrap();
    let mut answer = vec![0; 10];
    stream.read_exact(&mut answer).unwrap();
    (stream, answer)
}

fn by_name(command: u8, name: &str, port: u16) -> Vec<u8> {
    let mut request = vec![5, command, 0, 3, name.len() as u8];
    request.extend(name.as_bytes());
    request.extend(port.to_be_bytes());
    request
}

#[test]
fn socks_takes_names_and_says_what_is_not_allowed() {
    let site = Site::new(HOSTS);
    site.host("a.test", "93.184.216.34:443", mirror());
    let (mut stream, answer) = socks(&site, &by_name(1, "a.test", 443));
    assert_eq!(answer[1], 0);
    let first = hello(Some("a.test"));
    stream.write_all(&first).unwrap();
    let mut back = vec![0; first.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, first);
    for (request, code) in [
        (by_name(1, "evil.test", 443), 2),
        (by_name(1, "a\0.test", 443), 8),
        (by_name(2, "a.test", 443), 7),
        (by_name(3, "a.test", 443), 7),
        (vec![5, 1, 0, 1, 127, 0, 0, 1, 0, 80], 2),
        (vec![5, 1, 0, 9, 0, 0, 0, 0, 0, 0], 8),
    ] {
        assert_eq!(socks(&site, &request).1[1], code, "{request:?}");
    }
    assert_eq!(site.names.asked(), ["a.test"]);
}

#[test]
fn socks_with_a_password_alone_is_refused() {
    let site = Site::new(HOSTS);
    let mut stream = site.connect();
    stream.write_all(&[5, 1, 2]).unwrap();
    assert_eq!(read_all(&mut stream).as_bytes()[..1], [5]);
}
