//! Where calls go, and the key they are made with; neither is ever in a jail.

use std::io;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::route::Api;

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// A Unix socket, whose other end is the provider or its stand-in.
    Socket(PathBuf),
    /// A host, by TLS unless it is a loopback address.
    Host {
        /// The name that its certificate has to have, or an address without brackets.
        name: String,
        /// The port.
        port: u16,
        /// Whether TLS is spoken.
        is_tls: bool,
    },
}

impl Upstream {
    /// The Unix socket at this path.
    ///
    /// # Errors
    /// When there is none.
    pub fn socket(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt as _;
        if !std::fs::metadata(path)?.file_type().is_socket() {
            return Err(odd("the path is not a socket"));
        }
        Ok(Self::Socket(path.to_owned()))
    }

    /// The host of a URL: `https://HOST[:PORT]`, or `http://` and an address of this machine.
    ///
    /// # Errors
    /// For every other URL: a path, a query and a user mean nothing here, and a key never goes out in the clear.
    pub fn url(text: &str) -> io::Result<Self> {
        let url = url::Url::parse(text).map_err(io::Error::other)?;
        let is_bare = matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_bare {
            return Err(odd("it has to be a scheme, a host and a port alone"));
        }
        let host = url.host().ok_or_else(|| odd("it names no host"))?;
        let (name, is_loopback) = match &host {
            url::Host::Domain(name) => ((*name).to_owned(), *name == "localhost"),
            url::Host::Ipv4(address) => (address.to_string(), address.is_loopback()),
            url::Host::Ipv6(address) => (address.to_string(), address.is_loopback()),
        };
        let is_tls = match url.scheme() {
            "https" => true,
            "http" if is_loopback => false,
            "http" => return Err(odd("without TLS only this machine is called")),
            _ => return Err(odd("it has to begin with https://")),
        };
        let port = url
            .port_or_known_default()
            .ok_or_else(|| odd("it names no port"))?;
        Ok(Self::Host { name, port, is_tls })
    }

    /// What the `host` header says.
    pub(super) fn authority(&self) -> String {
        let Self::Host { name, port, is_tls } = self else {
            return "localhost".to_owned();
        };
        let name = match name.contains(':') {
            true => format!("[{name}]"),
            false => name.clone(),
        };
        match (port, is_tls) {
            (443, true) | (80, false) => name,
            _ => format!("{name}:{port}"),
        }
    }
}

/// The key that calls are made with.
#[derive(Clone)]
pub struct ModelKey {
    plain: HeaderValue,
    bearer: HeaderValue,
}

impl std::fmt::Debug for ModelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelKey").finish_non_exhaustive()
    }
}

impl ModelKey {
    /// A key of the provider's.
    ///
    /// # Errors
    /// When it is empty or cannot stand in a header.
    pub fn new(key: &str) -> io::Result<Self> {
        if key.is_empty() {
            return Err(odd("the model's key is empty"));
        }
        let value = |text: &str| {
            let mut value = HeaderValue::from_str(text)
                .map_err(|_| odd("the model's key cannot stand in a header"))?;
            value.set_sensitive(true);
            Ok::<_, io::Error>(value)
        };
        Ok(Self {
            plain: value(key)?,
            bearer: value(&format!("Bearer {key}"))?,
        })
    }

    /// Puts the key where calls of this API have it.
    pub(super) fn sign(&self, api: Api, headers: &mut HeaderMap) {
        let (name, value) = match api {
            Api::AnthropicMessages => ("x-api-key", &self.plain),
            Api::Gemini => ("x-goog-api-key", &self.plain),
            Api::OpenAiChat | Api::OpenAiResponses => ("authorization", &self.bearer),
        };
        headers.insert(HeaderName::from_static(name), value.clone());
    }
}

fn odd(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_called_by_tls_and_this_machine_in_the_clear() {
        for (text, authority) in [
            ("https://api.openai.com", "api.openai.com"),
            (
                "https://gateway.corp.example:8443/",
                "gateway.corp.example:8443",
            ),
            ("http://127.0.0.1:11434", "127.0.0.1:11434"),
            ("http://localhost:8080", "localhost:8080"),
            ("http://[::1]:8080", "[::1]:8080"),
        ] {
            assert_eq!(
                Upstream::url(text).unwrap().authority(),
                authority,
                "{text}"
            );
        }
    }

    #[test]
    fn every_other_url_is_refused() {
        for text in [
            "http://api.openai.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1:8080",
            "https://api.openai.com/v1",
            "https://api.openai.com?key=k",
            "https://api.openai.com#k",
            "https://user:key@api.openai.com",
            "ftp://api.openai.com",
            "api.openai.com",
            "",
        ] {
            assert!(Upstream::url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_that_is_no_socket_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Upstream::socket(&file).is_err());
        assert!(Upstream::socket(&dir.path().join("missing")).is_err());
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(Upstream::socket(&socket).is_ok(), "the allow twin");
    }

    #[test]
    fn a_key_is_never_shown_and_stands_where_its_api_has_it() {
        let key = ModelKey::new("sk-canary").unwrap();
        assert!(!format!("{key:?}").contains("canary"));
        for (api, name, value) in [
            (Api::AnthropicMessages, "x-api-key", "sk-canary"),
            (Api::OpenAiChat, "authorization", "Bearer sk-canary"),
            (Api::OpenAiResponses, "authorization", "Bearer sk-canary"),
            (Api::Gemini, "x-goog-api-key", "sk-canary"),
        ] {
            let mut headers = HeaderMap::new();
            key.sign(api, &mut headers);
            assert_eq!(headers.len(), 1);
            assert_eq!(headers[name], value);
            assert!(!format!("{headers:?}").contains("canary"));
        }
        assert!(ModelKey::new("").is_err());
        assert!(ModelKey::new("a\nb").is_err());
    }
}
