//! Where a connection of a jail goes: one canonical host and a port, read one way or refused.

use std::fmt;

use portcullis::host::{Host, UrlPath};
use portcullis::request::UrlSubject;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Target {
    /// Reads `host:port`, or `host` where a usual port is given.
    ///
    /// FAIL-CLOSED: what two programs could read differently is an error in words.
    pub(super) fn parse(authority: &str, usual: Option<u16>) -> Result<Self, String> {
        let is_bare = authority.ends_with(']') || !authority.contains(':');
        let (host, port) = match (authority.rsplit_once(':'), usual) {
            (Some((host, digits)), _) if !is_bare => (host, port(digits)?),
            (_, Some(usual)) => (authority, usual),
            _ => return Err("it names no port".to_owned()),
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err("an IPv6 address stands in brackets".to_owned());
        }
        let host = Host::parse(host).map_err(|error| error.to_string())?;
        Ok(Self { host, port })
    }

    /// The subject of an opaque dial.
    pub(super) fn dial(&self) -> UrlSubject {
        UrlSubject {
            method: "CONNECT".to_owned(),
            scheme: "tcp".to_owned(),
            host: self.host.clone(),
            port: self.port,
            path: None,
            query: String::new(),
            upgrade: false,
            credential: None,
        }
    }

    /// The subject of one request.
    pub(super) fn request(&self, seen: SeenRequest<'_>) -> Result<UrlSubject, String> {
        let path = UrlPath::parse(seen.path).map_err(|error| error.to_string())?;
        Ok(UrlSubject {
            method: seen.method.to_owned(),
            scheme: seen.scheme.to_owned(),
            path: Some(path),
            query: seen.query.unwrap_or_default().to_owned(),
            upgrade: seen.opens_stream,
            ..self.dial()
        })
    }

    /// Whether an authority as sent names this target.
    pub(super) fn is_named_by(&self, authority: &str, usual: u16) -> bool {
        Self::parse(authority, Some(usual)).is_ok_and(|named| named == *self)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What is seen of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenRequest<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    /// An upgrade or gRPC.
    pub(super) opens_stream: bool,
}

fn port(digits: &str) -> Result<u16, String> {
    let is_plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if is_plain => Ok(port),
        _ => Err("it has no valid port".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn one_spelling_is_one_target() {
        for (text, canonical) in [
            ("example.com:443", "example.com:443"),
            ("EXAMPLE.com.:443", "example.com:443"),
            ("[2001:DB8::1]:8443", "[2001:db8::1]:8443"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(Target::parse(text, None).unwrap().to_string(), canonical);
        }
        assert_eq!(
            Target::parse("example.com", Some(80)).unwrap().to_string(),
            "example.com:80"
        );
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused() {
        for text in [
            "example.com",
            "user@example.com:443",
            "example.com:0443",
            "example.com:+443",
            "example.com:",
            "example.com:65536",
            "exa%6dple.com:443",
            "0x7f000001:80",
            "0177.0.0.1:80",
            "127.1:80",
            "2001:db8::1:443",
            "example.com\0.evil.test:443",
            "example.com evil.test:443",
            "exämple.com:443",
            "example.com/:443",
            ":443",
        ] {
            assert!(Target::parse(text, None).is_err(), "{text}");
        }
    }
}
