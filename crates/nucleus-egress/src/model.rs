//! Passes a jail's calls of known model routes to one Unix socket, and refuses all others.
//!
//! **It does not read what is sent**: the socket's other end is the trusted
//! reader that the threat model names. Schemas, keys and budgets are the work
//! of the gateway that takes its place.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;

/// The most connections of one jail at once; more wait.
const MAX_CONNECTIONS: usize = 64;

/// One call that a jail made, passed on or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    /// The method as sent.
    pub method: String,
    /// The path as sent, without its query.
    pub path: String,
    /// Whether it was passed on.
    pub is_passed: bool,
}

/// Whether a provider's API has this route and the forwarder passes it.
///
/// The path is compared as sent: an encoded or dotted spelling is another path.
#[must_use]
pub fn is_model_route(method: &str, path: &str) -> bool {
    let route = path.strip_prefix("/v1/").unwrap_or("");
    match method {
        "POST" => {
            matches!(
                route,
                "chat/completions" | "responses" | "messages" | "messages/count_tokens"
            ) || is_gemini_call(path)
        }
        "GET" => {
            route == "models"
                || path == "/v1beta/models"
                || route.strip_prefix("models/").is_some_and(is_model_name)
                || path
                    .strip_prefix("/v1beta/models/")
                    .is_some_and(is_model_name)
        }
        _ => false,
    }
}

/// `/v1beta/models/NAME:CALL` of the three calls that generate or count.
fn is_gemini_call(path: &str) -> bool {
    path.strip_prefix("/v1beta/models/")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(name, call)| {
            is_model_name(name)
                && matches!(
                    call,
                    "generateContent" | "streamGenerateContent" | "countTokens"
                )
        })
}

/// One path segment of plain characters.
fn is_model_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(is_plain)
}

/// Called with every call, before it is passed on or refused; an error keeps it from being passed on.
type Observer = Arc<dyn Fn(&ModelCall) -> io::Result<()> + Send + Sync>;

/// Passes known routes from a jail's port to a Unix socket.
#[derive(Clone)]
pub struct ModelForwarder {
    socket: PathBuf,
    observer: Observer,
}

impl std::fmt::Debug for ModelForwarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelForwarder")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

impl ModelForwarder {
    /// A forwarder to this socket that tells the observer of each call first.
    ///
    /// A call that the observer could not record is not passed on.
    ///
    /// # Errors
    /// When the path is no socket.
    pub fn new(
        socket: &Path,
        observer: impl Fn(&ModelCall) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt as _;
        if !std::fs::metadata(socket)?.file_type().is_socket() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the path is not a socket",
            ));
        }
        Ok(Self {
            socket: socket.to_owned(),
            observer: Arc::new(observer),
        })
    }

    /// Serves the jail's port until the listener fails or the task is dropped.
    ///
    /// # Errors
    /// When the listener cannot be taken over by the runtime.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let slot = Arc::clone(&slots)
                .acquire_owned()
                .await
                .map_err(io::Error::other)?;
            // Every accept error is transient: the jail must not be able to end the loop.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            };
            let forwarder = self.clone();
            tokio::spawn(async move {
                forwarder.connection(stream).await;
                drop(slot);
            });
        }
    }

    /// Serves one connection of the jail.
    async fn connection(self, stream: TcpStream) {
        let service = service_fn(|request| {
            let forwarder = self.clone();
            async move { Ok::<_, std::convert::Infallible>(forwarder.pass(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection to the model port ended");
        }
    }

    /// Passes one call on, or answers why not.
    async fn pass(&self, request: Request<Incoming>) -> Response<BoxBody<Bytes, hyper::Error>> {
        let path = request.uri().path().to_owned();
        let is_origin_form = request.uri().authority().is_none();
        let is_upgrade = request.headers().contains_key(hyper::header::UPGRADE)
            || *request.method() == Method::CONNECT;
        let is_passed =
            is_origin_form && !is_upgrade && is_model_route(request.method().as_str(), &path);
        let call = ModelCall {
            method: request.method().to_string(),
            path,
            is_passed,
        };
        let recorded = (self.observer)(&call);
        if !is_passed {
            return refusal(StatusCode::FORBIDDEN, "this is not a route of the model");
        }
        // FAIL-CLOSED: no call without its record.
        if let Err(error) = recorded {
            tracing::warn!(%error, "a model call could not be recorded");
            return refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                "the session takes no further calls",
            );
        }
        match self.forward(request).await {
            Ok(response) => response.map(BodyExt::boxed),
            Err(error) => {
                tracing::warn!(%error, "the model socket did not answer");
                refusal(StatusCode::BAD_GATEWAY, "the model did not answer")
            }
        }
    }

    /// Sends the call to the socket.
    async fn forward(&self, request: Request<Incoming>) -> io::Result<Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(io::Error::other)
    }
}

/// An answer of the forwarder's own, in the form that providers use.
fn refusal(status: StatusCode, message: &str) -> Response<BoxBody<Bytes, hyper::Error>> {
    let body = serde_json::json!({
        "type": "error",
        "error": { "type": "permission_error", "message": message },
    });
    let full = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
    let mut response = Response::new(full.boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::is_model_route;

    #[test]
    fn routes_that_generate_pass() {
        for (method, path) in [
            ("POST", "/v1/chat/completions"),
            ("POST", "/v1/responses"),
            ("POST", "/v1/messages"),
            ("POST", "/v1/messages/count_tokens"),
            ("GET", "/v1/models"),
            ("GET", "/v1/models/some-model-4.1"),
            ("POST", "/v1beta/models/some-model:streamGenerateContent"),
        ] {
            assert!(is_model_route(method, path), "{method} {path}");
        }
    }

    #[test]
    fn every_other_route_is_refused() {
        for (method, path) in [
            ("POST", "/v1/files"),
            ("PUT", "/v1/responses"),
            ("DELETE", "/v1/models/x"),
            ("GET", "/v1/responses/resp_1"),
            ("POST", "/v1/chat/completions/"),
            ("POST", "/v1/../v1/chat/completions"),
            ("POST", "/v1//responses"),
            ("POST", "/v1/%72esponses"),
            ("GET", "/v1/models/.."),
            ("GET", "/v1/models/a/b"),
            ("POST", "/v1beta/models/x:batchGenerateContent"),
            ("POST", "/v1/batches"),
            ("POST", "/"),
            ("GET", ""),
        ] {
            assert!(!is_model_route(method, path), "{method} {path}");
        }
    }
}
