//! Hosts, ports and routes.

use portcullis::host::{Host, HostPattern, UrlPath, UrlPathPattern};

use super::{Case, one_of, some_of};
use crate::random::Random;

const LABELS: [&str; 5] = ["a", "b", "aa", "A", "xa"];

fn name(random: &mut Random) -> String {
    let labels = some_of(random, 3, &LABELS, ".");
    let dot = if labels.is_empty() { "" } else { "." };
    format!(
        "{labels}{dot}{}",
        one_of(
            random,
            &["example.com", "example.org", "Example.COM", "b.com"]
        )
    )
}

/// Whether a pattern names a host at a port.
pub(super) fn matching(random: &mut Random) -> Case {
    let host = format!("{}{}", name(random), one_of(random, &["", "", "."]));
    let port = [80, 443, 8443, 8080][random.below(4) as usize];
    let pattern = format!(
        "{}{}{}",
        one_of(random, &["", "*."]),
        name(random),
        one_of(random, &["", "", ":8443", ":80"])
    );
    let question = format!("pattern {pattern:?} host {host:?} port {port}");
    match (HostPattern::parse(&pattern), Host::parse(&host)) {
        (Ok(parsed), Ok(parsed_host)) => Case::new(
            question,
            parsed.matches(&parsed_host, port),
            names_host(&pattern, &host, port),
        ),
        (_, parsed) => Case::new(question, parsed.is_ok(), true),
    }
}

/// Labels compared from the right, without regard to case and to one last dot.
fn names_host(pattern: &str, host: &str, port: u16) -> bool {
    let (pattern, ports) = match pattern.split_once(':') {
        Some((pattern, own)) => (pattern, vec![own.to_owned()]),
        None => (pattern, vec!["80".to_owned(), "443".to_owned()]),
    };
    let labels = |text: &str| -> Vec<String> {
        text.trim_end_matches('.')
            .to_lowercase()
            .split('.')
            .rev()
            .map(str::to_owned)
            .collect()
    };
    let (wanted, given) = (labels(pattern), labels(host));
    let is_named = match wanted.split_last() {
        Some((last, rest)) if last == "*" => given.len() > rest.len() && given.starts_with(rest),
        _ => given == wanted,
    };
    is_named && ports.contains(&port.to_string())
}

/// Whether a route pattern names a URL path.
pub(super) fn routes(random: &mut Random) -> Case {
    let pattern = format!(
        "/{}{}",
        some_of(random, 4, &["a", "b", "*", "**", "a*", "*b"], "/"),
        one_of(random, &["", "", "/"])
    );
    let path = format!(
        "/{}{}",
        some_of(random, 4, &["a", "b", "ab", "aab", "%61", "a%2Fb"], "/"),
        one_of(random, &["", "", "/"])
    );
    let question = format!("route {pattern:?} path {path:?}");
    match (UrlPathPattern::parse(&pattern), UrlPath::parse(&path)) {
        (Ok(parsed), Ok(parsed_path)) => Case::new(
            question,
            parsed.matches(&parsed_path),
            names_route(&pattern, &path),
        ),
        _ => Case::new(question, (), ()),
    }
}

/// Under both readings of an encoded slash.
fn names_route(pattern: &str, path: &str) -> bool {
    let path = path.replace("%61", "a");
    [path.clone(), path.replace("%2F", "/")]
        .iter()
        .all(|path| names_reading(pattern, path))
}

fn names_reading(pattern: &str, path: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        text.trim_matches('/')
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (wanted, given) = (split(pattern), split(path));
    let is_open = wanted.last().is_some_and(|last| last == "**");
    (is_open || pattern.ends_with('/') == path.ends_with('/')) && parts(&wanted, &given)
}

fn parts(wanted: &[String], given: &[String]) -> bool {
    match (wanted, given) {
        ([], _) => given.is_empty(),
        ([first, rest @ ..], _) if first == "**" => {
            (0..=given.len()).any(|skip| parts(rest, &given[skip..]))
        }
        ([first, rest @ ..], [part, tail @ ..]) => {
            letters(first.as_bytes(), part.as_bytes()) && parts(rest, tail)
        }
        _ => false,
    }
}

fn letters(wanted: &[u8], part: &[u8]) -> bool {
    match (wanted, part) {
        ([], _) => part.is_empty(),
        ([b'*', rest @ ..], _) => (0..=part.len()).any(|skip| letters(rest, &part[skip..])),
        ([w, rest @ ..], [c, tail @ ..]) => w == c && letters(rest, tail),
        _ => false,
    }
}
