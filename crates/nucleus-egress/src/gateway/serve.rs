//! Serves a jail's model port: each call planned, paid for, recorded, and only then made.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;

use super::account::{Account, CallSummary};
use super::address::{Addresses, Lookup, SystemLookup};
use super::answer::{Bill, Metered};
use super::betas;
use super::held::{Held, Room};
use super::plan::{Plan, plan, spent};
use super::price::Prices;
use super::refusal::Answer;
use super::route::{Api, Purpose, Route};
use super::upstream::{ModelKey, Upstream};
use crate::tls;

/// The most connections of one jail at once; more wait.
const MAX_CONNECTIONS: usize = 128;
/// The largest request.
const MAX_REQUEST_BYTES: usize = 32 << 20;
/// What the requests of all connections may hold at once, and what the answers may; further requests wait.
const MAX_HELD_BYTES: usize = 128 << 20;
/// How long a client may take to send its request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to send its request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long the provider may take to begin its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// Headers of the client's that are passed on: versions of an API, and what kind of answer is wanted.
const PASSED: [&str; 2] = ["accept", "anthropic-version"];
/// Headers of the provider's that are passed back.
const PASSED_BACK: [&str; 6] = [
    "content-type",
    "request-id",
    "x-request-id",
    "retry-after",
    "retry-after-ms",
    "x-should-retry",
];

type Reply = Response<BoxBody<Bytes, io::Error>>;

/// The gateway of one session.
#[derive(Clone, Debug)]
pub struct Gateway {
    upstream: Upstream,
    addresses: Addresses,
    key: Option<ModelKey>,
    prices: Arc<Prices>,
    account: Arc<dyn Account>,
    requests: Room,
    answers: Room,
}

impl Gateway {
    /// A gateway to this provider, paid for by this account.
    #[must_use]
    pub fn new(
        upstream: Upstream,
        key: Option<ModelKey>,
        prices: Prices,
        account: Arc<dyn Account>,
    ) -> Self {
        Self {
            upstream,
            addresses: Addresses::new(Arc::new(SystemLookup), &[]),
            key,
            prices: Arc::new(prices),
            account,
            requests: Room::new(MAX_HELD_BYTES),
            answers: Room::new(MAX_HELD_BYTES),
        }
    }

    /// The same gateway, whose provider this finds, and which may also be at these addresses though they are not public.
    #[must_use]
    pub fn with_addresses(self, lookup: Arc<dyn Lookup>, named: &[IpAddr]) -> Self {
        Self {
            addresses: Addresses::new(lookup, named),
            ..self
        }
    }

    /// Serves the jail's port until the task is dropped.
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
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let gateway = self.clone();
            tokio::spawn(async move {
                gateway.connection(stream).await;
                drop(slot);
            });
        }
    }

    async fn connection(self, stream: TcpStream) {
        let service = service_fn(|request| {
            let gateway = self.clone();
            async move { Ok::<_, Infallible>(gateway.answer(request).await) }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection to the model port ended");
        }
    }

    /// Makes the call, or says in the provider's form why not.
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let (method, path) = (
            request.method().to_string(),
            request.uri().path().to_owned(),
        );
        let is_plain = request.uri().authority().is_none()
            && !request.headers().contains_key(hyper::header::UPGRADE);
        let route = Route::of(&method, &path, request.uri().query()).filter(|_| is_plain);
        let api = route.as_ref().map(|route| route.api);
        let mut summary = CallSummary {
            route: format!("{method} {}", printable(&path)),
            model: None,
            bound: Default::default(),
            refused: None,
        };
        match self.call(route, request, &mut summary).await {
            Ok(response) => response,
            Err(answer) => {
                summary.refused = Some(answer.message.clone());
                if let Err(error) = self.account.refuse(&summary) {
                    tracing::warn!(%error, "a refused model call could not be recorded");
                }
                answer.response(api)
            }
        }
    }

    async fn call(
        &self,
        route: Option<Route>,
        request: Request<Incoming>,
        summary: &mut CallSummary,
    ) -> Result<Reply, Answer> {
        let route = route.ok_or_else(|| {
            Answer::refused("this is not a route of the model that a session may call")
        })?;
        let (head, body) = request.into_parts();
        let betas = match route.api {
            Api::AnthropicMessages => betas::passed(&head.headers)?,
            _ => None,
        };
        let (body, _held) = self.read(body).await?;
        let left = self.account.left();
        let planned = plan(&route, &body, &self.prices, left)?;
        summary.model = planned.model.as_deref().map(printable);
        summary.bound = planned.bound;
        // FAIL-CLOSED: no call without its record, and none that is not paid for.
        let reserved = self.account.reserve(summary).map_err(|error| {
            tracing::warn!(%error, "a model call could not be recorded");
            Answer::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the session takes no further calls",
            )
        })?;
        let hold = reserved.ok_or_else(|| spent(left))?;
        let bill = match (&planned.price, &route.purpose) {
            (Some(price), Purpose::Generate { .. }) => {
                let hides_usage =
                    planned.is_stream && route.api == Api::OpenAiChat && !planned.wants_usage;
                Some(Bill::new(
                    route.api,
                    price.clone(),
                    planned.bound,
                    hold,
                    planned.is_stream,
                    hides_usage,
                    self.answers.clone(),
                ))
            }
            _ => {
                hold.settle(portcullis::Amount::ZERO);
                None
            }
        };
        let target = head.uri.path_and_query();
        let mut call = Request::builder()
            .method(head.method.clone())
            .uri(target.map_or("/", |target| target.as_str()));
        if let Some(headers) = call.headers_mut() {
            self.headers(route.api, &head.headers, &planned, headers);
            headers.extend(betas.map(|betas| (HeaderName::from_static(betas::HEADER), betas)));
        }
        let call = call
            .body(Full::new(planned.body.clone()))
            .map_err(|_| Answer::new(StatusCode::BAD_REQUEST, "the request cannot be passed on"))?;
        self.forward(call, bill).await
    }

    /// Sends the planned call; the bill settles itself, whatever happens.
    async fn forward(
        &self,
        request: Request<Full<Bytes>>,
        bill: Option<Bill>,
    ) -> Result<Reply, Answer> {
        let sent = tokio::time::timeout(ANSWER_TIMEOUT, self.send(request)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                // Nothing was sent, so nothing is owed.
                if let Some(bill) = bill {
                    bill.cancel();
                }
                return Err(Answer::refused(error.to_string()));
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the model did not answer");
                return Err(Answer::new(
                    StatusCode::BAD_GATEWAY,
                    "the model's provider did not answer",
                ));
            }
            Err(_) => {
                return Err(Answer::new(
                    StatusCode::BAD_GATEWAY,
                    "the model's provider took too long to answer",
                ));
            }
        };
        Ok(passed_back(response, bill))
    }

    /// What the provider is told: our own headers, and of the client's those that are listed.
    fn headers(&self, api: Api, given: &HeaderMap, planned: &Plan, headers: &mut HeaderMap) {
        for name in PASSED {
            if let Some(value) = given.get(name).filter(|value| is_short(value)) {
                headers.insert(HeaderName::from_static(name), value.clone());
            }
        }
        if !headers.contains_key(ACCEPT) {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        }
        if !planned.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        // What is read in passing must be readable.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Ok(host) = HeaderValue::from_str(&self.upstream.authority()) {
            headers.insert(HOST, host);
        }
        // A list of models has the same path with two providers; only the clients of one say a version.
        let api = match given.contains_key("anthropic-version") {
            true => Api::AnthropicMessages,
            false => api,
        };
        if let Some(key) = &self.key {
            key.sign(api, headers);
        }
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>> {
        match &self.upstream {
            Upstream::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                exchange(stream.map_err(io::Error::other)?, request).await
            }
            Upstream::Host { name, port, is_tls } => {
                let addresses = self.addresses.of(name, *port).await?;
                let stream = TcpStream::connect(&*addresses)
                    .await
                    .map_err(io::Error::other)?;
                stream.set_nodelay(true)?;
                match is_tls {
                    true => {
                        let stream = tls::connect(name, stream).await;
                        exchange(stream.map_err(io::Error::other)?, request).await
                    }
                    false => exchange(stream, request).await,
                }
            }
        }
    }

    /// Reads a request's body, up to the limits; its room is held as long as the second value lives.
    async fn read(&self, body: Incoming) -> Result<(Bytes, Held), Answer> {
        let stated = body.size_hint().exact();
        let bytes = stated.map_or(MAX_REQUEST_BYTES, |bytes| {
            usize::try_from(bytes).unwrap_or(usize::MAX)
        });
        if bytes > MAX_REQUEST_BYTES {
            return Err(too_long());
        }
        let collected = async {
            let mut held = self.requests.wait(bytes).await;
            let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await;
            let body = body.map_err(|_| too_long())?.to_bytes();
            held.shrink(body.len());
            Ok((body, held))
        };
        let late = |_| {
            Answer::new(
                StatusCode::REQUEST_TIMEOUT,
                "the request took too long to arrive",
            )
        };
        tokio::time::timeout(BODY_TIMEOUT, collected)
            .await
            .map_err(late)?
    }
}

fn too_long() -> Answer {
    Answer::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request is longer than 32 MiB, or broke off",
    )
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> io::Result<Response<Incoming>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(io::Error::other)
}

/// The provider's answer with the headers that are passed back.
fn passed_back(response: Response<Incoming>, bill: Option<Bill>) -> Reply {
    let (head, body) = response.into_parts();
    let mut bill = bill;
    if !head.status.is_success()
        && let Some(bill) = bill.take()
    {
        // An error is said instead of generating.
        bill.cancel();
    }
    if head.headers.contains_key(CONTENT_ENCODING)
        && let Some(bill) = &mut bill
    {
        bill.lose();
    }
    let mut reply = Response::new(Metered::new(body, bill).boxed());
    *reply.status_mut() = head.status;
    for name in PASSED_BACK {
        if let Some(value) = head.headers.get(name) {
            reply
                .headers_mut()
                .insert(HeaderName::from_static(name), value.clone());
        }
    }
    if let Some(encoding) = head.headers.get(CONTENT_ENCODING) {
        reply
            .headers_mut()
            .insert(CONTENT_ENCODING, encoding.clone());
    }
    reply
}

fn is_short(value: &HeaderValue) -> bool {
    value.len() <= 128 && value.to_str().is_ok()
}

/// A text of the jail's for a record: short, without control characters.
fn printable(text: &str) -> String {
    text.chars()
        .take(200)
        .flat_map(char::escape_debug)
        .collect()
}
