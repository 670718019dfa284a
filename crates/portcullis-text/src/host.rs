//! Gives every host, address and URL path one spelling, and refuses what two programs could read differently.

use crate::table;
use crate::{named_enum, text_error};
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
    #[inline]
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
    #[inline]
    pub fn parse(host: &str) -> Result<Self, HostError> {
        match Host::parse(host)? {
            Host::Name(name) => Ok(name),
            Host::Address(_) => Err(HostError::new(host, "is an address where a name is needed")),
        }
    }

    /// The canonical text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is one a cloud serves instance credentials under, or one that means this machine.
    #[inline]
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
    #[inline]
    pub fn of(address: IpAddr) -> Self {
        let found = RANGES.iter().find(|(_, range)| is_in(address, *range));
        // FAIL-CLOSED: what no range holds is not dialled.
        found.map_or(Self::Reserved, |(class, _)| *class)
    }
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
    #[inline]
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
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every text that a server may read it as: its own and, where it has an encoded slash, that decoded.
    #[inline]
    pub fn readings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.text.as_str()).chain(self.decoded.as_deref())
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
