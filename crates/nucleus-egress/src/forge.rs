//! Opens a pull request at a forge with a credential that no jail sees.

use std::io;

use hyper::Method;
use nucleus::ports::{Forge, PullRequest};
use nucleus_audit::Recorded;
use portcullis::Permit;
use serde_json::{Value, json};
use url::Url;

use portcullis::host::{Host, UrlPath};
use zeroize::Zeroizing;

use crate::blocking::Blocking;
use crate::credentials::{Credentials, OwnRoute};
use crate::http::{self, Call};

/// The most bytes of a forge's answer that are read.
const ANSWER_BYTES: u64 = 1 << 20;

/// Speaks the REST API of a forge: GitHub's, or GitLab's where the API's path ends in `/api/v4`.
pub struct RestForge {
    api: Url,
    key: Key,
    runtime: Blocking,
}

/// What authorises the calls.
enum Key {
    Token(Zeroizing<String>),
    /// Whatever the policy binds to the route of a call; with a name, only that one.
    Bound(Credentials, Option<String>),
}

impl std::fmt::Debug for RestForge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestForge")
            .field("api", &self.api.as_str())
            .finish_non_exhaustive()
    }
}

impl RestForge {
    /// A client of the API at this URL, from the policy, with this token.
    ///
    /// # Errors
    /// When the URL is neither `https` nor `http` to this machine, or carries a
    /// credential, or the token is empty or no header value.
    pub fn new(api: &str, token: String) -> io::Result<Self> {
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid(
                "the forge's token is empty or has characters no header can carry",
            ));
        }
        Self::with(api, Key::Token(Zeroizing::new(token)))
    }

    /// A client of the API that is authorised by what the policy binds to the route of each call.
    ///
    /// # Errors
    /// As [`new`](Self::new); a call to a route without a credential is refused when it is made.
    pub fn bound(api: &str, credentials: Credentials, named: Option<&str>) -> io::Result<Self> {
        Self::with(api, Key::Bound(credentials, named.map(str::to_owned)))
    }

    fn with(api: &str, key: Key) -> io::Result<Self> {
        let api = Url::parse(api).map_err(invalid)?;
        let is_loopback = matches!(api.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if api.scheme() != "https" && !(api.scheme() == "http" && is_loopback) {
            return Err(invalid("a forge is reached by https"));
        }
        if !api.username().is_empty() || api.password().is_some() {
            return Err(invalid("the forge's URL carries a credential of its own"));
        }
        Ok(Self {
            api,
            key,
            runtime: Blocking::new("nucleus-forge")?,
        })
    }

    /// The header that authorises a call to this route.
    fn authorization(&self, route: &Url) -> io::Result<(String, Zeroizing<String>)> {
        let (credentials, named) = match &self.key {
            Key::Token(token) => {
                let value = Zeroizing::new(format!("Bearer {}", **token));
                return Ok(("authorization".to_owned(), value));
            }
            Key::Bound(credentials, named) => (credentials, named.as_deref()),
        };
        let is_tls = route.scheme() == "https";
        // GitLab names a project by one encoded segment; patterns are written with its slashes.
        let path = route.path().replace("%2F", "/");
        let host = Host::parse(route.host_str().unwrap_or_default()).map_err(invalid)?;
        let path = UrlPath::parse(&path).map_err(invalid)?;
        let own = OwnRoute {
            host: &host,
            port: route.port_or_known_default().unwrap_or(443),
            is_tls,
            method: "POST",
            path: &path,
            is_git: false,
        };
        let found = credentials
            .own_header(&own, named)
            .ok_or_else(|| invalid("the policy binds no credential to this route of the forge"))?;
        Ok((found.name, found.value))
    }

    /// The answer's body without any secret.
    fn scrubbed(&self, body: Vec<u8>) -> Vec<u8> {
        match &self.key {
            Key::Token(_) => body,
            Key::Bound(credentials, _) => credentials.scrubbed(body),
        }
    }

    /// The route and body of the call.
    fn call(&self, pull: &PullRequest) -> io::Result<(Url, Value)> {
        let repository = Url::parse(&pull.url).map_err(invalid)?;
        let path = repository
            .path()
            .trim_matches('/')
            .trim_end_matches(".git")
            .to_owned();
        let is_plain = |segment: &str| {
            !segment.is_empty() && !segment.starts_with('.') && !segment.contains('%')
        };
        if path.split('/').count() < 2 || !path.split('/').all(is_plain) {
            return Err(invalid(
                "the repository's URL names no owner and repository",
            ));
        }
        let mut route = self.api.clone();
        let is_gitlab = self.api.path().trim_end_matches('/').ends_with("/api/v4");
        let segments: Vec<&str> = if is_gitlab {
            vec!["projects", &path, "merge_requests"]
        } else {
            ["repos"]
                .into_iter()
                .chain(path.split('/'))
                .chain(["pulls"])
                .collect()
        };
        route
            .path_segments_mut()
            .map_err(|()| invalid("the forge's URL has no path"))?
            .pop_if_empty()
            .extend(segments);
        let body = if is_gitlab {
            json!({
                "title": pull.title, "description": pull.text,
                "source_branch": pull.head, "target_branch": pull.base,
            })
        } else {
            json!({
                "title": pull.title, "body": pull.text, "head": pull.head, "base": pull.base,
            })
        };
        Ok((route, body))
    }
}

impl Forge for RestForge {
    fn open_pull_request(
        &self,
        permit: Recorded<Permit>,
        pull_request: &PullRequest,
    ) -> io::Result<String> {
        drop(permit);
        let (route, body) = self.call(pull_request)?;
        let host = route.host_str().unwrap_or_default().to_owned();
        let port = route.port_or_known_default().unwrap_or(443);
        let body = body.to_string();
        let (header, value) = self.authorization(&route)?;
        let call = Call {
            method: Method::POST,
            is_tls: route.scheme() == "https",
            host: &host,
            port,
            target: route.path().to_owned(),
            headers: &[
                (&header, &value),
                ("content-type", "application/json"),
                ("accept", "application/json"),
            ],
            body: body.as_bytes(),
            answer_bytes: ANSWER_BYTES,
        };
        let reply = self.runtime.wait_for(async {
            let limit = std::time::Duration::from_secs(30);
            let exchange = async {
                let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await?;
                http::exchange(&call, &found.collect::<Vec<_>>()).await
            };
            tokio::time::timeout(limit, exchange)
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })?;
        opened_url(reply.status, &self.scrubbed(reply.body))
    }
}

/// The URL of the pull request that the forge says it opened.
fn opened_url(status: u16, body: &[u8]) -> io::Result<String> {
    if status != 201 {
        return Err(io::Error::other(format!(
            "the forge answered with status {status}"
        )));
    }
    let answer: Value = serde_json::from_slice(body).map_err(io::Error::other)?;
    ["html_url", "web_url"]
        .iter()
        .find_map(|key| answer.get(key)?.as_str())
        .map(str::to_owned)
        .ok_or_else(|| io::Error::other("the forge's answer names no pull request"))
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
