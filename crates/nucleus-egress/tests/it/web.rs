//! The monitor's fetches over real connections: local servers that the policy names, and what it does not name.

use std::net::SocketAddr;
use std::sync::Arc;

use nucleus::fetch::{FetchRequest, Fetcher};
use nucleus::monitor::SessionOptions;
use nucleus::{Error, Monitor};
use nucleus_audit::{Log, LogOptions, SigningKey};
use nucleus_egress::DirectFetch;
use nucleus_spec::{Source, parse_policy};
use portcullis::SessionId;
use tempfile::TempDir;

use crate::fixture::{answer, server};

/// Fetches of a session that may reach these addresses.
fn fetcher(named: &[SocketAddr]) -> (Fetcher, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let hosts: Vec<String> = named
        .iter()
        .map(|address| format!("\"{address}\""))
        .collect();
    let text = format!(
        "[capabilities]\nweb_fetch = \"low_risk\"\n[network]\nhosts = [\"localhost\", {}]\n[budget]\nmax_cost_usd = 1.0\n",
        hosts.join(", ")
    );
    let policy = parse_policy(&Source::new("permissions.toml", text)).unwrap();
    let id = SessionId::from_bytes([9; 16]);
    let key = SigningKey::from_seed(&[2; 32]);
    let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
    let options = SessionOptions::new(policy.envelope().clone(), "tester", id, log);
    let monitor = Monitor::open(options).unwrap();
    (
        Fetcher::new(monitor, Arc::new(DirectFetch::new().unwrap())),
        dir,
    )
}

const TEXT: [(&str, &str); 1] = [("content-type", "text/plain")];

#[test]
fn a_named_server_is_read_and_its_neighbour_is_not() {
    let (named, _) = server(answer("200 OK", &TEXT, "named"));
    let (other, seen) = server(answer("200 OK", &TEXT, "other"));
    let (fetcher, _dir) = fetcher(&[named]);
    let fetched = fetcher
        .fetch(&FetchRequest::get(format!("http://{named}/")))
        .unwrap();
    assert_eq!(fetched.text().unwrap(), "named");
    for url in [
        format!("http://{other}/"),
        format!("http://localhost:{}/", other.port()),
        "http://localhost/".to_owned(),
    ] {
        let error = fetcher.fetch(&FetchRequest::get(&url)).unwrap_err();
        assert!(error.refused().is_some(), "{url}: {error}");
    }
    assert!(seen.try_recv().is_err());
}

#[test]
fn a_redirect_reaches_a_named_server_and_no_other() {
    let (named, _) = server(answer("200 OK", &TEXT, "named"));
    let (other, seen) = server(answer("200 OK", &TEXT, "other"));
    let to = |target: SocketAddr| {
        answer(
            "302 Found",
            &[("location", &format!("http://{target}/x"))],
            "",
        )
    };
    let (good, _) = server(to(named));
    let (bad, _) = server(to(other));
    let (fetcher, _dir) = fetcher(&[named, good, bad]);
    let fetched = fetcher
        .fetch(&FetchRequest::get(format!("http://{good}/")))
        .unwrap();
    assert_eq!(
        (fetched.text().unwrap().as_str(), fetched.redirects.len()),
        ("named", 1)
    );
    let error = fetcher
        .fetch(&FetchRequest::get(format!("http://{bad}/")))
        .unwrap_err();
    assert!(error.refused().is_some(), "{error}");
    assert!(seen.try_recv().is_err());
}

#[test]
fn the_size_cap_cuts_and_the_type_is_checked() {
    let (large, _) = server(answer("200 OK", &TEXT, &"x".repeat(10_000)));
    let (image, _) = server(answer("200 OK", &[("content-type", "image/png")], "png"));
    let (fetcher, _dir) = fetcher(&[large, image]);
    let small = FetchRequest {
        body_bytes: 100,
        ..FetchRequest::get(format!("http://{large}/"))
    };
    let fetched = fetcher.fetch(&small).unwrap();
    assert_eq!((fetched.text().unwrap().len(), fetched.is_cut), (100, true));
    let fetched = fetcher
        .fetch(&FetchRequest::get(format!("http://{image}/")))
        .unwrap();
    assert!(matches!(fetched.text(), Err(Error::Invalid(text)) if text.contains("image/png")));
}
