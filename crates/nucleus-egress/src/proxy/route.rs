//! Reads where a request goes and what it asks for: one reading, or a refusal.

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, UPGRADE};
use hyper::{Method, Request, Version};
use portcullis::request::UrlSubject;

use super::refusal::Refusal;
use super::serve_http::Conversation;
use super::target::{SeenRequest, Target};

/// The longest path with its query: what servers accept.
const MAX_TARGET_BYTES: usize = 16 << 10;

/// Headers by which servers are known to take another method or path than the request line's.
const OVERRIDES: [&str; 10] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-original-uri",
    "x-override-url",
    "x-rewrite-url",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-forwarded-prefix",
];

/// One request's way.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) target: Target,
    pub(super) url: UrlSubject,
    pub(super) is_tls: bool,
    pub(super) is_upgrade: bool,
    pub(super) path_and_query: String,
}

impl Route {
    /// Reads the request.
    pub(super) fn read(
        conversation: &Conversation,
        request: &Request<Incoming>,
    ) -> Result<Self, Refusal> {
        let target = target(conversation, request)?;
        let headers = request.headers();
        // Servers behind CGI read `_` and `-` alike.
        let is_override = |name: &&HeaderName| {
            let name = name.as_str();
            OVERRIDES.iter().any(|known| is_read_as(name, known))
        };
        if let Some(name) = headers.keys().find(is_override) {
            let why = format!("`{name}` makes another request of it");
            return Err(Refusal::forbidden("ambiguous_request", why));
        }
        let is_upgrade = headers.contains_key(UPGRADE);
        if is_upgrade && (is_h2c(request) || request.version() == Version::HTTP_2) {
            let why = "an upgrade to HTTP/2 hides the requests behind it";
            return Err(Refusal::forbidden("ambiguous_request", why));
        }
        let is_grpc = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let path_and_query = request
            .uri()
            .path_and_query()
            .map_or("/", |both| both.as_str())
            .to_owned();
        if path_and_query.len() > MAX_TARGET_BYTES {
            return Err(Refusal::malformed("the path is longer than 16 KiB"));
        }
        let seen = SeenRequest {
            method: request.method().as_str(),
            scheme: conversation.scheme,
            path: request.uri().path(),
            query: request.uri().query(),
            opens_stream: is_upgrade || is_grpc,
        };
        let url = target.request(seen).map_err(Refusal::malformed)?;
        // What is sent is the spelling that was judged.
        let path = url.path.as_ref().map_or("/", |path| path.as_str());
        let path_and_query = match seen.query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Ok(Self {
            is_tls: conversation.scheme == "https",
            target,
            url,
            is_upgrade,
            path_and_query,
        })
    }

    /// The host as it is written in requests.
    pub(super) fn authority(&self) -> String {
        match (self.is_tls, self.target.port) {
            (true, 443) | (false, 80) => self.target.host.to_string(),
            _ => self.target.to_string(),
        }
    }
}

/// Whether a server may read the name as the known one.
fn is_read_as(name: &str, known: &str) -> bool {
    let read = |byte: u8| if byte == b'_' { b'-' } else { byte };
    name.len() == known.len() && name.bytes().map(read).eq(known.bytes())
}

fn is_h2c(request: &Request<Incoming>) -> bool {
    let headers = request.headers();
    headers.contains_key("http2-settings")
        || headers.get_all(UPGRADE).iter().any(|value| {
            let text = value.as_bytes().to_ascii_lowercase();
            text.windows(2).any(|pair| pair == b"h2")
        })
}

/// The one host that URI, `Host` and connection name.
fn target(conversation: &Conversation, request: &Request<Incoming>) -> Result<Target, Refusal> {
    let (uri, usual) = (request.uri(), conversation.usual_port());
    if *request.method() == Method::CONNECT {
        return Err(Refusal::forbidden(
            "ambiguous_request",
            "a tunnel within a tunnel",
        ));
    }
    let odd = || Refusal::malformed("the request names its host in two ways, or none");
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts
        .next()
        .map(|value| value.to_str().map_err(|_| odd()))
        .transpose()?;
    if hosts.next().is_some() {
        return Err(odd());
    }
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str);
    let target = match &conversation.target {
        Some(target) => target.clone(),
        None => {
            if uri.scheme_str() != Some("http") {
                let why = "the proxy takes `http://` URLs and CONNECT";
                return Err(Refusal::malformed(why));
            }
            Target::parse(authority.unwrap_or_default(), Some(usual)).map_err(Refusal::malformed)?
        }
    };
    let names_it = |named: &str| target.is_named_by(named, usual);
    if authority.is_some_and(|named| !names_it(named)) || host.is_some_and(|named| !names_it(named))
    {
        let why = "`Host` or the URL names another host than the connection";
        return Err(Refusal::forbidden("host_mismatch", why));
    }
    if host.is_none() && authority.is_none() {
        return Err(odd());
    }
    Ok(target)
}
