//! One request of a jailed program: read, judged, sent to the checked address, its answer handed back as it comes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use nucleus::monitor::{Admitted, Need};
use portcullis::decide::Permit;
use portcullis::request as law;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::body::{Coming, Content, Leaving, Settling, empty};
use super::guarded::Guarded;
use super::lanes::Busy;
use super::live::{Alive, Life};
use super::pool::{Key, Lease};
use super::refusal::Refusal;
use super::relay::{self, Watch};
use super::route::Route;
use super::serve_http::Conversation;
use super::tunnel::over_budget;
use crate::credentials::Scan;

/// The longest body that is part of its request's digest; a longer one is a stream.
const DIGESTED_BYTES: u64 = 256 << 10;
/// The most such bodies held at once: 64 MiB of them.
static BODIES: Semaphore = Semaphore::const_new(256);
/// The most time to wait for room for such a body, and for it to arrive.
const BODY: Duration = Duration::from_secs(60);
/// The most time until an answer begins.
const ANSWER: Duration = Duration::from_secs(600);

/// Answers the request, with a refusal where it may not run.
pub(super) async fn exchange(
    conversation: &Arc<Conversation>,
    request: Request<Incoming>,
) -> Response<Content> {
    let begin = |via| {
        conversation
            .shared
            .begin(&conversation.program, via, &conversation.token)
    };
    let mut alive = begin(conversation.scheme);
    alive.busy = Some(Busy::here());
    let life = Arc::clone(&alive.life);
    let is_upgrade = request.headers().contains_key(UPGRADE);
    let mut attempt = Attempt {
        conversation,
        life: Arc::clone(&life),
        alive: Some(alive),
    };
    let cut = life.token().clone();
    let run = std::pin::pin!(attempt.run(request));
    let answered = cut.run_until_cancelled(run).await;
    let gone = || Refusal::forbidden("state_blocked", "the request was cut by the session");
    let mut response = match answered.unwrap_or_else(|| Err(gone())) {
        Ok(response) => response,
        Err(refusal) => {
            life.refused(&refusal);
            refusal.response()
        }
    };
    // What follows an upgrade that was not made is not read as a request.
    if is_upgrade && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(CONNECTION, close);
    }
    response
}

/// One request under way.
struct Attempt<'a> {
    conversation: &'a Arc<Conversation>,
    life: Arc<Life>,
    alive: Option<Alive>,
}

/// The body of a request as it is judged and sent.
enum Carried {
    Whole(Bytes),
    Stream(Incoming),
}

impl Attempt<'_> {
    async fn run(&mut self, mut request: Request<Incoming>) -> Result<Response<Content>, Refusal> {
        let mut route = Route::read(self.conversation, &request).inspect_err(|refusal| {
            // What is named is shown, even where it cannot be read.
            if refusal.is_refusal() {
                self.life.aims_at(String::new());
            }
        })?;
        self.life.aims_at(route.target.to_string());
        let shared = &self.conversation.shared;
        let puts = Guarded {
            shared,
            route: &route,
        }
        .place(request.headers())?;
        route.url.credential = shared.guards.credentials.names_of(&puts);
        let guarded = Guarded {
            shared,
            route: &route,
        };
        let watch = Watch {
            life: Arc::clone(&self.life),
            meter: shared.limits.meter(&route.target),
        };
        if !watch.meter.takes_url(route.path_and_query.len()) || !watch.meter.request() {
            return Err(over_budget());
        }
        let upgrading = route.is_upgrade.then(|| hyper::upgrade::on(&mut request));
        let (head, body) = request.into_parts();
        let _slot = slot(&body).await?;
        let carried = carried(body).await?;
        let content = match &carried {
            Carried::Whole(bytes) if bytes.is_empty() => law::Content::None,
            Carried::Whole(bytes) => law::Content::Inline(bytes.to_vec().into()),
            Carried::Stream(_) => law::Content::None,
        };
        let judged = Arc::new(shared.gate.dials().request(route.url.clone(), content));
        let key = Key::here(route.target.clone(), route.is_tls);
        let pooled = if route.is_upgrade {
            None
        } else {
            shared.pool.take(&key).await
        };
        let need = if pooled.is_some() {
            Need::DurableForSinks
        } else {
            Need::Durable
        };
        let Admitted { permit, ticket } = shared.gate.admit(&judged, need).await?;
        if matches!(carried, Carried::Stream(_)) || route.url.upgrade {
            self.life
                .permitted_for_now(&judged, permit.get().projected());
        } else {
            self.life.permitted();
        }
        let mut settling = Settling {
            shared: Arc::clone(shared),
            ticket: Some(ticket),
            lease: None,
            alive: self.alive.take(),
        };
        let whole = match &carried {
            Carried::Whole(bytes) => Some(&**bytes),
            Carried::Stream(_) => None,
        };
        // After the permit: what is refused anyway costs no decoding.
        let scan = guarded
            .check_sent(&puts, &head, whole)
            .inspect_err(|refusal| settling.finish(Some(refusal.code())))?;
        let leaving = self.leaving(carried, &watch, scan)?;
        let mut outgoing = outgoing(head.headers, &head.method, leaving);
        guarded.prepare(&puts, outgoing.headers_mut())?;
        let way = Way {
            attempt: self,
            route: &route,
            key: &key,
            judged: &judged,
            need,
        };
        let sent = way.send(pooled, permit, outgoing).await;
        let (response, lease) = sent.inspect_err(|refusal| {
            self.life.refused(refusal);
            settling.finish(Some(refusal.code()));
        })?;
        guarded.check_answer(&response).inspect_err(|refusal| {
            settling.finish(Some(refusal.code()));
        })?;
        settling.lease = Some(lease);
        match upgrading {
            Some(program) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                Ok(self.upgraded(program, response, watch, settling))
            }
            _ => {
                let answer = incoming(response, watch.clone(), settling);
                guarded.answer(answer, &watch).await
            }
        }
    }

    fn leaving(
        &self,
        carried: Carried,
        watch: &Watch,
        scan: Option<Scan>,
    ) -> Result<Content, Refusal> {
        let shared = &self.conversation.shared;
        match carried {
            Carried::Whole(bytes) if bytes.is_empty() => Ok(empty()),
            Carried::Whole(bytes) => {
                if !watch.meter.send(bytes.len()) {
                    return Err(over_budget());
                }
                let length = bytes.len() as u64;
                self.life
                    .sent
                    .fetch_add(length, std::sync::atomic::Ordering::Relaxed);
                Ok(Full::new(bytes).map_err(|never| match never {}).boxed())
            }
            Carried::Stream(body) => {
                let leaving = Leaving {
                    body,
                    watch: watch.clone(),
                    shared: Arc::clone(shared),
                    scan,
                };
                Ok(leaving.boxed())
            }
        }
    }

    /// Joins both ends of an upgraded connection; what passes is judged again as it leaves.
    fn upgraded(
        &self,
        program: hyper::upgrade::OnUpgrade,
        mut response: Response<Incoming>,
        watch: Watch,
        mut settling: Settling,
    ) -> Response<Content> {
        let host = hyper::upgrade::on(&mut response);
        let shared = Arc::clone(&self.conversation.shared);
        let mut answer = Response::new(empty());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        tokio::spawn(async move {
            let cut = watch.life.token().clone();
            let joined = async {
                if let (Ok(program), Ok(host)) = (program.await, host.await) {
                    let (program, host) = (TokioIo::new(program), TokioIo::new(host));
                    relay::streams(program, host, &shared.gate, &watch).await;
                }
            };
            cut.run_until_cancelled(joined).await;
            settling.lease = None;
            settling.finish(None);
        });
        answer
    }
}

/// Whether a body of this length is held whole.
fn is_held_whole(length: Option<u64>) -> bool {
    matches!(length, Some(1..=DIGESTED_BYTES))
}

/// Room for a body that is held whole.
async fn slot(body: &Incoming) -> Result<Option<SemaphorePermit<'static>>, Refusal> {
    if !is_held_whole(body.size_hint().exact()) {
        return Ok(None);
    }
    match tokio::time::timeout(BODY, BODIES.acquire()).await {
        Ok(Ok(slot)) => Ok(Some(slot)),
        _ => Err(Refusal::failed(
            "too many requests with bodies are under way",
        )),
    }
}

/// Reads a short body whole, so that its digest is part of the request.
async fn carried(body: Incoming) -> Result<Carried, Refusal> {
    match body.size_hint().exact() {
        Some(0) => Ok(Carried::Whole(Bytes::new())),
        length if is_held_whole(length) => match tokio::time::timeout(BODY, body.collect()).await {
            Ok(Ok(whole)) => Ok(Carried::Whole(whole.to_bytes())),
            _ => Err(Refusal::malformed("the body did not arrive")),
        },
        _ => Ok(Carried::Stream(body)),
    }
}

/// How a permitted request reaches its host.
struct Way<'a> {
    attempt: &'a Attempt<'a>,
    route: &'a Route,
    key: &'a Key,
    judged: &'a Arc<law::Request>,
    need: Need,
}

impl Way<'_> {
    /// Sends over the idle connection, or over a fresh one where there is none or it has just died.
    async fn send(
        &self,
        pooled: Option<Lease>,
        permit: nucleus_audit::Recorded<Permit>,
        mut request: Request<Content>,
    ) -> Result<(Response<Incoming>, Lease), Refusal> {
        if let Some(mut lease) = pooled {
            self.address(&mut request, lease.is_http2())?;
            match answer(lease.send(request)).await? {
                Ok(response) => return Ok((response, lease)),
                Err(unsent) => match unsent.request {
                    Some(back) => request = back,
                    None => return Err(broken(&unsent.error)),
                },
            }
        }
        let shared = &self.attempt.conversation.shared;
        if self.need != Need::Durable {
            shared.gate.settle(self.judged).await?;
        }
        let stream = shared.gate.dial(permit, self.judged).await?;
        let opened = shared
            .pool
            .open(self.key, stream, self.route.is_upgrade)
            .await;
        let mut lease = opened
            .map_err(|error| Refusal::failed(format!("the host cannot be spoken to: {error}")))?;
        self.address(&mut request, lease.is_http2())?;
        match answer(lease.send(request)).await? {
            Ok(response) => Ok((response, lease)),
            Err(unsent) => Err(broken(&unsent.error)),
        }
    }

    /// Writes the target into the request, in the way of the protocol: nothing of it is the program's spelling.
    fn address(&self, request: &mut Request<Content>, is_http2: bool) -> Result<(), Refusal> {
        let path = &self.route.path_and_query;
        let authority = self.route.authority();
        let text = if is_http2 {
            format!("https://{authority}{path}")
        } else {
            path.clone()
        };
        let odd = |_| Refusal::malformed("the path cannot be sent");
        *request.uri_mut() = text.parse::<Uri>().map_err(odd)?;
        if is_http2 {
            request.headers_mut().remove(HOST);
        } else {
            let host = HeaderValue::from_str(&authority);
            let host = host.map_err(|_| Refusal::malformed("the host cannot be sent"))?;
            request.headers_mut().insert(HOST, host);
        }
        Ok(())
    }
}

async fn answer<T>(sending: impl Future<Output = T>) -> Result<T, Refusal> {
    tokio::time::timeout(ANSWER, sending)
        .await
        .map_err(|_| Refusal::failed("the host does not answer"))
}

fn broken(error: &hyper::Error) -> Refusal {
    Refusal::failed(format!("the host broke off: {error}"))
}

/// The request without what concerns the program's own connection.
fn outgoing(mut headers: HeaderMap, method: &hyper::Method, body: Content) -> Request<Content> {
    let is_upgrade = headers.contains_key(UPGRADE);
    let upgrade = headers.get(UPGRADE).cloned();
    strip(&mut headers);
    if let Some(upgrade) = upgrade.filter(|_| is_upgrade) {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.headers_mut() = headers;
    request
}

/// The answer without what concerns the host's own connection.
fn incoming(
    response: Response<Incoming>,
    watch: Watch,
    mut settling: Settling,
) -> Response<Content> {
    let (mut head, body) = response.into_parts();
    strip(&mut head.headers);
    head.headers.remove("alt-svc");
    let body = if body.is_end_stream() {
        settling.finish(None);
        empty()
    } else {
        let coming = Coming {
            body,
            watch,
            settling,
        };
        coming.boxed()
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = head.status;
    *answer.headers_mut() = head.headers;
    answer
}

/// Removes the headers of one connection (RFC 9110, 7.6.1), and those that `Connection` names.
fn strip(headers: &mut HeaderMap) {
    const OWN: [&str; 9] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .filter(|name| *name != HOST && *name != hyper::header::CONTENT_LENGTH)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in OWN {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::{DIGESTED_BYTES, is_held_whole};

    #[test]
    fn a_body_that_streams_takes_no_room_of_those_that_are_held_whole() {
        assert!(is_held_whole(Some(1)) && is_held_whole(Some(DIGESTED_BYTES)));
        for length in [None, Some(0), Some(DIGESTED_BYTES + 1), Some(u64::MAX)] {
            assert!(!is_held_whole(length), "{length:?}");
        }
    }
}
