//! One hop at a time, to the addresses given and to no other.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use nucleus::ports::{Fetch as _, Hop, HopReply};
use nucleus_egress::credentials::Credentials;
use nucleus_egress::{DirectFetch, GuardedFetch};
use nucleus_spec::{Credential, Scheme, SecretSource};
use portcullis::host::{HostPattern, HostRule};
use portcullis::request::UrlSubject;
use zeroize::Zeroizing;

use crate::fixture::{Session, answer, server, url};

const PATIENCE: Duration = Duration::from_secs(60);

fn hop<'a>(url: &'a UrlSubject, addresses: &'a [SocketAddr]) -> Hop<'a> {
    Hop {
        url,
        addresses,
        body: b"",
        body_bytes: 1 << 20,
        limit: PATIENCE,
    }
}

fn fetched(url: &UrlSubject, hop: &Hop<'_>) -> std::io::Result<HopReply> {
    let session = Session::new();
    DirectFetch::new()
        .unwrap()
        .fetch(session.fetch_permit(url), hop)
}

/// A fetch beside a secret that is bound to `bound.test`, and the secret's placeholder.
fn guarded() -> (GuardedFetch, String) {
    let binding = Credential {
        name: "TOKEN".to_owned(),
        source: SecretSource::Variable("TOKEN".to_owned()),
        routes: vec![HostRule::new(HostPattern::parse("bound.test").unwrap())],
        header: "authorization".to_owned(),
        scheme: Scheme::Any,
        user: None,
    };
    let value = Zeroizing::new("ghp_canary0123456789abcdefghijklmnopqrst".to_owned());
    let credentials = Credentials::new([(binding, value)]).unwrap();
    let placeholder = credentials.environment().remove(0).1;
    let direct = Arc::new(DirectFetch::new().unwrap());
    (GuardedFetch::new(direct, credentials), placeholder)
}

#[test]
fn a_fetch_carries_no_placeholder_and_no_key_to_a_bound_host_and_gets_none() {
    let (address, seen) = server(answer("200 OK", &[], "page"));
    let (fetch, placeholder) = guarded();
    let session = Session::new();
    let try_it = |host: &str, query: &str, body: &[u8]| {
        let mut url = url("http", host, 80, "/v1/me");
        url.query = query.to_owned();
        let addresses = [address];
        let hop = Hop {
            body,
            ..hop(&url, &addresses)
        };
        fetch.fetch(session.fetch_permit(&url), &hop)
    };
    let encoded: String = placeholder.bytes().map(|b| format!("%{b:02x}")).collect();
    for (host, query, body) in [
        ("bound.test", format!("q={placeholder}"), ""),
        ("other.test", format!("q={placeholder}"), ""),
        ("other.test", format!("q={encoded}"), ""),
        ("other.test", String::new(), placeholder.as_str()),
        ("bound.test", "access_token=own".to_owned(), ""),
    ] {
        let error = try_it(host, &query, body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("use a program"), "{error}");
    }
    assert!(seen.try_recv().is_err(), "nothing was sent");
    for (host, query) in [("bound.test", "q=word"), ("other.test", "access_token=own")] {
        assert_eq!(try_it(host, query, b"word").unwrap().body, b"page");
        let seen = seen.recv().unwrap();
        assert_eq!(seen.header("authorization"), None, "{host}");
    }
}

#[test]
fn a_page_comes_back_whole() {
    let (address, seen) = server(answer("200 OK", &[("content-type", "text/plain")], "hello"));
    let url = url("http", "example.com", 80, "/a/b");
    let reply = fetched(&url, &hop(&url, &[address])).unwrap();
    let expected = HopReply {
        status: 200,
        location: None,
        content_type: Some("text/plain".to_owned()),
        body: b"hello".to_vec(),
        is_cut: false,
    };
    assert_eq!(reply, expected);
    let seen = seen.recv().unwrap();
    assert_eq!(seen.line, "GET /a/b HTTP/1.1");
    assert_eq!(seen.header("host"), Some("example.com"));
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    assert_eq!(seen.header("cookie"), None);
    assert_eq!(seen.header("authorization"), None);
}

#[test]
fn the_name_is_not_looked_up_again() {
    let (address, seen) = server(answer("200 OK", &[], "pinned"));
    let url = url("http", "name.invalid", 80, "/");
    let reply = fetched(&url, &hop(&url, &[address])).unwrap();
    assert_eq!(reply.body, b"pinned");
    assert_eq!(seen.recv().unwrap().header("host"), Some("name.invalid"));
}

#[test]
fn a_redirect_is_returned_and_not_followed() {
    let (trap, trapped) = server(answer("200 OK", &[], "trap"));
    let target = format!("http://{trap}/secret");
    let (address, _) = server(answer("302 Found", &[("location", &target)], ""));
    let url = url("http", "example.com", 80, "/");
    let reply = fetched(&url, &hop(&url, &[address])).unwrap();
    assert_eq!((reply.status, reply.location), (302, Some(target)));
    assert!(trapped.try_recv().is_err());
}

#[test]
fn a_body_over_the_limit_is_cut_and_one_at_the_limit_is_not() {
    let (address, _) = server(answer("200 OK", &[], &"x".repeat(100_000)));
    let url = url("http", "example.com", 80, "/");
    for (limit, length, is_cut) in [
        (1000, 1000, true),
        (99_999, 99_999, true),
        (100_000, 100_000, false),
    ] {
        let addresses = [address];
        let hop = Hop {
            body_bytes: limit,
            ..hop(&url, &addresses)
        };
        let reply = fetched(&url, &hop).unwrap();
        assert_eq!(
            (reply.body.len(), reply.is_cut),
            (length, is_cut),
            "limit {limit}"
        );
    }
}

#[test]
fn a_server_that_never_answers_ends_at_the_limit() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let addresses = [silent.local_addr().unwrap()];
    let url = url("http", "example.com", 80, "/");
    let hop = Hop {
        limit: Duration::from_millis(300),
        ..hop(&url, &addresses)
    };
    let error = fetched(&url, &hop).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn no_address_is_no_dial() {
    let url = url("http", "localhost", 80, "/");
    let error = fetched(&url, &hop(&url, &[])).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_plain_server_is_not_taken_for_a_tls_one() {
    let (address, seen) = server(answer("200 OK", &[], "plain"));
    let url = url("https", "example.com", 443, "/");
    fetched(&url, &hop(&url, &[address])).unwrap_err();
    assert!(
        seen.try_recv()
            .map_or(true, |seen| !seen.line.starts_with("GET"))
    );
}

#[test]
fn another_scheme_is_refused() {
    let (address, seen) = server(answer("200 OK", &[], "plain"));
    let url = url("tcp", "example.com", 80, "/");
    let error = fetched(&url, &hop(&url, &[address])).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    assert!(seen.try_recv().is_err());
}

#[test]
fn this_machine_resolves_and_an_unknown_name_does_not() {
    let session = Session::new();
    let fetch = DirectFetch::new().unwrap();
    let permit = session.fetch_permit(&url("http", "localhost", 80, "/"));
    let found = fetch.resolve(&permit, "localhost").unwrap();
    assert!(found.iter().all(std::net::IpAddr::is_loopback) && !found.is_empty());
    fetch.resolve(&permit, "no-such-name.invalid").unwrap_err();
}
