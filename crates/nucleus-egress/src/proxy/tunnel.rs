//! What follows once a connection's target is known: requests are seen where they can be, everything else is an opaque tunnel.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nucleus::dial::{Treatment, cost};
use nucleus::monitor::{Need, Ticket};
use nucleus_audit::Effect;
use portcullis::host::Host;
use portcullis::request::{Content, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::hello::{self, Hello, Reading};
use super::lanes::Busy;
use super::listen::Site;
use super::live::Alive;
use super::prefixed::Prefixed;
use super::refusal::{ACCESS_DENIED, Refusal, UNRECOGNIZED_NAME, alert};
use super::relay::{self, Watch};
use super::serve_http::{self, Conversation};
use super::target::Target;

/// The most time until a hello is whole.
const HELLO: Duration = Duration::from_secs(5);
/// How long a raw tunnel waits for its client to speak first.
const RAW: Duration = Duration::from_millis(300);
/// The most time for the TLS handshake with the program.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// A connection of a jail with its target.
pub(super) struct Incoming {
    stream: TcpStream,
    first: Vec<u8>,
    target: Target,
    judged: Option<Judged>,
}

/// A dial that was judged and made before the program spoke.
struct Judged {
    out: TcpStream,
    ticket: Ticket,
    busy: Busy,
}

/// A target that may be reached, as far as is known before the program speaks.
pub(super) struct Opened {
    target: Target,
    judged: Option<Judged>,
}

impl Opened {
    /// The connection, with what was read of it already.
    pub(super) fn incoming(self, stream: TcpStream, first: Vec<u8>) -> Incoming {
        Incoming {
            stream,
            first,
            target: self.target,
            judged: self.judged,
        }
    }
}

impl Incoming {
    /// A connection whose target was not judged.
    pub(super) fn new(stream: TcpStream, target: Target) -> Self {
        Self {
            stream,
            first: Vec::new(),
            target,
            judged: None,
        }
    }
}

/// Judges and dials an opaque target; an inspected one is judged request by request, later.
pub(super) async fn open(site: &Site, alive: &Alive, target: Target) -> Result<Opened, Refusal> {
    alive.life.aims_at(target.to_string());
    let treatment = site.shared.treatment(&target);
    let judged = match treatment {
        Treatment::Inspected => None,
        Treatment::Opaque | Treatment::Raw => Some(dial(site, alive, &target).await?),
    };
    Ok(Opened { target, judged })
}

/// Judges an opaque dial, and makes it.
async fn dial(site: &Site, alive: &Alive, target: &Target) -> Result<Judged, Refusal> {
    let gate = &site.shared.gate;
    if !site.shared.limits.meter(target).request() {
        return Err(over_budget());
    }
    let busy = Busy::here();
    let request: Arc<Request> = Arc::new(gate.dials().request(target.dial(), Content::None));
    let admitted = gate.admit(&request, Need::Durable).await?;
    alive
        .life
        .permitted_for_now(&request, admitted.permit.get().projected());
    match gate.dial(admitted.permit, &request).await {
        Ok(out) => Ok(Judged {
            out,
            ticket: admitted.ticket,
            busy,
        }),
        Err(refusal) => {
            finish(admitted.ticket, Some(refusal.code()));
            Err(refusal)
        }
    }
}

pub(super) fn over_budget() -> Refusal {
    Refusal::forbidden(
        "host_budget_exceeded",
        "the policy's budget of requests or bytes for this host is used up",
    )
}

fn finish(ticket: Ticket, failure: Option<&str>) {
    // A record that cannot be written has ended the session.
    let _ = ticket.finish(failure.map_or(Effect::Done, Effect::Failed), cost());
}

/// Closes without a farewell: the program sees an error at once.
pub(super) fn reset(stream: &TcpStream) {
    let _gone = stream.set_zero_linger();
}

/// What a connection's first bytes are.
enum First {
    Tls(Hello),
    Http,
    Other,
}

/// Serves the connection to its end.
pub(super) async fn enter(site: &Site, alive: &Alive, mut incoming: Incoming) {
    alive.life.aims_at(incoming.target.to_string());
    let treatment = site.shared.treatment(&incoming.target);
    let wait = if treatment == Treatment::Raw {
        RAW
    } else {
        HELLO
    };
    let read = read_first(&mut incoming.stream, &mut incoming.first);
    let first = tokio::time::timeout(wait, read)
        .await
        .unwrap_or(First::Other);
    let refused = match (first, treatment) {
        (First::Tls(hello), _) if !is_named(&hello, &incoming.target) => {
            refuse_name(site, alive, &incoming, &hello);
            Some(UNRECOGNIZED_NAME)
        }
        (First::Tls(_), Treatment::Inspected) => return inspect(site, alive, incoming).await,
        (First::Tls(_), _) => match pass(site, alive, &mut incoming).await {
            Ok(()) => return,
            Err(_) => Some(ACCESS_DENIED),
        },
        (First::Http | First::Other, Treatment::Raw) => {
            match pass(site, alive, &mut incoming).await {
                Ok(()) => return,
                Err(_) => None,
            }
        }
        (First::Http, _) => return converse(site, alive, incoming).await,
        (First::Other, _) => {
            let why =
                "neither TLS nor HTTP: a rule that names the port of the host allows any protocol";
            alive
                .life
                .refused(&Refusal::forbidden("unknown_protocol", why));
            site.shared
                .gate
                .note(format!("connection to {} refused: {why}", incoming.target));
            None
        }
    };
    if let Some(judged) = incoming.judged {
        finish(judged.ticket, Some("refused at its first bytes"));
    }
    match refused {
        Some(description) => {
            let _gone = incoming.stream.write_all(&alert(description)).await;
            let _gone = incoming.stream.shutdown().await;
        }
        None => reset(&incoming.stream),
    }
}

/// Reads until it is known what the connection speaks.
async fn read_first(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> First {
    loop {
        match bytes.first() {
            Some(0x16) => match hello::read(bytes) {
                Reading::Whole(hello) => return First::Tls(hello),
                Reading::More if bytes.len() < 2 * hello::MAX_HELLO_BYTES => {}
                Reading::More | Reading::Broken => return First::Other,
            },
            Some(_) => {
                let word = bytes.iter().take_while(|b| b.is_ascii_uppercase()).count();
                match bytes.get(word) {
                    Some(b' ') if (3..=16).contains(&word) => return First::Http,
                    None if word <= 16 => {}
                    _ => return First::Other,
                }
            }
            None => {}
        }
        match stream.read_buf(bytes).await {
            Ok(length) if length > 0 => {}
            _ => return First::Other,
        }
    }
}

/// Whether the hello names the target and nothing else.
///
/// FAIL-CLOSED: a target by name needs its name, a target by address none.
fn is_named(hello: &Hello, target: &Target) -> bool {
    match (&hello.name, &target.host) {
        (Some(named), Host::Name(name)) => named.eq_ignore_ascii_case(name.as_str()),
        (None, Host::Address(_)) => true,
        (Some(_), Host::Address(_)) | (None, Host::Name(_)) => false,
    }
}

fn refuse_name(site: &Site, alive: &Alive, incoming: &Incoming, hello: &Hello) {
    let why = match &hello.name {
        Some(_) => "its TLS hello names another host",
        None => "its TLS hello names no host",
    };
    alive
        .life
        .refused(&Refusal::forbidden("server_name_mismatch", why));
    site.shared
        .gate
        .note(format!("connection to {} refused: {why}", incoming.target));
}

/// Judges and dials where that was not done, and passes the bytes of an opaque tunnel.
async fn pass(site: &Site, alive: &Alive, incoming: &mut Incoming) -> Result<(), Refusal> {
    let judged = match incoming.judged.take() {
        Some(judged) => judged,
        None => dial(site, alive, &incoming.target)
            .await
            .inspect_err(|refusal| alive.life.refused(refusal))?,
    };
    let Judged {
        mut out,
        ticket,
        busy: _busy,
    } = judged;
    let gate = &site.shared.gate;
    let watch = Watch {
        life: Arc::clone(&alive.life),
        meter: site.shared.limits.meter(&incoming.target),
    };
    let first = std::mem::take(&mut incoming.first);
    let may = watch.may_send(gate, first.len());
    if !may || out.write_all(&first).await.is_err() {
        finish(ticket, Some("the tunnel was cut or broke off"));
        return Err(Refusal::failed("the tunnel was cut or broke off"));
    }
    drop(first);
    let closing = Closing {
        ticket: Some(ticket),
    };
    relay::tcp(&mut incoming.stream, &mut out, gate, &watch).await;
    drop(closing);
    Ok(())
}

/// Settles a tunnel when it ends, also when it is cut.
struct Closing {
    ticket: Option<Ticket>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            finish(ticket, None);
        }
    }
}

/// Serves HTTP without TLS: each request is judged.
async fn converse(site: &Site, alive: &Alive, incoming: Incoming) {
    if let Some(judged) = incoming.judged {
        finish(judged.ticket, None);
    }
    let conversation = Arc::new(Conversation::with(site, alive, incoming.target, "http"));
    let stream = Prefixed::new(Bytes::from(incoming.first), incoming.stream);
    serve_http::http1(stream, &conversation).await;
}

/// Opens TLS by the session's own authority and serves what is within: each request is judged.
async fn inspect(site: &Site, alive: &Alive, incoming: Incoming) {
    let Ok(config) = site.shared.ca.config(&incoming.target.host) else {
        return reset(&incoming.stream);
    };
    let stream = Prefixed::new(Bytes::from(incoming.first), incoming.stream);
    let accepted = TlsAcceptor::from(config).accept(stream);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, accepted).await else {
        return;
    };
    let conversation = Arc::new(Conversation::with(site, alive, incoming.target, "https"));
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        serve_http::http2(stream, &conversation).await;
    } else {
        serve_http::http1(stream, &conversation).await;
    }
}
