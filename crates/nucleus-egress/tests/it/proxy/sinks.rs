//! What a session has touched decides where it may send: at the dial, at the next chunk, and for what is open already.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use nucleus::Exposure;
use nucleus_spec::HostLimit;
use portcullis::host::HostPattern;

use crate::proxy::site::{PATIENCE, Setting, Site, echo, hello, mirror, read_all, status};

/// A host whose content is the user's own: reaching it brings nothing untrusted in.
const TRUSTED: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [
  { host = \"a.test\", trust = true },
  { host = \"quiet.test\", methods = [\"GET\"], paths = [\"/pub/**\"], sink = false },
]
";

fn tunnel(site: &Site) -> TcpStream {
    let (mut stream, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 200, "{head}");
    let first = hello(Some("a.test"));
    stream.write_all(&first).unwrap();
    let mut back = vec![0; first.len()];
    stream.read_exact(&mut back).unwrap();
    stream
}

fn site() -> Site {
    let site = Site::new(TRUSTED);
    site.host("a.test", "93.184.216.34:443", mirror());
    site.host("quiet.test", "93.184.216.35:80", echo());
    site
}

/// Whether the other end closes in time.
fn is_cut(stream: &mut TcpStream) -> bool {
    let until = Instant::now() + PATIENCE;
    let mut byte = [0];
    while Instant::now() < until {
        match stream.read(&mut byte) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
    false
}

#[test]
fn the_labels_of_a_host_are_raised_with_the_permit() {
    let site = site();
    let held = site.monitor.exposure();
    assert!(!held.contains(portcullis::Label::UntrustedContent));
    let answer = site.get("http://quiet.test/pub/x");
    assert_eq!(status(&answer), 200, "{answer}");
    assert!(
        site.monitor
            .exposure()
            .contains(portcullis::Label::UntrustedContent)
    );
}

/// C19: an open tunnel of a session that has touched more since.
#[test]
fn an_open_tunnel_is_cut_when_the_session_has_touched_too_much() {
    let site = site();
    let mut stream = tunnel(&site);
    site.monitor
        .expose(Exposure::PRIVATE, "read a file")
        .unwrap();
    // Private data alone is no reason: the tunnel goes on.
    stream.write_all(b"ping").unwrap();
    let mut back = [0; 4];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"ping");
    site.monitor
        .expose(Exposure::UNTRUSTED, "fetched a page")
        .unwrap();
    assert!(is_cut(&mut stream));
    assert!(site.log().contains("was cut"));
    let (_, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 403, "{head}");
    // A route that no data leaves by stays open.
    assert_eq!(status(&site.get("http://quiet.test/pub/x")), 200);
}

/// The chunk that leaves is looked at itself, not only the tunnel now and then.
#[test]
fn no_byte_leaves_after_the_exposure_rose() {
    for _ in 0..20 {
        let site = site();
        let mut stream = tunnel(&site);
        let both = Exposure::PRIVATE.join(Exposure::UNTRUSTED);
        site.monitor.expose(both, "read and fetched").unwrap();
        let _cut_already = stream.write_all(b"secret");
        let mut got = Vec::new();
        let _broken_off = stream.read_to_end(&mut got);
        assert!(got.is_empty(), "{got:?}");
    }
}

#[test]
fn a_lockdown_cuts_and_its_lifting_opens_anew() {
    let site = site();
    let mut stream = tunnel(&site);
    site.monitor.lockdown("test").unwrap();
    assert!(is_cut(&mut stream));
    let (_, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 403, "{head}");
    assert!(head.contains("403"));
    site.monitor.lift("test").unwrap();
    tunnel(&site);
}

#[test]
fn the_end_of_the_session_or_of_its_jail_cuts() {
    let site = site();
    let mut stream = tunnel(&site);
    site.monitor.end("test").unwrap();
    assert!(is_cut(&mut stream));
    let mut late = site.connect();
    let _closed_already = late.write_all(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let answer = read_all(&mut late);
    assert_ne!(status(&answer), 200, "{answer}");

    let mut other = self::site();
    let mut stream = tunnel(&other);
    other.end_jail();
    assert!(is_cut(&mut stream));
}

/// C17: the bytes and requests of a host are counted over the session.
#[test]
fn a_hosts_budget_is_one_for_the_session() {
    let limit = HostLimit {
        pattern: HostPattern::parse("a.test").unwrap(),
        max_requests: Some(2),
        max_request_bytes: Some(4096),
        max_response_bytes: None,
        max_url_bytes: Some(64),
    };
    let site = Site::with(
        TRUSTED,
        Setting {
            limits: vec![limit],
            ..Setting::default()
        },
    );
    site.host("a.test", "93.184.216.34:443", mirror());
    let mut stream = tunnel(&site);
    stream.write_all(&[7; 4096]).unwrap();
    assert!(is_cut(&mut stream));
    let (_, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 200, "{head}");
    let long = site.get(&format!("http://a.test/{}", "x".repeat(64)));
    assert_eq!(status(&long), 403, "{long}");
    let (_, head) = site.tunnel("a.test:443");
    assert_eq!(status(&head), 403, "{head}");
    assert!(
        site.monitor
            .exposure()
            .contains(portcullis::Label::ExfilVector)
    );
}

/// C15: allowed hosts by methods and routes that change something there.
#[test]
fn a_route_that_pushes_is_a_push_and_one_that_opens_a_request_is_that() {
    let site = Site::new(
        "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [{ host = \"git.test\", methods = [\"GET\", \"POST\"] }]
",
    );
    site.host("git.test", "93.184.216.37:80", echo());
    let say = |method: &str, path: &str| {
        site.say(&format!(
            "{method} http://git.test{path} HTTP/1.1\r\nHost: git.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    };
    let fetched = say("GET", "/a/b/info/refs?service=git-upload-pack");
    assert_eq!(status(&fetched), 200, "{fetched}");
    for (method, path, operation) in [
        ("GET", "/a/b/info/refs?service=git-receive-pack", "git_push"),
        ("POST", "/a/b/git-receive-pack", "git_push"),
        ("POST", "/repos/a/b/pulls", "create_pr"),
        ("POST", "/api/v4/projects/1/merge_requests", "create_pr"),
    ] {
        let answer = say(method, path);
        assert_eq!(status(&answer), 403, "{path}: {answer}");
        assert!(answer.contains(operation), "{path}: {answer}");
    }
    // Untrusted content was fetched: whatever changes something there needs approval.
    let issue = say("POST", "/repos/a/b/issues");
    assert_eq!(status(&issue), 403, "{issue}");
}

/// C15: the shipped groups are read from; what would leave something there is refused, whatever route it takes.
#[test]
fn a_group_that_is_read_from_takes_nothing() {
    let site = Site::new(
        "
[capabilities]
web_fetch = \"low_risk\"
[network]
groups = [\"forges\", \"documentation\"]
",
    );
    let hosts = ["github.com", "raw.githubusercontent.com", "docs.rs"];
    for (at, host) in hosts.iter().enumerate() {
        site.host(host, &format!("93.184.216.{}:80", 50 + at), echo());
    }
    let say = |method: &str, host: &str, path: &str| {
        site.say(&format!(
            "{method} http://{host}{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ))
    };
    for (method, host, path) in [
        ("GET", "github.com", "/a/b/blob/main/README.md"),
        (
            "GET",
            "github.com",
            "/a/b/info/refs?service=git-upload-pack",
        ),
        ("POST", "github.com", "/a/b/git-upload-pack"),
        ("HEAD", "docs.rs", "/tokio/latest"),
    ] {
        let answer = say(method, host, path);
        assert_eq!(status(&answer), 200, "{method} {host}{path}: {answer}");
    }
    for (method, host, path) in [
        ("POST", "github.com", "/gists"),
        ("POST", "github.com", "/a/b/issues/1/comments"),
        ("POST", "github.com", "/attacker/b/git-receive-pack"),
        (
            "GET",
            "github.com",
            "/attacker/b/info/refs?service=git-receive-pack",
        ),
        ("POST", "github.com", "/a/b/git-upload-pack/../../gists"),
        ("POST", "github.com", "/a/b/c/git-upload-pack"),
        (
            "PUT",
            "raw.githubusercontent.com",
            "/bucket/key?X-Amz-Signature=00",
        ),
        ("DELETE", "github.com", "/a/b/git/refs/heads/main"),
        ("POST", "docs.rs", "/telemetry"),
        ("GET", "gist.github.com", "/a"),
        ("GET", "api.github.com", "/gists"),
        ("POST", "uploads.github.com", "/a/b/releases/1/assets"),
    ] {
        let answer = say(method, host, path);
        assert!(
            matches!(status(&answer), 400 | 403),
            "{method} {host}{path}: {answer}"
        );
    }
    let dialled = site.wires.dialled();
    assert!(
        dialled.iter().all(|address| address != "93.184.216.51:80"),
        "{dialled:?}"
    );
}
