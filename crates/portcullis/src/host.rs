//! Gives every host, address and URL path one spelling, and refuses what two programs could read differently.

use crate::glob::{PatternError, Segment, match_segments, parse_segment};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

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

/// Says why a host or URL path was refused; the text after `why` reads on from the subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostError {
    subject: String,
    why: &'static str,
}

impl HostError {
    fn new(subject: &str, why: &'static str) -> Self {
        Self { subject: subject.chars().take(64).flat_map(char::escape_debug).collect(), why }
    }

    /// Why, without the subject.
    #[inline]
    #[must_use]
    pub const fn why(&self) -> &'static str {
        self.why
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.subject, self.why)
    }
}

impl std::error::Error for HostError {}

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
    #[inline]
    #[must_use]
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
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one a cloud serves instance credentials under, or one that means this machine.
    #[must_use]
    pub fn is_local_or_metadata(&self) -> bool {
        let name = self.0.as_str();
        matches!(
            name,
            "metadata"
                | "metadata.google.internal"
                | "metadata.goog"
                | "metadata.azure.internal"
                | "instance-data"
                | "instance-data.ec2.internal"
                | "metadata.tencentyun.com"
                | "localhost"
                | "localhost.localdomain"
                | "ip6-localhost"
                | "ip6-loopback"
        ) || name.ends_with(".localhost")
            || name.ends_with(".local")
    }
}

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

/// What kind of network an address belongs to. Only [`IpClass::Global`] is dialled without a rule that names
/// the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpClass {
    /// Publicly routed unicast.
    Global,
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`.
    Loopback,
    /// RFC 1918, `fc00::/7`, `fec0::/10`.
    Private,
    /// `100.64.0.0/10`.
    SharedCarrier,
    /// `169.254.0.0/16`, `fe80::/10`.
    LinkLocal,
    /// The instance metadata services of the clouds.
    Metadata,
    /// Multicast and broadcast.
    Multicast,
    /// Documentation and benchmarking ranges.
    Documentation,
    /// IETF protocol assignments and reserved space.
    Reserved,
    /// IPv4 inside IPv6: mapped, compatible, NAT64, 6to4, Teredo.
    Embedded,
}

static METADATA_V4: &[[u8; 4]] = &[
    [169, 254, 169, 254], // AWS, Azure, GCP, OpenStack, Oracle, DigitalOcean
    [169, 254, 170, 2],   // AWS ECS task credentials
    [169, 254, 170, 23],  // AWS EKS pod identity
    [169, 254, 0, 23],    // Tencent
    [100, 100, 100, 200], // Alibaba
    [168, 63, 129, 16],   // Azure wire server
    [192, 0, 0, 192],     // Oracle
];

static METADATA_V6: &[[u16; 8]] = &[
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],      // AWS
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],       // AWS EKS
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],       // GCP
    [0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], // Oracle
    [0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe],    // OpenStack
];

impl IpClass {
    /// The class of an address; what is in no known range is [`IpClass::Global`] for IPv4 and, outside
    /// `2000::/3`, [`IpClass::Reserved`] for IPv6.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let octets = address.octets();
        if METADATA_V4.contains(&octets) {
            return Self::Metadata;
        }
        match octets {
            [0, ..] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [100, 64..=127, ..] => Self::SharedCarrier,
            [169, 254, ..] => Self::LinkLocal,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => Self::Documentation,
            [192, 88, 99, _] => Self::Embedded,
            [192, 0, 0, _] => Self::Reserved,
            [224..=239, ..] | [255, 255, 255, 255] => Self::Multicast,
            [240..=255, ..] => Self::Reserved,
            _ => Self::Global,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let words = address.segments();
        if METADATA_V6.contains(&words) {
            return Self::Metadata;
        }
        match words {
            [0, 0, 0, 0, 0, 0, 0, 0] => Self::Unspecified,
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0, 0, 0, 0, 0, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Self::Embedded,
            [0x64, 0xff9b, ..] | [0x2002, ..] | [0x2001, 0, ..] => Self::Embedded,
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2001, 2, 0, ..] => Self::Documentation,
            [0x2001, 0x1..=0x1ff, ..] => Self::Reserved,
            [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Self::Private,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xff00..=0xffff, ..] => Self::Multicast,
            [0x2000..=0x3fff, ..] => Self::Global,
            _ => Self::Reserved,
        }
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

impl HostPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`HostError`] as [`Host::parse`], for a port outside 1 to 65535, and for a wildcard elsewhere than before
    /// two labels.
    pub fn parse(pattern: &str) -> Result<Self, HostError> {
        let (host, port) = split_port(pattern);
        let port = match port {
            None => None,
            Some(digits) => Some(parse_port(digits).ok_or_else(|| HostError::new(pattern, "has no valid port"))?),
        };
        let (host, below) = host.strip_prefix("*.").map_or((host, false), |suffix| (suffix, true));
        if host.contains('*') {
            return Err(HostError::new(pattern, "has `*` elsewhere than as its first label"));
        }
        let host = Host::parse(host)?;
        let is_broad = below && host.name().is_none_or(|name| !name.as_str().contains('.'));
        if is_broad {
            return Err(HostError::new(pattern, "is a wildcard over a whole top-level domain or an address"));
        }
        Ok(Self { host, below, port })
    }

    /// Whether the pattern names this host at this port.
    #[must_use]
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.port.map_or(port == 80 || port == 443, |own| own == port) && self.matches_host(host)
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
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.below
    }

    /// The address, if the pattern names one: only such a rule opens a class other than [`IpClass::Global`].
    #[inline]
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match self.host {
            Host::Address(address) => Some(address),
            Host::Name(_) => None,
        }
    }

    /// The port, if it names one; otherwise 80 and 443 are meant.
    #[inline]
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether everything `other` matches is matched by this pattern.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let ports = match (self.port, other.port) {
            (own, theirs) if own == theirs => true,
            (None, Some(port)) => port == 80 || port == 443,
            _ => false,
        };
        let hosts = if other.below {
            self.below && (self.host == other.host || self.matches_host(&other.host))
        } else {
            self.matches_host(&other.host)
        };
        ports && hosts
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
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if plain { digits.parse().ok() } else { None }
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
    #[inline]
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn decode_unreserved(path: &str) -> Result<String, &'static str> {
    let mut text = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match *byte {
            b'%' => {
                let (value, tail) = take_escape(rest).ok_or("has a broken escape")?;
                rest = tail;
                push_decoded(&mut text, value, rest)?;
            }
            b'?' | b'#' => return Err("has a query or fragment: give it apart"),
            b';' => return Err("has a `;` parameter"),
            b'\\' => return Err("has a backslash"),
            0..=b' ' | 0x7f => return Err("has a space or control character"),
            0x80.. => return Err("has letters outside ASCII: percent-encode them"),
            plain => text.push(char::from(plain)),
        }
    }
    Ok(text)
}

/// The two hexadecimal digits of an escape and what follows.
fn take_escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, tail @ ..] = bytes else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some((digit(*high)? * 16 + digit(*low)?, tail))
}

fn push_decoded(text: &mut String, value: u8, rest: &[u8]) -> Result<(), &'static str> {
    match value {
        0..=0x1f | 0x7f => return Err("has an encoded control character"),
        b'\\' => return Err("has an encoded backslash"),
        b';' => return Err("has an encoded `;` parameter"),
        b'%' if take_escape(rest).is_some() => return Err("is encoded twice"),
        b'-' | b'.' | b'_' | b'~' => text.push(char::from(value)),
        letter if letter.is_ascii_alphanumeric() => text.push(char::from(letter)),
        other => text.push_str(&format!("%{other:02X}")),
    }
    Ok(())
}

fn check_url_segments(text: &str) -> Result<(), &'static str> {
    let body = text.strip_prefix('/').unwrap_or(text);
    let body = body.strip_suffix('/').unwrap_or(body);
    if text == "/" {
        return Ok(());
    }
    match body.split('/').find(|segment| matches!(*segment, "" | "." | "..")) {
        Some("") => Err("has an empty segment"),
        Some(_) => Err("has a dot segment"),
        None => Ok(()),
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
        let segments = if trimmed.is_empty() {
            Vec::new()
        } else {
            trimmed.split('/').map(parse_segment).collect::<Result<_, _>>().map_err(fail)?
        };
        Ok(Self { text: pattern.to_owned(), segments })
    }

    /// Whether the path is in the set under every reading of it.
    #[must_use]
    pub fn matches(&self, path: &UrlPath) -> bool {
        std::iter::once(&path.text).chain(&path.decoded).all(|reading| self.matches_text(reading))
    }

    fn matches_text(&self, path: &str) -> bool {
        let slash_fits =
            self.segments.last() == Some(&Segment::Deep) || path.ends_with('/') == self.text.ends_with('/');
        slash_fits && match_segments(&self.segments, path.trim_matches('/'))
    }

    /// The text it was parsed from.
    #[inline]
    #[must_use]
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

impl HostRule {
    /// A rule for every method and path of these hosts: untrusted, and a sink.
    #[must_use]
    pub const fn new(pattern: HostPattern) -> Self {
        Self { pattern, methods: Vec::new(), paths: Vec::new(), trust: false, sink: true }
    }

    /// Narrows the rule to these methods; an empty list leaves it open to all.
    ///
    /// # Errors
    /// [`HostError`] for a method that is not upper-case letters and `-`.
    pub fn with_methods<S: Into<String>>(mut self, methods: impl IntoIterator<Item = S>) -> Result<Self, HostError> {
        self.methods = methods.into_iter().map(Into::into).collect();
        self.methods.sort_unstable();
        self.methods.dedup();
        let odd = |method: &&String| method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-');
        match self.methods.iter().find(odd) {
            Some(method) => Err(HostError::new(method, "is no method: write it in upper case")),
            None => self.checked(),
        }
    }

    /// Narrows the rule to these paths; an empty list leaves it open to all.
    ///
    /// # Errors
    /// [`HostError`] where that would leave a `sink = false` rule without paths.
    pub fn with_paths(mut self, paths: impl IntoIterator<Item = UrlPathPattern>) -> Result<Self, HostError> {
        self.paths = paths.into_iter().collect();
        self.paths.sort_unstable();
        self.paths.dedup();
        self.checked()
    }

    /// Declares what the host sends to be trusted, or takes that back.
    #[must_use]
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

    fn checked(self) -> Result<Self, HostError> {
        if !self.sink {
            if self.pattern.is_wildcard() {
                return Err(HostError::new(&self.pattern.to_string(), "is a wildcard, so it stays a sink"));
            }
            if self.methods.is_empty() || self.paths.is_empty() {
                return Err(HostError::new(
                    &self.pattern.to_string(),
                    "stays a sink without fixed methods and paths: give both before `sink = false`",
                ));
            }
        }
        Ok(self)
    }

    /// The hosts and ports.
    #[inline]
    #[must_use]
    pub const fn pattern(&self) -> &HostPattern {
        &self.pattern
    }

    /// The methods, sorted; none means all.
    #[inline]
    #[must_use]
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The paths, sorted; none means all.
    #[inline]
    #[must_use]
    pub fn paths(&self) -> &[UrlPathPattern] {
        &self.paths
    }

    /// Whether what the host sends is trusted.
    #[inline]
    #[must_use]
    pub const fn trust(&self) -> bool {
        self.trust
    }

    /// Whether data leaves by this host.
    #[inline]
    #[must_use]
    pub const fn sink(&self) -> bool {
        self.sink
    }

    /// Whether the rule names this host and port, whatever the request.
    #[inline]
    #[must_use]
    pub fn matches_host(&self, host: &Host, port: u16) -> bool {
        self.pattern.matches(host, port)
    }

    /// Whether the rule names this request. `None` is a request nobody can inspect, such as a tunnel: it is
    /// covered only by a rule open to all methods and paths.
    #[must_use]
    pub fn matches(&self, host: &Host, port: u16, request: Option<(&str, &UrlPath)>) -> bool {
        self.matches_host(host, port)
            && match request {
                Some((method, path)) => {
                    (self.methods.is_empty() || self.methods.iter().any(|own| own == method))
                        && (self.paths.is_empty() || self.paths.iter().any(|own| own.matches(path)))
                }
                None => self.methods.is_empty() && self.paths.is_empty(),
            }
    }
}
