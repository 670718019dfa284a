//! Gives a URL one reading: what is judged is what is dialled.

use portcullis::host::{Host, UrlPath};
use portcullis::request::UrlSubject;
use url::Url;

use crate::error::Error;
use crate::monitor::cut;

/// The methods that can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
}

impl Method {
    /// The method in capitals.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// The longest URL: what servers accept.
const MAX_URL_BYTES: usize = 8192;

/// Parses a URL that a person or model wrote.
pub(super) fn parse(text: &str) -> Result<Url, Error> {
    if text.len() > MAX_URL_BYTES {
        return Err(Error::Malformed(format!(
            "a URL is longer than {MAX_URL_BYTES} bytes"
        )));
    }
    // FAIL-CLOSED: what a parser drops or turns round is read differently by others.
    if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(invalid(
            text,
            "it has a space, control character or backslash",
        ));
    }
    Url::parse(text).map_err(|error| invalid(text, &error.to_string()))
}

/// The subject of a request for the URL.
pub(super) fn subject(url: &Url, method: Method) -> Result<UrlSubject, Error> {
    let text = url.as_str();
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(text, "only http and https can be fetched"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(text, "a URL must not hold a user name or password"));
    }
    let host = url
        .host_str()
        .ok_or_else(|| invalid(text, "it names no host"))?;
    let host = Host::parse(host).map_err(|error| invalid(text, &error.to_string()))?;
    let path = UrlPath::parse(url.path()).map_err(|error| invalid(text, &error.to_string()))?;
    Ok(UrlSubject {
        method: method.name().to_owned(),
        scheme: url.scheme().to_owned(),
        host,
        port: url
            .port_or_known_default()
            .ok_or_else(|| invalid(text, "it names no port"))?,
        path: Some(path),
        query: url.query().unwrap_or_default().to_owned(),
        upgrade: false,
        credential: None,
    })
}

pub(super) fn invalid(url: &str, why: &str) -> Error {
    Error::Malformed(format!("cannot fetch `{}`: {why}", cut(url)))
}
