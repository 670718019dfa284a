//! Gives every host, address and URL path one spelling, and refuses what two programs could read differently.

use crate::glob::{PatternError, Segment, match_segments, parse_segment};
use crate::named::{named_enum, readers, text_error};
use crate::table;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::sync::LazyLock;

/// A DNS name: lower case, ASCII, no trailing dot, labels of 1 to 63 bytes, at most 253 in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// What a request is sent to: a name, or an address written in its one usual form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A DNS name.
    Name(HostName),
    /// An address literal.
    Address(IpAddr),
}

text_error! {
    /// Says why a host or URL path was refused; the text after `why` reads on from the subject.
    HostError("")
}

impl Host {
    /// Parses a host without port: a name, `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`.
    ///
    /// # Errors
    /// [`HostError`] for anything ambiguous: user information, percent-encoding, control characters, non-ASCII
    /// letters, and addresses in octal, hexadecimal or short form.
    pub fn parse(host: &str) -> Result<Self, HostError> {
        let fail = |why| Err(HostError::new(host, why));
        if !host.is_ascii() {
            return fail("has letters outside ASCII: write the name in punycode (`xn--…`)");
        }
        if let Some(why) = host.bytes().find_map(ambiguous_byte) {
            return fail(why);
        }
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if bracketed.is_some() || host.contains(':') {
            return match bracketed.unwrap_or(host).parse::<Ipv6Addr>() {
                Ok(address) => Ok(Self::Address(address.into())),
                Err(_) => fail("is no IPv6 address; give the port apart"),
            };
        }
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if ends_in_number(&name) {
            return match name.parse::<Ipv4Addr>() {
                Ok(address) if host == name => Ok(Self::Address(address.into())),
                _ => fail("is an address in an odd form: write four decimal numbers"),
            };
        }
        let is_name = !name.is_empty() && name.len() <= 253 && name.split('.').all(is_label);
        if is_name { Ok(Self::Name(HostName(name))) } else { fail("is no host name") }
    }

    /// The name, if it is one.
    pub const fn name(&self) -> Option<&HostName> {
        match self {
            Self::Name(name) => Some(name),
            Self::Address(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl HostName {
    /// Parses a name; address literals are refused.
    ///
    /// # Errors
    /// [`HostError`] as [`Host::parse`].
    pub fn parse(host: &str) -> Result<Self, HostError> {
        match Host::parse(host)? {
            Host::Name(name) => Ok(name),
            Host::Address(_) => Err(HostError::new(host, "is an address where a name is needed")),
        }
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one a cloud serves instance credentials under, or one that means this machine.
    pub fn is_local_or_metadata(&self) -> bool {
        LOCAL_OR_METADATA.contains(&self.as_str()) || self.0.ends_with(".localhost") || self.0.ends_with(".local")
    }
}

#[rustfmt::skip]
static LOCAL_OR_METADATA: &[&str] = &[
    "metadata", "metadata.google.internal", "metadata.goog", "metadata.azure.internal", "instance-data",
    "instance-data.ec2.internal", "metadata.tencentyun.com", "localhost", "localhost.localdomain",
    "ip6-localhost", "ip6-loopback",
];

const fn ambiguous_byte(byte: u8) -> Option<&'static str> {
    match byte {
        b'@' => Some("has user information: give it apart or not at all"),
        b'%' => Some("has percent-encoding or a zone: write the plain host"),
        b'/' | b'\\' | b'?' | b'#' => Some("is a URL or path, not a host"),
        0..=b' ' | 0x7f => Some("has a space or control character"),
        _ => None,
    }
}

/// The rule of the WHATWG URL standard: such a host is read as an IPv4 address, in whatever base.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

named_enum! {
    /// What kind of network an address belongs to. Only [`IpClass::Global`] is dialled without a rule that names
    /// the address. The ranges are shipped data: `data/addresses.txt`.
    IpClass {
        /// Publicly routed unicast.
        Global = "global",
        /// `0.0.0.0/8`, `::`.
        Unspecified = "unspecified",
        /// `127.0.0.0/8`, `::1`.
        Loopback = "loopback",
        /// RFC 1918, `fc00::/7`, `fec0::/10`.
        Private = "private",
        /// `100.64.0.0/10`.
        SharedCarrier = "shared_carrier",
        /// `169.254.0.0/16`, `fe80::/10`.
        LinkLocal = "link_local",
        /// The instance metadata services of the clouds.
        Metadata = "metadata",
        /// Multicast and broadcast.
        Multicast = "multicast",
        /// Documentation and benchmarking ranges.
        Documentation = "documentation",
        /// IETF protocol assignments and reserved space.
        Reserved = "reserved",
        /// IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
        Embedded = "embedded",
    }
}

/// A range of addresses: the first of them, and how many leading bits all of them share with it.
type Range = (IpAddr, u32);

static RANGES: LazyLock<Vec<(IpClass, Range)>> = LazyLock::new(|| {
    let class = |name| IpClass::from_name(name).expect("shipped classes are known: tested");
    let range = |text| parse_range(text).expect("shipped ranges parse: tested");
    table::words(include_str!("data/addresses.txt")).map(|(name, text)| (class(name), range(text))).collect()
});

fn parse_range(text: &str) -> Option<Range> {
    let (first, bits) = text.split_once('/')?;
    Some((first.parse().ok()?, bits.parse().ok()?))
}

fn is_in(address: IpAddr, (first, bits): Range) -> bool {
    match (address, first) {
        (IpAddr::V4(own), IpAddr::V4(first)) => (own.to_bits() ^ first.to_bits()).leading_zeros() >= bits,
        (IpAddr::V6(own), IpAddr::V6(first)) => (own.to_bits() ^ first.to_bits()).leading_zeros() >= bits,
        _ => false,
    }
}

impl IpClass {
    /// The class of an address; what is in no known range is [`IpClass::Global`] for IPv4 and, outside
    /// `2000::/3`, [`IpClass::Reserved`] for IPv6.
    pub fn of(address: IpAddr) -> Self {
        let found = RANGES.iter().find(|(_, range)| is_in(address, *range));
        // FAIL-CLOSED: what no range holds is not dialled.
        found.map_or(Self::Reserved, |(class, _)| *class)
    }
}

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
    pub const fn is_wildcard(&self) -> bool {
        self.below
    }

    /// The address, if the pattern names one: only such a rule opens a class other than [`IpClass::Global`].
    pub const fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        }
    }

    /// Whether everything `other` matches is matched by this pattern.
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

/// A URL path in one spelling, without query or fragment: unreserved characters decoded, other escapes in upper
/// case, no dot or empty segments.
///
/// An encoded slash is kept, because package registries need it, but counts under both readings: as a letter and
/// as a separator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath {
    text: String,
    /// The path a server sees that decodes `%2F` first; none where there is none.
    decoded: Option<String>,
}

impl UrlPath {
    /// Parses an absolute URL path.
    ///
    /// # Errors
    /// [`HostError`] for what servers are known to read differently: dot segments in any encoding, `//`, `;`,
    /// backslashes, double encoding, control characters, raw non-ASCII bytes, broken escapes.
    pub fn parse(path: &str) -> Result<Self, HostError> {
        let fail = |why| HostError::new(path, why);
        if !path.starts_with('/') {
            return Err(fail("does not start with `/`"));
        }
        let text = decode_unreserved(path).map_err(fail)?;
        let decoded = text.contains("%2F").then(|| text.replace("%2F", "/"));
        for reading in std::iter::once(&text).chain(&decoded) {
            check_url_segments(reading).map_err(fail)?;
        }
        Ok(Self { text, decoded })
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn decode_unreserved(path: &str) -> Result<String, &'static str> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let is_escape = *first == b'%';
        let (byte, tail) = if is_escape { take_escape(tail).ok_or("has a broken escape")? } else { (*first, tail) };
        rest = tail;
        match (byte, is_escape) {
            (b'?' | b'#', false) => return Err("has a query or fragment: give it apart"),
            (b';', _) => return Err("has a `;` parameter, plain or encoded"),
            (b'\\', _) => return Err("has a backslash, plain or encoded"),
            (b' ', false) | (0..=0x1f | 0x7f, _) => return Err("has a space or control character"),
            (0x80.., false) => return Err("has letters outside ASCII: percent-encode them"),
            (other, true) if !is_unreserved(other) => text.push_str(&format!("%{other:02X}")),
            (plain, _) => text.push(char::from(plain)),
        }
    }
    // Of the decoded text, because the digits of the inner escape may themselves be escaped.
    if text.split("%25").skip(1).any(|after| take_escape(after.as_bytes()).is_some()) {
        return Err("is encoded twice");
    }
    Ok(text)
}

/// The letters that mean the same encoded and plain (RFC 3986, section 2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The two hexadecimal digits of an escape and what follows.
fn take_escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, tail) = bytes.split_at_checked(2)?;
    let digit = |b: u8| char::from(b).to_digit(16);
    Some((u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()?, tail))
}

fn check_url_segments(text: &str) -> Result<(), &'static str> {
    let body = text.strip_prefix('/').unwrap_or(text);
    let body = body.strip_suffix('/').unwrap_or(body);
    match body.split('/').find(|segment| matches!(*segment, "" | "." | "..")) {
        Some("") if text != "/" => Err("has an empty segment"),
        Some("." | "..") => Err("has a dot segment"),
        _ => Ok(()),
    }
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
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        let fail = |why| PatternError::new(pattern, why);
        let body = pattern.strip_prefix('/').ok_or_else(|| fail("does not start with `/`"))?;
        let trimmed = body.strip_suffix('/').unwrap_or(body);
        let names = trimmed.split('/').filter(|_| !trimmed.is_empty());
        let segments = names.map(parse_segment).collect::<Result<_, _>>().map_err(fail)?;
        Ok(Self { text: pattern.to_owned(), segments })
    }

    /// Whether the path is in the set under every reading of it.
    pub fn matches(&self, path: &UrlPath) -> bool {
        std::iter::once(&path.text).chain(&path.decoded).all(|reading| self.matches_text(reading))
    }

    fn matches_text(&self, path: &str) -> bool {
        let slash_fits =
            self.segments.last() == Some(&Segment::Deep) || path.ends_with('/') == self.text.ends_with('/');
        slash_fits && match_segments(&self.segments, path.trim_matches('/'))
    }

    /// The text it was parsed from.
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
    pub fn with_paths(mut self, paths: impl IntoIterator<Item = UrlPathPattern>) -> Result<Self, HostError> {
        self.paths = paths.into_iter().collect();
        if self.paths.is_empty() {
            return Err(self.refused("names no path: leave `paths` out where all are meant"));
        }
        self.checked()
    }

    /// Declares what the host sends to be trusted, or takes that back.
    pub const fn with_trust(mut self, trust: bool) -> Self {
        self.trust = trust;
        self
    }

    /// Declares whether data leaves by this host.
    ///
    /// # Errors
    /// [`HostError`] for `sink = false` on a wildcard host or without fixed methods and paths: set those first.
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
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The paths, sorted; none means all.
    pub fn paths(&self) -> &[UrlPathPattern] {
        &self.paths
    }

    /// Whether the rule names this host and port, whatever the request.
    pub fn matches_host(&self, host: &Host, port: u16) -> bool {
        self.pattern.matches(host, port)
    }

    /// Whether the rule names this request. `None` is a request nobody can inspect, such as a tunnel: it is
    /// covered only by a rule open to all methods and paths.
    pub fn matches(&self, host: &Host, port: u16, request: Option<(&str, &UrlPath)>) -> bool {
        let is_method = |method| self.methods.is_empty() || self.methods.iter().any(|own| own == method);
        let is_path = |path| self.paths.is_empty() || self.paths.iter().any(|own| own.matches(path));
        let fits = request.map_or(self.methods.is_empty() && self.paths.is_empty(), |(method, path)| {
            is_method(method) && is_path(path)
        });
        fits && self.matches_host(host, port)
    }
}
