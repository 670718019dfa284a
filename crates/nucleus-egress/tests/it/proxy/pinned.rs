//! Registries that are held to lockfiles: a locked artifact arrives, another never does whole, indexes pass.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use nucleus_egress::Guards;
use nucleus_egress::artifacts::{Artifacts, Pinned};
use portcullis::host::HostPattern;
use sha2::{Digest as _, Sha256};

use crate::proxy::site::{PATIENCE, Setting, Site, status};

const POLICY: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [{ host = \"registry.test\", paths = [\"/**\"] }, { host = \"other.test\", paths = [\"/**\"], trust = true }]
";

/// A gzip-like artifact of 300 KB.
fn artifact(mark: u8) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, mark];
    bytes.extend((0..300_000_u32).map(|at| (at % 253) as u8));
    bytes
}

/// A registry: `/locked.tgz`, `/other.tgz`, `/disguised`, `/encoded`, `/part`, `/small.whl`, and an index at any other path.
fn registry() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let (line, body) = match path {
                    "/locked.tgz" => ("200 OK", artifact(1)),
                    "/other.tgz" => ("200 OK", artifact(2)),
                    "/disguised" => ("200 OK\r\nContent-Type: application/json", artifact(2)),
                    "/encoded" => ("200 OK\r\nContent-Encoding: gzip", artifact(2)),
                    "/part" => ("206 Partial Content", artifact(1)[..9].to_vec()),
                    "/small.whl" => ("200 OK", b"PK\x03\x04 small".to_vec()),
                    "/missing" => ("404 Not Found", b"no such package".to_vec()),
                    _ => ("200 OK", format!("{{\"asked\":{head:?}}}").into_bytes()),
                };
                let start = format!(
                    "HTTP/1.1 {line}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _gone = stream.write_all(&[start.as_bytes(), &body].concat());
            });
        }
    });
    address
}

fn site() -> Site {
    site_of(POLICY, "registry.test:80")
}

/// The site under this policy, with this registry.
fn site_of(policy: &str, held: &str) -> Site {
    let sum: String = Sha256::digest(artifact(1))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut artifacts = Artifacts::default();
    assert_eq!(
        artifacts
            .add("requirements.txt", &format!("a==1 --hash=sha256:{sum}\n"))
            .unwrap(),
        1
    );
    let pinned = Pinned::new([HostPattern::parse(held).unwrap()], artifacts);
    let guards = Guards {
        pinned: Some(pinned),
        ..Guards::default()
    };
    let site = Site::with(
        policy,
        Setting {
            guards,
            ..Setting::default()
        },
    );
    let registry = registry();
    site.host("registry.test", "93.184.216.60:80", registry);
    site.host("other.test", "93.184.216.61:80", registry);
    site
}

/// The bytes that arrive, head and body.
fn get(site: &Site, url: &str) -> (u16, Vec<u8>) {
    let mut stream = site.connect();
    let host = url.split('/').nth(2).unwrap();
    write!(stream, "GET {url} HTTP/1.1\r\nHost: {host}\r\nRange: bytes=0-8\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let _broken_off = stream.read_to_end(&mut bytes);
    let at = memchr::memmem::find(&bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let code = status(&String::from_utf8_lossy(&bytes[..at]));
    (code, bytes.split_off(at))
}

#[test]
fn a_locked_artifact_arrives_and_another_never_does_whole() {
    let site = site();
    let (code, body) = get(&site, "http://registry.test/locked.tgz");
    assert!(code == 200 && body == artifact(1), "{code} {}", body.len());
    for path in ["other.tgz", "disguised"] {
        let (_, body) = get(&site, &format!("http://registry.test/{path}"));
        assert!(
            body.len() <= artifact(2).len() - (64 << 10),
            "{path}: {}",
            body.len()
        );
    }
    for path in ["encoded", "part", "small.whl"] {
        let (code, body) = get(&site, &format!("http://registry.test/{path}"));
        assert_eq!(code, 403, "{path}: {}", String::from_utf8_lossy(&body));
    }
    // The note is written after the cut.
    let until = std::time::Instant::now() + PATIENCE;
    let is_noted = |log: String| {
        log.contains("registry.test:80/other.tgz was cut off")
            && log.contains("none in the lockfiles")
    };
    while !is_noted(site.log()) {
        assert!(std::time::Instant::now() < until, "{}", site.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // The allow twin: what is no registry is not held to lockfiles.
    let (code, body) = get(&site, "http://other.test/other.tgz");
    assert!(code == 200 && body == artifact(2));
}

#[test]
fn an_upgrade_at_a_pinned_registry_is_refused() {
    let site = site();
    let ask = |host: &str| {
        site.say(&format!(
            "GET http://{host}/a HTTP/1.1\r\nHost: {host}\r\nUpgrade: anything\r\nConnection: upgrade\r\n\r\n"
        ))
    };
    let answer = ask("registry.test");
    assert!(answer.contains("artifact_upgrade"), "{answer}");
    assert!(site.wires.dialled().is_empty());
    let answer = ask("other.test");
    assert_eq!(status(&answer), 200, "the allow twin: {answer}");
}

#[test]
fn indexes_and_errors_pass_and_are_asked_for_plain_and_whole() {
    let site = site();
    let (code, body) = get(&site, "http://registry.test/simple/a/");
    let text = String::from_utf8(body).unwrap().to_ascii_lowercase();
    assert!(
        code == 200 && text.contains("accept-encoding: identity"),
        "{text}"
    );
    assert!(!text.contains("range:"), "{text}");
    let (code, body) = get(&site, "http://registry.test/missing");
    assert!(code == 404 && body == b"no such package");
}

#[test]
fn a_pinned_registry_is_inspected_whatever_its_rule_says() {
    let opaque = "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [\"registry.test\", \"other.test\"]\n";
    let site = site_of(opaque, "registry.test:443");
    site.host("other.test", "93.184.216.62:443", registry());
    // An opaque tunnel is dialled for its CONNECT, an inspected one for the requests in it.
    let (_held, answer) = site.tunnel("registry.test:443");
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(site.wires.dialled().is_empty());
    let (_twin, answer) = site.tunnel("other.test:443");
    assert_eq!(status(&answer), 200, "{answer}");
    assert_eq!(site.wires.dialled().len(), 1, "the twin");
}
