//! Matches hosts, ports and URL paths against what a policy says of them.

use crate::glob::{PatternError, Segment, match_segments, parse_segment};
use crate::named::readers;
use core::net::IpAddr;
use std::fmt;

pub use portcullis_text::host::{Host, HostError, HostName, IpClass, UrlPath};

/// Names hosts and ports: `example.com`, `*.example.com`, `example.com:8443`, `192.0.2.1:80`, `[::1]:80`.
///
/// **Without a port it means 80 and 443.** `*.example.com` is every name below `example.com`, at any depth, but
/// not `example.com`; a wildcard needs at least two labels after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern {
    host: Host,
    below: bool,
    port: Option<u16>,
}

readers! {
    HostPattern {
        /// The port, if it names one; otherwise 80 and 443 are meant.
        value port: Option<u16>,
    }
}

impl HostPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`HostError`] as [`Host::parse`], for a port outside 1 to 65535, and for a wildcard elsewhere than before
    /// two labels.
    #[inline]
    pub fn parse(pattern: &str) -> Result<Self, HostError> {
        let fail = |why| HostError::new(pattern, why);
        let (host, port) = split_port(pattern);
        let port = port.map(|digits| parse_port(digits).ok_or_else(|| fail("has no valid port"))).transpose()?;
        let (host, below) = host.strip_prefix("*.").map_or((host, false), |suffix| (suffix, true));
        if host.contains('*') {
            return Err(fail("has `*` elsewhere than as its first label"));
        }
        let host = Host::parse(host)?;
        if below && host.name().is_none_or(|name| !name.as_str().contains('.')) {
            return Err(fail("is a wildcard over a whole top-level domain or an address"));
        }
        Ok(Self { host, below, port })
    }

    /// Whether one without a port means this one.
    const fn is_usual(port: u16) -> bool {
        matches!(port, 80 | 443)
    }

    /// Whether the pattern names this host at this port.
    #[inline]
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.port.map_or(Self::is_usual(port), |own| own == port) && self.matches_host(host)
    }

    fn matches_host(&self, host: &Host) -> bool {
        match (&self.host, host) {
            (Host::Name(suffix), Host::Name(name)) if self.below => {
                name.as_str().strip_suffix(suffix.as_str()).is_some_and(|head| head.ends_with('.'))
            }
            (own, other) => own == other,
        }
    }

    /// Whether it names more than one host.
    #[inline]
    pub const fn is_wildcard(&self) -> bool {
        self.below
    }

    /// The address, if the pattern names one: only such a rule opens a class other than [`IpClass::Global`].
    #[inline]
    pub const fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        }
    }

    /// Whether everything `other` matches is matched by this pattern.
    #[inline]
    pub fn covers(&self, other: &Self) -> bool {
        let ports = self.port == other.port || (self.port.is_none() && other.port.is_some_and(Self::is_usual));
        let same = self.below && other.below && self.host == other.host;
        ports && (same || ((self.below || !other.below) && self.matches_host(&other.host)))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "*." } else { "" }, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Splits `host:port`; an IPv6 address with a port must be in brackets.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

fn parse_port(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

/// Names URL paths: `/a/*`, `/a/**`; anchored and, unlike workspace patterns, without what lies below.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPathPattern {
    text: String,
    segments: Vec<Segment>,
}

impl UrlPathPattern {
    /// Parses a pattern: `*` within a segment, `**` for any number of segments, none included.
    ///
    /// # Errors
    /// [`PatternError`] for text without a leading `/` or with a segment that has no meaning.
    #[inline]
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        let fail = |why| PatternError::new(pattern, why);
        let body = pattern.strip_prefix('/').ok_or_else(|| fail("does not start with `/`"))?;
        let trimmed = body.strip_suffix('/').unwrap_or(body);
        let names = trimmed.split('/').filter(|_| !trimmed.is_empty());
        let segments = names.map(parse_segment).collect::<Result<_, _>>().map_err(fail)?;
        Ok(Self { text: pattern.to_owned(), segments })
    }

    /// Whether the path is in the set under every reading of it.
    #[inline]
    pub fn matches(&self, path: &UrlPath) -> bool {
        path.readings().all(|reading| self.matches_text(reading))
    }

    fn matches_text(&self, path: &str) -> bool {
        let slash_fits =
            self.segments.last() == Some(&Segment::Deep) || path.ends_with('/') == self.text.ends_with('/');
        slash_fits && match_segments(&self.segments, path.trim_matches('/'))
    }

    /// The text it was parsed from.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// What the policy says of one host: where it is, what may be sent to it, what it is trusted with.
///
/// `trust = false` and `sink = true` unless declared otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostRule {
    pattern: HostPattern,
    methods: Vec<String>,
    paths: Vec<UrlPathPattern>,
    trust: bool,
    sink: bool,
}

readers! {
    HostRule {
        /// The hosts and ports.
        borrow pattern: HostPattern,
        /// Whether what the host sends is trusted.
        value trust: bool,
        /// Whether data leaves by this host.
        value sink: bool,
    }
}

impl HostRule {
    /// A rule for every method and path of these hosts: untrusted, and a sink.
    #[inline]
    pub const fn new(pattern: HostPattern) -> Self {
        Self { pattern, methods: Vec::new(), paths: Vec::new(), trust: false, sink: true }
    }

    /// A rule as its parts state it, where an empty list of methods or paths stands for all of them.
    pub(crate) fn from_parts(
        pattern: HostPattern,
        (methods, paths): (Vec<String>, Vec<UrlPathPattern>),
        (trust, sink): (bool, bool),
    ) -> Result<Self, HostError> {
        Self { pattern, methods, paths, trust, sink }.checked()
    }

    /// Narrows the rule to these methods.
    ///
    /// # Errors
    /// [`HostError`] for a method that is not upper-case letters and `-`, and for an empty list: a rule for every
    /// method is one that was never narrowed.
    #[inline]
    pub fn with_methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Result<Self, HostError> {
        self.methods = methods.into_iter().map(Into::into).collect();
        if self.methods.is_empty() {
            return Err(self.refused("names no method: leave `methods` out where all are meant"));
        }
        self.checked()
    }

    /// Narrows the rule to these paths.
    ///
    /// # Errors
    /// [`HostError`] for an empty list: a rule for every path is one that was never narrowed.
    #[inline]
    pub fn with_paths(mut self, paths: impl IntoIterator<Item = UrlPathPattern>) -> Result<Self, HostError> {
        self.paths = paths.into_iter().collect();
        if self.paths.is_empty() {
            return Err(self.refused("names no path: leave `paths` out where all are meant"));
        }
        self.checked()
    }

    /// Declares what the host sends to be trusted, or takes that back.
    #[inline]
    pub const fn with_trust(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// Declares whether data leaves by this host.
    ///
    /// # Errors
    /// [`HostError`] for `sink = false` on a wildcard host or without fixed methods and paths: set those first.
    #[inline]
    pub fn with_sink(mut self, sink: bool) -> Result<Self, HostError> {
        self.sink = sink;
        self.checked()
    }

    fn checked(mut self) -> Result<Self, HostError> {
        self.methods.sort_unstable();
        self.methods.dedup();
        self.paths.sort_unstable();
        self.paths.dedup();
        let odd = |method: &&String| method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        if let Some(method) = self.methods.iter().find(odd) {
            return Err(HostError::new(method, "is no method: write it in upper case"));
        }
        if !self.sink && self.pattern.is_wildcard() {
            return Err(self.refused("is a wildcard, so it stays a sink"));
        }
        if !self.sink && (self.methods.is_empty() || self.paths.is_empty()) {
            let why = "stays a sink without fixed methods and paths: give both before `sink = false`";
            return Err(self.refused(why));
        }
        Ok(self)
    }

    fn refused(&self, why: &'static str) -> HostError {
        HostError::new(&self.pattern.to_string(), why)
    }

    /// The methods, sorted; none means all.
    #[inline]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The paths, sorted; none means all.
    #[inline]
    pub fn paths(&self) -> &[UrlPathPattern] {
        &self.paths
    }

    /// Whether the rule names this host and port, whatever the request.
    #[inline]
    pub fn matches_host(&self, host: &Host, port: u16) -> bool {
        self.pattern.matches(host, port)
    }

    /// Whether the rule names this request. `None` is a request nobody can inspect, such as a tunnel: it is
    /// covered only by a rule open to all methods and paths.
    #[inline]
    pub fn matches(&self, host: &Host, port: u16, request: Option<(&str, &UrlPath)>) -> bool {
        let is_method = |method| self.methods.is_empty() || self.methods.iter().any(|own| own == method);
        let is_path = |path| self.paths.is_empty() || self.paths.iter().any(|own| own.matches(path));
        let fits = request.map_or(self.methods.is_empty() && self.paths.is_empty(), |(method, path)| {
            is_method(method) && is_path(path)
        });
        fits && self.matches_host(host, port)
    }
}
