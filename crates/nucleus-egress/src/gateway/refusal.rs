//! Answers of the gateway's own, in the form that each provider's clients understand.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::route::Api;

/// Why a call was not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// What to tell the client, in one sentence.
    pub message: String,
}

impl Answer {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    /// What a session may never ask of a model.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// The answer in the provider's own form.
    pub(super) fn response(&self, api: Option<Api>) -> Response<BoxBody<Bytes, std::io::Error>> {
        let full =
            Full::new(Bytes::from(self.body(api).to_string())).map_err(|never| match never {});
        let mut response = Response::new(full.boxed());
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    fn body(&self, api: Option<Api>) -> Value {
        let message = format!("nucleus: {}", self.message);
        let kind = match self.status {
            StatusCode::BAD_REQUEST => "invalid_request_error",
            StatusCode::PAYMENT_REQUIRED => "billing_error",
            StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => "api_error",
            _ => "permission_error",
        };
        match api {
            Some(Api::Gemini) => {
                json!({"error": {"code": self.status.as_u16(), "message": message, "status": gemini_status(self.status)}})
            }
            Some(Api::OpenAiChat | Api::OpenAiResponses) => {
                json!({"error": {"message": message, "type": kind, "param": null, "code": "nucleus_refused"}})
            }
            Some(Api::AnthropicMessages) | None => {
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
        }
    }
}

fn gemini_status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => "INVALID_ARGUMENT",
        StatusCode::PAYMENT_REQUIRED => "RESOURCE_EXHAUSTED",
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        _ => "PERMISSION_DENIED",
    }
}
