//! Attacks on fetching, with their allow twins: redirects, private addresses, rebinding, spellings, types, search.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use nucleus::fetch::{FetchRequest, Fetched, FetchedBody, Fetcher, SearchBackend};
use nucleus::monitor::SessionOptions;
use nucleus::ports::{Fetch, Hop, HopReply};
use nucleus::{Error, Exposure, Monitor};
use nucleus_audit::{Log, LogOptions, Recorded, SigningKey};
use nucleus_spec::{Source, parse_policy};
use portcullis::decide::Permit;
use portcullis::request::SessionId;
use tempfile::TempDir;

/// A web of scripted names and pages that notes what was resolved and dialled.
#[derive(Debug, Default)]
struct Web {
    /// Answers of a name, one for each lookup; the last one stays.
    names: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    pages: HashMap<String, HopReply>,
    resolved: Mutex<Vec<String>>,
    dialled: Mutex<Vec<(String, Vec<SocketAddr>)>>,
}

impl Web {
    fn name(self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = answers
            .iter()
            .map(|answer| answer.iter().map(|ip| ip.parse().unwrap()).collect());
        self.names
            .lock()
            .unwrap()
            .insert(name.to_owned(), parsed.collect());
        self
    }

    fn page(mut self, url: &str, body: &str) -> Self {
        let reply = HopReply {
            status: 200,
            content_type: Some("text/plain".to_owned()),
            body: body.as_bytes().to_vec(),
            ..HopReply::default()
        };
        self.pages.insert(url.to_owned(), reply);
        self
    }

    fn redirect(mut self, url: &str, status: u16, to: &str) -> Self {
        let reply = HopReply {
            status,
            location: Some(to.to_owned()),
            ..HopReply::default()
        };
        self.pages.insert(url.to_owned(), reply);
        self
    }

    fn dialled(&self) -> Vec<String> {
        self.dialled
            .lock()
            .unwrap()
            .iter()
            .map(|(url, _)| url.clone())
            .collect()
    }
}

impl Fetch for Web {
    fn resolve(&self, _permit: &Recorded<Permit>, host: &str) -> io::Result<Vec<IpAddr>> {
        self.resolved.lock().unwrap().push(host.to_owned());
        let mut names = self.names.lock().unwrap();
        let answers = names.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }

    fn fetch(&self, _permit: Recorded<Permit>, hop: &Hop<'_>) -> io::Result<HopReply> {
        let path = hop.url.path.as_ref().unwrap().as_str();
        let mark = if hop.url.query.is_empty() { "" } else { "?" };
        let url = format!(
            "{} {}://{}:{}{path}{mark}{}",
            hop.url.method, hop.url.scheme, hop.url.host, hop.url.port, hop.url.query
        );
        self.dialled
            .lock()
            .unwrap()
            .push((url.clone(), hop.addresses.to_vec()));
        self.pages
            .get(&url)
            .cloned()
            .ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }
}

const POLICY: &str = r#"
[capabilities]
web_fetch = "low_risk"
web_search = "low_risk"
[network]
hosts = ["example.com", "docs.example.com", "rebind.example.net", "inside.example.net", "localhost",
    "metadata.google.internal", "127.0.0.1:8080", { host = "only.example.net", methods = ["GET"], paths = ["/docs/**"] }]
[budget]
max_cost_usd = 1.0
"#;

struct Session {
    fetcher: Fetcher,
    monitor: Arc<Monitor>,
    web: Arc<Web>,
    _dir: TempDir,
}

impl Session {
    fn over(web: Web) -> Self {
        Self::under(POLICY, web)
    }

    fn under(policy: &str, web: Web) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let policy = parse_policy(&Source::new("permissions.toml", policy)).unwrap();
        let id = SessionId::from_bytes([3; 16]);
        let log = Log::create(
            &dir.path().join("log"),
            id,
            LogOptions::default(),
            SigningKey::from_seed(&[5; 32]),
        )
        .unwrap();
        let options = SessionOptions::new(policy.envelope().clone(), "tester", id, log);
        let monitor = Monitor::open(options).unwrap();
        let web = Arc::new(web);
        let fetcher = Fetcher::new(monitor.clone(), web.clone());
        Self {
            fetcher,
            monitor,
            web,
            _dir: dir,
        }
    }

    fn get(&self, url: &str) -> Result<Fetched, Error> {
        self.fetcher.fetch(&FetchRequest::get(url))
    }

    /// The refusal of a fetch that is refused.
    fn refused(&self, url: &str) -> String {
        let error = self.get(url).unwrap_err();
        assert!(error.refused().is_some(), "{error}");
        error.to_string()
    }
}

fn public_web() -> Web {
    Web::default()
        .name("example.com", &[&["93.184.216.34"]])
        .name(
            "docs.example.com",
            &[&["93.184.216.35", "2606:2800:220:1::1"]],
        )
        .page("GET https://example.com:443/", "home")
        .page("GET https://docs.example.com:443/a", "docs")
}

#[test]
fn a_listed_page_is_handed_over_with_its_labels() {
    let session = Session::over(public_web());
    let fetched = session.get("https://docs.example.com/a").unwrap();
    assert_eq!(fetched.text().unwrap(), "docs");
    let dialled = session.web.dialled.lock().unwrap().clone();
    let addresses =
        ["93.184.216.35:443", "[2606:2800:220:1::1]:443"].map(|text| text.parse().unwrap());
    assert_eq!(
        dialled,
        [(
            "GET https://docs.example.com:443/a".to_owned(),
            addresses.to_vec()
        )]
    );
    let expected = Exposure::UNTRUSTED.join(Exposure::EXFIL);
    assert_eq!(session.monitor.exposure(), expected);
}

#[test]
fn a_host_that_is_not_listed_is_not_even_resolved() {
    let session = Session::over(public_web().name("evil.example", &[&["93.184.216.36"]]));
    session.refused("https://evil.example/");
    session.refused("https://example.com.evil.example/");
    session.refused("https://example.com:8443/");
    assert_eq!(session.web.resolved.lock().unwrap().len(), 0);
    assert_eq!(session.monitor.exposure(), Exposure::NONE);
    session.get("https://example.com/").unwrap();
    assert_eq!(*session.web.resolved.lock().unwrap(), ["example.com"]);
}

#[test]
fn each_redirect_is_judged_again() {
    let web = public_web()
        .redirect(
            "GET https://example.com:443/moved",
            302,
            "https://docs.example.com/a",
        )
        .redirect("GET https://example.com:443/near", 301, "/")
        .redirect(
            "GET https://example.com:443/out",
            302,
            "https://evil.example/?q=secret",
        )
        .redirect(
            "GET https://example.com:443/other-port",
            307,
            "https://example.com:8443/",
        );
    let session = Session::over(web);
    let moved = session.get("https://example.com/moved").unwrap();
    assert_eq!(moved.text().unwrap(), "docs");
    assert_eq!(
        (moved.url.as_str(), &*moved.redirects),
        (
            "https://docs.example.com/a",
            &["https://example.com/moved".to_owned()][..]
        )
    );
    assert_eq!(
        session
            .get("https://example.com/near")
            .unwrap()
            .text()
            .unwrap(),
        "home"
    );
    session.refused("https://example.com/out");
    session.refused("https://example.com/other-port");
    assert!(
        session
            .web
            .dialled()
            .iter()
            .all(|url| !url.contains("evil") && !url.contains("8443"))
    );
}

#[test]
fn a_redirect_to_this_machine_or_to_metadata_is_refused() {
    let targets = [
        "https://127.0.0.1/",
        "https://127.0.0.1:8081/",
        "https://[::1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://metadata.google.internal/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/",
    ];
    for target in targets {
        let web = public_web()
            .redirect("GET https://example.com:443/r", 302, target)
            .name("localhost", &[&["127.0.0.1"]])
            .name("metadata.google.internal", &[&["169.254.169.254"]]);
        let session = Session::over(web);
        session.refused("https://example.com/r");
        assert_eq!(
            session.web.dialled(),
            ["GET https://example.com:443/r"],
            "{target}"
        );
    }
}

#[test]
fn a_redirect_never_leaves_encryption() {
    let web = public_web()
        .redirect(
            "GET https://example.com:443/down",
            302,
            "http://docs.example.com/a",
        )
        .redirect(
            "GET http://example.com:80/up",
            302,
            "https://docs.example.com/a",
        );
    let session = Session::over(web);
    let error = session
        .get("https://example.com/down")
        .unwrap_err()
        .to_string();
    assert!(error.contains("https to an open connection"), "{error}");
    assert_eq!(
        session
            .get("http://example.com/up")
            .unwrap()
            .text()
            .unwrap(),
        "docs"
    );
}

#[test]
fn five_redirects_are_followed_and_six_are_not() {
    let chain = |length: usize| {
        let web = (0..length).fold(public_web(), |web, at| {
            web.redirect(
                &format!("GET https://example.com:443/{at}"),
                302,
                &format!("/{}", at + 1),
            )
        });
        Session::over(web.page(&format!("GET https://example.com:443/{length}"), "end"))
    };
    assert_eq!(
        chain(5)
            .get("https://example.com/0")
            .unwrap()
            .text()
            .unwrap(),
        "end"
    );
    let error = chain(6)
        .get("https://example.com/0")
        .unwrap_err()
        .to_string();
    assert!(error.contains("redirected too often"), "{error}");
}

#[test]
fn a_name_with_any_private_address_is_refused() {
    for answer in [
        &["10.0.0.5"][..],
        &["93.184.216.34", "127.0.0.1"],
        &["169.254.169.254"],
        &["100.100.100.200"],
        &["168.63.129.16"],
        &["192.0.0.192"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::7f00:1"],
        &["0.0.0.0"],
        &["fe80::1"],
    ] {
        let session = Session::over(public_web().name("inside.example.net", &[answer]));
        let text = session.refused("https://inside.example.net/");
        assert!(text.contains("not public"), "{text}");
        assert_eq!(session.web.dialled().len(), 0, "{answer:?}");
    }
}

#[test]
fn an_address_that_a_rule_names_is_dialled_and_a_name_for_it_is_not() {
    let web = public_web()
        .name("inside.example.net", &[&["127.0.0.1"]])
        .page("GET http://127.0.0.1:8080/", "local");
    let session = Session::over(web);
    assert_eq!(
        session
            .get("http://127.0.0.1:8080/")
            .unwrap()
            .text()
            .unwrap(),
        "local"
    );
    session.refused("http://127.0.0.1:8081/");
    session.refused("http://inside.example.net/");
}

#[test]
fn an_open_rule_opens_no_private_address() {
    let open = "[capabilities]\nweb_fetch = \"always\"\n[network]\nhosts = \"everything\"\n[budget]\nmax_cost_usd = 1.0\n";
    let web = public_web()
        .page("GET http://127.0.0.1:80/", "local")
        .page("GET http://169.254.169.254:80/", "keys");
    let session = Session::under(open, web);
    session.refused("http://127.0.0.1/");
    session.refused("http://169.254.169.254/");
    assert_eq!(
        session.get("https://example.com/").unwrap().text().unwrap(),
        "home"
    );
}

#[test]
fn a_name_that_rebinds_keeps_its_first_address() {
    let web = public_web()
        .name("rebind.example.net", &[&["93.184.216.40"], &["127.0.0.1"]])
        .page("GET https://rebind.example.net:443/", "page");
    let session = Session::over(web);
    session.get("https://rebind.example.net/").unwrap();
    session.get("https://rebind.example.net/").unwrap();
    session
        .fetcher
        .clone()
        .fetch(&FetchRequest::get("https://rebind.example.net/"))
        .unwrap();
    let dialled = session.web.dialled.lock().unwrap().clone();
    let first: SocketAddr = "93.184.216.40:443".parse().unwrap();
    assert!(
        dialled.iter().all(|(_, addresses)| *addresses == [first]),
        "{dialled:?}"
    );
    assert_eq!(session.web.resolved.lock().unwrap().len(), 1);
}

#[test]
fn a_refused_answer_is_not_kept() {
    let web = public_web()
        .name("rebind.example.net", &[&["127.0.0.1"], &["93.184.216.40"]])
        .page("GET https://rebind.example.net:443/", "page");
    let session = Session::over(web);
    session.refused("https://rebind.example.net/");
    assert_eq!(
        session
            .get("https://rebind.example.net/")
            .unwrap()
            .text()
            .unwrap(),
        "page"
    );
}

#[test]
fn a_path_is_judged_in_the_spelling_that_is_sent() {
    let web = public_web()
        .name("only.example.net", &[&["93.184.216.41"]])
        .page("GET https://only.example.net:443/docs/x", "doc");
    let session = Session::over(web);
    assert_eq!(
        session
            .get("https://only.example.net/docs/x")
            .unwrap()
            .text()
            .unwrap(),
        "doc"
    );
    for path in [
        "/docs/../admin",
        "/docs/%2e%2e/admin",
        "/docs%2f..%2fadmin",
        "//docs/x",
        "/docs//x",
        "/docs/x;y",
        "/docs\\x",
        "/docs/%252e%252e/a",
        "/admin",
    ] {
        session
            .get(&format!("https://only.example.net{path}"))
            .unwrap_err();
    }
    let post = FetchRequest {
        method: nucleus::fetch::Method::Post,
        ..FetchRequest::get("https://only.example.net/docs/x")
    };
    session.fetcher.fetch(&post).unwrap_err();
    assert_eq!(
        session.web.dialled(),
        ["GET https://only.example.net:443/docs/x"]
    );
}

#[test]
fn what_is_no_plain_url_is_no_request() {
    let session = Session::over(public_web());
    for url in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user:pass@example.com/",
        "https://example.com@evil.example/",
        "https://exa mple.com/",
        "https://example.com\t/",
        "https:\\\\example.com",
        "example.com",
        "",
    ] {
        assert!(session.get(url).is_err(), "{url}");
    }
    assert_eq!(session.web.dialled().len(), 0);
}

#[test]
fn held_content_does_not_expose_and_its_redirect_carries_it() {
    let web = public_web().redirect(
        "GET https://example.com:443/r",
        302,
        "https://docs.example.com/a",
    );
    let session = Session::over(web);
    let fetched = session
        .fetcher
        .fetch_held(&FetchRequest::get("https://example.com/r"))
        .unwrap();
    let FetchedBody::Held(id) = fetched.body else {
        panic!("{fetched:?}")
    };
    assert!(
        !session
            .monitor
            .exposure()
            .contains(portcullis::Label::UntrustedContent)
    );
    assert_eq!(
        session.monitor.reveal(id).unwrap().unwrap().as_ref(),
        b"docs"
    );
    assert!(
        session
            .monitor
            .exposure()
            .contains(portcullis::Label::UntrustedContent)
    );
}

#[test]
fn a_search_needs_a_backend_and_a_rule_for_it() {
    let answer = "GET https://example.com:443/find?q=rust+%26+dogs";
    let session = Session::over(public_web().page(answer, "found"));
    let error = session.fetcher.search("rust").unwrap_err().to_string();
    assert!(
        error.contains("no search backend is configured") && error.contains("[network]"),
        "{error}"
    );
    let backend = SearchBackend::new("https://example.com/find?q={query}").unwrap();
    let fetcher = session.fetcher.clone().with_search(backend);
    assert_eq!(
        fetcher.search("rust & dogs").unwrap().text().unwrap(),
        "found"
    );
    fetcher.search("").unwrap_err();
    let unlisted = SearchBackend::new("https://evil.example/find?q={query}").unwrap();
    let error = session
        .fetcher
        .clone()
        .with_search(unlisted)
        .search("rust")
        .unwrap_err();
    assert_eq!(error.refused().unwrap().operation(), "web_search");
    assert_eq!(session.web.dialled(), [answer]);
}

#[test]
fn a_search_backend_is_judged_at_the_port_it_is_reached_at() {
    for template in [
        "http://example.com/?q={query}",
        "https://example.com/{query}",
        "https://example.com/?q=x",
    ] {
        SearchBackend::new(template).unwrap_err();
    }
    let listed = POLICY.replace("\"example.com\",", "\"example.com:8443\",");
    let answer = "GET https://example.com:8443/?q=rust";
    for (policy, is_listed) in [(POLICY, false), (&*listed, true)] {
        let session = Session::under(policy, public_web().page(answer, "found"));
        let backend = SearchBackend::new("https://example.com:8443/?q={query}").unwrap();
        let found = session.fetcher.clone().with_search(backend).search("rust");
        assert_eq!(found.is_ok(), is_listed, "{found:?}");
        assert_eq!(session.web.dialled().len(), usize::from(is_listed));
    }
}

#[test]
fn a_name_for_this_machine_or_for_metadata_is_not_even_resolved() {
    let names = ["localhost", "metadata.google.internal"];
    let web = names.iter().fold(public_web(), |web, name| {
        web.name(name, &[&["93.184.216.34"]])
    });
    let session = Session::over(web);
    for name in names {
        session.refused(&format!("https://{name}/"));
    }
    assert_eq!(session.web.resolved.lock().unwrap().len(), 0);
}

#[test]
fn a_held_redirect_steers_no_fetch_of_a_session_that_saw_private_data() {
    let policy = r#"
[capabilities]
web_fetch = "low_risk"
[network]
hosts = [{ host = "docs.example.com", trust = true },
    { host = "quiet.example.net", methods = ["GET"], paths = ["/r"], sink = false }]
[budget]
max_cost_usd = 1.0
"#;
    let web = public_web()
        .name("quiet.example.net", &[&["93.184.216.42"]])
        .redirect(
            "GET https://quiet.example.net:443/r",
            302,
            "https://docs.example.com/a",
        );
    let session = Session::under(policy, web);
    session
        .monitor
        .expose(Exposure::PRIVATE, "read `x`")
        .unwrap();
    let held = |url: &str| session.fetcher.fetch_held(&FetchRequest::get(url));
    held("https://docs.example.com/a").unwrap();
    let error = held("https://quiet.example.net/r").unwrap_err();
    assert!(
        matches!(
            error,
            Error::ApprovalRequired {
                operation: "web_fetch",
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(session.web.dialled().len(), 2);
}
