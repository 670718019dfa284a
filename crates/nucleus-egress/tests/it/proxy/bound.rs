//! Bound credentials: the value on its own route and header, the placeholder everywhere else, nothing of the value back.

mod answers;
mod elsewhere;

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nucleus_egress::Guards;
use nucleus_egress::credentials::Credentials;
use nucleus_spec::{Credential, Scheme, SecretSource};
use portcullis::host::{HostPattern, HostRule, UrlPathPattern};
use zeroize::Zeroizing;

use crate::proxy::inspected::{Both, Origin, read_tls, tls};
use crate::proxy::site::{PATIENCE, Setting, Site, status};

const SECRET: &str = "ghp_canary0123456789abcdefghijklmnopqr/+";

/// No rule speaks of methods or paths: the bindings alone have the hosts inspected.
const POLICY: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [
  { host = \"api.test\", trust = true },
  { host = \"other.test\", paths = [\"/**\"], trust = true },
]
";

/// What a server saw: heads and bodies, in order.
type Seen = Arc<Mutex<Vec<String>>>;

fn binding(name: &str, host: &str, header: &str, scheme: Scheme) -> Credential {
    let path = UrlPathPattern::parse("/v1/**").unwrap();
    let rule = HostRule::new(HostPattern::parse(host).unwrap())
        .with_methods(["GET", "POST"])
        .unwrap()
        .with_paths([path])
        .unwrap();
    Credential {
        name: name.to_owned(),
        source: SecretSource::Variable(name.to_owned()),
        routes: vec![rule],
        header: header.to_owned(),
        scheme,
        user: None,
    }
}

fn held(binding: Credential) -> Credentials {
    Credentials::new([(binding, Zeroizing::new(SECRET.to_owned()))]).unwrap()
}

/// Reads one request; its body by length or in chunks as sent.
fn request(stream: &mut dyn Both) -> Option<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    let mut until = |text: &mut Vec<u8>, end: &[u8]| loop {
        if stream.read_exact(&mut byte).is_err() {
            return false;
        }
        text.push(byte[0]);
        if text.ends_with(end) {
            return true;
        }
    };
    if !until(&mut text, b"\r\n\r\n") {
        return None;
    }
    let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        until(&mut text, b"0\r\n\r\n");
    } else if let Some(length) = head.split("content-length: ").nth(1) {
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        text.extend(body);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A server that answers everything with these bytes, in pieces of this length.
fn origin(answer: &[u8], step: usize) -> (Origin, Seen) {
    let seen = Seen::default();
    let (writes, answer) = (Arc::clone(&seen), answer.to_vec());
    let origin = Origin::new(&["api.test", "other.test"], move |stream: &mut dyn Both| {
        while let Some(text) = request(stream) {
            writes.lock().unwrap().push(text);
            for piece in answer.chunks(step) {
                if stream
                    .write_all(piece)
                    .and_then(|()| stream.flush())
                    .is_err()
                {
                    return;
                }
            }
        }
    });
    (origin, seen)
}

fn plain_answer() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec()
}

/// A site with the secret bound to `api.test`, the server of both hosts, and the placeholder.
fn site(answer: &[u8], step: usize, binding: Credential) -> (Site, Seen, String) {
    let (origin, seen) = origin(answer, step);
    let credentials = held(binding);
    let placeholder = credentials.environment().remove(0).1;
    let site = Site::with(
        POLICY,
        Setting {
            roots: origin.root.clone(),
            guards: Guards {
                credentials,
                ..Guards::default()
            },
            ..Setting::default()
        },
    );
    site.host("api.test", "93.184.216.50:443", origin.address);
    site.host("other.test", "93.184.216.51:443", origin.address);
    (site, seen, placeholder)
}

fn usual(answer: &[u8]) -> (Site, Seen, String) {
    site(
        answer,
        1 << 20,
        binding("GITHUB_TOKEN", "api.test", "authorization", Scheme::Any),
    )
}

/// Sends a request to a host and reads the whole answer.
fn ask(site: &Site, host: &str, line: &str, headers: &str, body: &[u8]) -> String {
    let mut stream = tls(site, &format!("{host}:443"), host, &[]).unwrap();
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    let head =
        format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{length}{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let _refused = stream.write_all(body);
    read_tls(&mut stream)
}

/// The body of a message, its chunks joined.
fn body_of(text: &str) -> String {
    let (head, mut rest) = text.split_once("\r\n\r\n").unwrap_or_default();
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return rest.to_owned();
    }
    let mut body = String::new();
    while let Some((digits, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(digits, 16).unwrap();
        let length = length.min(after.len());
        if length == 0 {
            break;
        }
        body.push_str(&after[..length]);
        rest = after[length..].trim_start_matches("\r\n");
    }
    body
}

fn taken(seen: &Seen) -> Vec<String> {
    std::mem::take(&mut *seen.lock().unwrap())
}

/// Everything that the session has written.
fn written(site: &Site) -> String {
    let mut text = site.log();
    for entry in std::fs::read_dir(site.dir.path()).unwrap() {
        text.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
    }
    text
}

#[test]
fn the_value_is_put_in_where_the_program_wrote_the_placeholder() {
    let (site, seen, placeholder) = usual(&plain_answer());
    let basic = |secret: &str| STANDARD.encode(format!("me:{secret}"));
    for (sent, arrived) in [
        (format!("Bearer {placeholder}"), format!("Bearer {SECRET}")),
        (format!("token {placeholder}"), format!("token {SECRET}")),
        (
            format!("Basic {}", basic(&placeholder)),
            format!("Basic {}", basic(SECRET)),
        ),
    ] {
        let answer = ask(
            &site,
            "api.test",
            "GET /v1/a?b=c",
            &format!("Authorization: {sent}\r\n"),
            b"",
        );
        assert_eq!(status(&answer), 200, "{answer}");
        let seen = taken(&seen);
        assert!(
            seen[0].contains(&format!("authorization: {arrived}\r\n")),
            "{seen:?}"
        );
        assert!(!seen[0].contains(&placeholder), "{seen:?}");
    }
    let written = written(&site);
    assert!(
        written.contains("GITHUB_TOKEN"),
        "the record names what was put in"
    );
    assert!(!written.contains(SECRET) && !written.contains(&basic(SECRET)));
    assert!(!format!("{:?}", site.proxy).contains(SECRET));
}

#[test]
fn a_header_of_its_own_takes_the_value_alone() {
    let own = binding("KEY", "api.test", "x-api-key", Scheme::Bare);
    let (site, seen, placeholder) = site(&plain_answer(), 100, own);
    let answer = ask(
        &site,
        "api.test",
        "GET /v1/a",
        &format!("X-Api-Key: {placeholder}\r\n"),
        b"",
    );
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(taken(&seen)[0].contains(&format!("x-api-key: {SECRET}\r\n")));
    for wrong in [
        format!("Authorization: Bearer {placeholder}\r\n"),
        format!("X-Api-Key: Bearer {placeholder}\r\n"),
    ] {
        assert_eq!(
            status(&ask(&site, "api.test", "GET /v1/a", &wrong, b"")),
            403,
            "{wrong}"
        );
    }
    assert!(taken(&seen).is_empty());
}
