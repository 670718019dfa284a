//! What a program is told that may not reach something: a status, a code, a reason and a way out, never a hang.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use nucleus::Refused;
use serde_json::{Value, json};

use super::body::Content;

/// Why something is not reached.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: Value,
}

/// `access_denied`.
pub(super) const ACCESS_DENIED: u8 = 49;
/// `unrecognized_name`.
pub(super) const UNRECOGNIZED_NAME: u8 = 112;

impl Refusal {
    /// The request itself cannot be read in one way.
    pub(super) fn malformed(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_request", why.into())
    }

    /// The proxy does not do this for anybody.
    pub(super) fn forbidden(code: &'static str, why: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, why.into())
    }

    /// It was permitted, and did not work.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unreachable", why.into())
    }

    fn new(status: StatusCode, code: &'static str, why: String) -> Self {
        Self {
            status,
            code,
            detail: json!({ "code": code, "reason": why }),
        }
    }

    /// The stable code.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// Whether the policy or the proxy refused, rather than the network.
    pub(super) fn is_refusal(&self) -> bool {
        self.status != StatusCode::BAD_GATEWAY
    }

    fn json(&self) -> String {
        json!({ "error": self.detail }).to_string()
    }

    /// As the answer to a request.
    pub(super) fn response(&self) -> Response<Content> {
        let body = Full::new(Bytes::from(self.json())).map_err(|never| match never {});
        let mut response = Response::new(body.boxed());
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// As the last bytes of a connection that was to become a tunnel.
    pub(super) fn last_answer(&self) -> Vec<u8> {
        let body = self.json();
        let reason = self.status.canonical_reason().unwrap_or("Refused");
        format!(
            "HTTP/1.1 {} {reason}\r\n{CONTENT_TYPE}: application/json\r\ncontent-length: {}\r\n{CONNECTION}: close\r\n\r\n{body}",
            self.status.as_u16(),
            body.len()
        )
        .into_bytes()
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let mut detail = refused.to_json();
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("reason".to_owned(), json!(refused.to_string()));
        }
        Self {
            status: StatusCode::FORBIDDEN,
            code: refused.code(),
            detail,
        }
    }
}

/// A fatal TLS alert, as a server sends it before its hello.
pub(super) fn alert(description: u8) -> [u8; 7] {
    [0x15, 3, 3, 0, 2, 2, description]
}
