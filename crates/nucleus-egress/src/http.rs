//! One HTTP/1.1 exchange with one of the addresses given, with headers of ours alone.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HOST, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use nucleus::ports::HopReply;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::tls;

/// What to send.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) is_tls: bool,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
    /// The most bytes of the answer that are kept.
    pub(crate) answer_bytes: u64,
}

/// Dials, sends and reads the answer up to its limit.
pub(crate) async fn exchange(call: &Call<'_>, addresses: &[SocketAddr]) -> io::Result<HopReply> {
    let stream = dial(addresses).await?;
    if call.is_tls {
        answer(tls::connect(call.host, stream).await?, call).await
    } else {
        answer(stream, call).await
    }
}

/// The first of the addresses that answers.
async fn dial(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address to dial");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Speaks HTTP/1.1 over the stream.
async fn answer<S>(stream: S, call: &Call<'_>) -> io::Result<HopReply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let response = sender
        .send_request(request(call)?)
        .await
        .map_err(io::Error::other);
    let reply = match response {
        Ok(response) => reply(response, call.answer_bytes).await,
        Err(error) => Err(error),
    };
    driver.abort();
    reply
}

/// The request with its headers.
fn request(call: &Call<'_>) -> io::Result<Request<Full<Bytes>>> {
    let usual = if call.is_tls { 443 } else { 80 };
    let authority = if call.port == usual {
        call.host.to_owned()
    } else {
        format!("{}:{}", call.host, call.port)
    };
    let start = Request::builder()
        .method(call.method.clone())
        .uri(&call.target)
        .header(HOST, authority)
        .header(USER_AGENT, "nucleus")
        .header(ACCEPT_ENCODING, "identity");
    let filled = call.headers.iter().fold(start, |request, (name, value)| {
        request.header(*name, *value)
    });
    filled
        .body(Full::new(Bytes::copy_from_slice(call.body)))
        .map_err(io::Error::other)
}

/// Reads the answer; its body up to the limit.
async fn reply(response: Response<Incoming>, answer_bytes: u64) -> io::Result<HopReply> {
    let text = |name: hyper::header::HeaderName| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let mut reply = HopReply {
        status: response.status().as_u16(),
        location: text(hyper::header::LOCATION),
        content_type: text(hyper::header::CONTENT_TYPE),
        ..HopReply::default()
    };
    let limit = usize::try_from(answer_bytes).unwrap_or(usize::MAX);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(io::Error::other)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = limit - reply.body.len();
        reply.body.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            reply.is_cut = true;
            break;
        }
    }
    Ok(reply)
}
