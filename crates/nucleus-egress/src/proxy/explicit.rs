//! The proxy's own port: SOCKS5 by its first byte, CONNECT by its first word, any other request as a request.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::listen::Site;
use super::live::Alive;
use super::prefixed::Prefixed;
use super::refusal::Refusal;
use super::serve_http::{self, Conversation};
use super::target::Target;
use super::{heads, socks, tunnel};

/// The longest head of a CONNECT.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// The most time until the head is whole.
const HEAD: Duration = Duration::from_secs(30);

/// Serves one connection.
pub(super) async fn serve(site: &Site, alive: &Alive, mut stream: TcpStream) {
    let mut bytes = Vec::with_capacity(1024);
    let head = tokio::time::timeout(HEAD, read_head(&mut stream, &mut bytes));
    match head.await {
        Ok(Some(Start::Socks)) => socks::serve(site, alive, stream, bytes).await,
        Ok(Some(Start::Connect(length))) => connect(site, alive, stream, bytes, length).await,
        Ok(Some(Start::Request)) => {
            let conversation = Arc::new(Conversation::of_proxy(site, alive));
            serve_http::http1(Prefixed::new(bytes, stream), &conversation).await;
        }
        Ok(None) | Err(_) => {}
    }
}

enum Start {
    Socks,
    /// A CONNECT whose head is this long.
    Connect(usize),
    Request,
}

/// Reads until it is known what begins; `None` when nothing does.
async fn read_head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<Start> {
    const CONNECT: &[u8] = b"CONNECT ";
    loop {
        if bytes.first() == Some(&5) {
            return Some(Start::Socks);
        }
        let looks_like = bytes.iter().zip(CONNECT).all(|(a, b)| a == b);
        if !looks_like {
            return Some(Start::Request);
        }
        if bytes.len() >= CONNECT.len()
            && let Some(at) = memchr::memmem::find(bytes, b"\r\n\r\n")
        {
            return Some(Start::Connect(at + 4));
        }
        if bytes.len() >= MAX_HEAD_BYTES || stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Judges, dials and answers a CONNECT, then passes what follows.
async fn connect(site: &Site, alive: &Alive, mut stream: TcpStream, bytes: Vec<u8>, length: usize) {
    let opened = match target_of(&bytes[..length]) {
        Ok(target) => tunnel::open(site, alive, target).await,
        Err(why) => Err(Refusal::malformed(why)),
    };
    match opened {
        Ok(opened) => {
            const DONE: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
            if stream.write_all(DONE).await.is_ok() {
                let incoming = opened.incoming(stream, bytes[length..].to_vec());
                tunnel::enter(site, alive, incoming).await;
            }
        }
        Err(refusal) => {
            alive.life.refused(&refusal);
            let _gone = stream.write_all(&refusal.last_answer()).await;
            let _gone = stream.shutdown().await;
        }
    }
}

/// The target of a CONNECT head; its `Host` must not name another.
fn target_of(head: &[u8]) -> Result<Target, String> {
    if !heads::is_plain(head) {
        return Err("the request can be read in more than one way".to_owned());
    }
    let text = std::str::from_utf8(head).map_err(|_| "the request is not ASCII".to_owned())?;
    let mut lines = text.split("\r\n");
    let authority = lines.next().and_then(|line| line.split(' ').nth(1));
    let target = Target::parse(authority.unwrap_or_default(), None)?;
    let host = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("host"));
    match host {
        Some((_, named)) if !target.is_named_by(named.trim(), target.port) => {
            Err("`Host` names another host".to_owned())
        }
        _ => Ok(target),
    }
}

#[cfg(test)]
mod tests {
    use super::target_of;

    #[test]
    fn a_connect_names_one_host() {
        let target = |head: &str| target_of(head.as_bytes()).map(|target| target.to_string());
        for head in [
            "CONNECT a.test:443 HTTP/1.1\r\n\r\n",
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
            "CONNECT A.test.:443 HTTP/1.1\r\nHost: a.test\r\n\r\n",
        ] {
            assert_eq!(target(head).unwrap(), "a.test:443", "{head:?}");
        }
        for head in [
            "CONNECT a.test HTTP/1.1\r\n\r\n",
            "CONNECT a.test:443 HTTP/1.1\r\nHost: b.test:443\r\n\r\n",
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:80\r\n\r\n",
            "CONNECT http://a.test:443 HTTP/1.1\r\n\r\n",
            "CONNECT a.test:443 b.test HTTP/1.1\r\n\r\n",
            "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\nHost: a.test\r\n\r\n",
        ] {
            assert!(target(head).is_err(), "{head:?}");
        }
    }
}
