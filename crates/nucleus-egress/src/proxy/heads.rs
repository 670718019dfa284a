//! Refuses requests that two programs could read differently, before any parser sees them.
//!
//! It follows the framing of an HTTP/1.1 connection from request to request.
//! A head that is not plain is replaced by one that every server answers with
//! 400; the connection ends there. What passes is parsed again by the server,
//! whose reading alone is judged and sent on.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// What a bad head is replaced by: a request line that is none.
const BAD: &[u8] = b"\x01 refused\r\n\r\n";

/// A stream of requests, held to one reading.
#[derive(Debug)]
pub(super) struct PlainHeads<S> {
    stream: S,
    framing: Framing,
    /// Bytes that may be handed on.
    ready: Vec<u8>,
    handed: usize,
}

/// Where in a connection the next byte stands.
#[derive(Debug)]
enum Framing {
    Head(Vec<u8>),
    /// So many bytes of a body.
    Body(u64),
    /// The line that gives a chunk's length.
    ChunkLine(Vec<u8>),
    /// So many bytes of a chunk, its line end included.
    Chunk(u64),
    /// The lines behind the last chunk.
    Trailer(Vec<u8>),
    /// No longer HTTP.
    Through,
    Ended,
}

impl<S> PlainHeads<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            framing: Framing::Head(Vec::new()),
            ready: Vec::new(),
            handed: 0,
        }
    }

    fn take_in(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.step(bytes);
            bytes = &bytes[used..];
        }
    }

    /// Takes some bytes in and says how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        match &mut self.framing {
            Framing::Head(head) if head.is_empty() && is_whole_head(bytes) => {
                // As nearly every head comes: judged where it is.
                let next = judge_head(bytes);
                self.pass_or_end(bytes, next);
                bytes.len()
            }
            Framing::Head(head) => match until(head, bytes, b"\r\n\r\n", MAX_HEAD_BYTES) {
                Line::Whole(used) => {
                    let next = judge_head(head);
                    let passed = std::mem::take(head);
                    self.pass_or_end(&passed, next);
                    used
                }
                Line::More(used) => used,
                Line::TooLong => self.end(bytes.len()),
            },
            Framing::Body(left) | Framing::Chunk(left) => {
                let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= used as u64;
                let is_whole = *left == 0;
                self.ready.extend(&bytes[..used]);
                if is_whole {
                    self.framing = match self.framing {
                        Framing::Chunk(_) => Framing::ChunkLine(Vec::new()),
                        _ => Framing::Head(Vec::new()),
                    };
                }
                used
            }
            Framing::ChunkLine(line) => match until(line, bytes, b"\r\n", 64) {
                Line::Whole(used) => {
                    let next = chunk(line);
                    let passed = std::mem::take(line);
                    self.pass_or_end(&passed, next);
                    used
                }
                Line::More(used) => used,
                Line::TooLong => self.end(bytes.len()),
            },
            Framing::Trailer(lines) => match until(lines, bytes, b"\r\n", 2) {
                Line::Whole(used) => {
                    let passed = std::mem::take(lines);
                    self.pass_or_end(&passed, Some(Framing::Head(Vec::new())));
                    used
                }
                Line::More(used) => used,
                // FAIL-CLOSED: headers behind a body are seen by no rule.
                Line::TooLong => self.end(bytes.len()),
            },
            Framing::Through => {
                self.ready.extend(bytes);
                bytes.len()
            }
            Framing::Ended => bytes.len(),
        }
    }

    fn pass_or_end(&mut self, bytes: &[u8], next: Option<Framing>) {
        match next {
            Some(next) => {
                self.ready.extend(bytes);
                self.framing = next;
            }
            None => {
                self.end(0);
            }
        }
    }

    fn end(&mut self, used: usize) -> usize {
        self.ready.extend(BAD);
        self.framing = Framing::Ended;
        used
    }
}

/// Whether these bytes are one head and nothing else.
fn is_whole_head(bytes: &[u8]) -> bool {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n");
    bytes.len() <= MAX_HEAD_BYTES && end.is_some_and(|at| at + 4 == bytes.len())
}

enum Line {
    /// The line ends within these bytes, of which so many were used.
    Whole(usize),
    More(usize),
    TooLong,
}

/// Appends bytes to the line up to its end.
fn until(line: &mut Vec<u8>, bytes: &[u8], end: &[u8], longest: usize) -> Line {
    let before = line.len();
    let room = longest.saturating_sub(before).min(bytes.len());
    line.extend(&bytes[..room]);
    let from = before.saturating_sub(end.len() - 1);
    match memchr::memmem::find(&line[from..], end) {
        Some(at) => {
            let length = from + at + end.len();
            line.truncate(length);
            Line::Whole(length - before)
        }
        None if line.len() >= longest => Line::TooLong,
        None => Line::More(room),
    }
}

/// Whether a whole head can be read one way only.
pub(super) fn is_plain(head: &[u8]) -> bool {
    judge_head(head).is_some()
}

/// What follows a head; `None` for one that is not plain.
fn judge_head(head: &[u8]) -> Option<Framing> {
    let text = head.strip_suffix(b"\r\n\r\n")?;
    let has_stray = |line: &[u8]| line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
    let mut lines = split_lines(text);
    let start = lines.next()?;
    if has_stray(start) || !is_request_line(start) {
        return None;
    }
    let mut length = None;
    let mut is_chunked = false;
    let mut hosts = 0;
    let mut upgrades = false;
    for line in lines {
        // A line that begins with a space continues the one before it, to some.
        let at = memchr::memchr(b':', line)?;
        let (name, value) = (&line[..at], line[at + 1..].trim_ascii());
        if has_stray(line) || name.is_empty() || !name.iter().all(|b| is_token(*b)) {
            return None;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
            if length.is_some() || !digits {
                return None;
            }
            length = Some(std::str::from_utf8(value).ok()?.parse::<u64>().ok()?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return None;
            }
            is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"host") {
            hosts += 1;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            upgrades = true;
        }
    }
    let is_old = start.ends_with(b" HTTP/1.0");
    if hosts > 1 || (is_chunked && (length.is_some() || is_old)) {
        return None;
    }
    Some(match (is_chunked, length) {
        (true, _) => Framing::ChunkLine(Vec::new()),
        (false, Some(length)) if length > 0 => Framing::Body(length),
        // What follows an upgrade is the other protocol's; one that is refused ends the connection.
        _ if upgrades => Framing::Through,
        _ => Framing::Head(Vec::new()),
    })
}

fn split_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest?;
        match memchr::memmem::find(now, b"\r\n") {
            Some(at) => {
                rest = Some(&now[at + 2..]);
                Some(&now[..at])
            }
            None => {
                rest = None;
                Some(now)
            }
        }
    })
}

/// `METHOD SP target SP HTTP/1.x`, nothing else.
fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|b| *b == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let is_method = method.is_some_and(|m| !m.is_empty() && m.iter().all(|b| is_token(*b)));
    let is_target = target.is_some_and(|t| !t.is_empty() && t.iter().all(u8::is_ascii_graphic));
    let is_version = matches!(version, Some(b"HTTP/1.1" | b"HTTP/1.0"));
    is_method && is_target && is_version && words.next().is_none()
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What follows a chunk's line: plain hexadecimal, without an extension.
fn chunk(line: &[u8]) -> Option<Framing> {
    let digits = line.strip_suffix(b"\r\n")?;
    let is_plain = (1..=8).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    if !is_plain {
        return None;
    }
    let length = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some(match length {
        0 => Framing::Trailer(Vec::new()),
        length => Framing::Chunk(length + 2),
    })
}

impl<S: AsyncRead + Unpin> AsyncRead for PlainHeads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let left = &self.ready[self.handed..];
            if !left.is_empty() {
                let length = left.len().min(buffer.remaining());
                buffer.put_slice(&left[..length]);
                self.handed += length;
                if self.handed == self.ready.len() {
                    self.ready.clear();
                    self.handed = 0;
                }
                return Poll::Ready(Ok(()));
            }
            if matches!(self.framing, Framing::Ended) {
                return Poll::Ready(Ok(()));
            }
            let mut space = [const { MaybeUninit::uninit() }; 16 << 10];
            let mut fresh = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.stream).poll_read(cx, &mut fresh) {
                Poll::Ready(Ok(())) if fresh.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    self.take_in(fresh.filled());
                }
                other => return other,
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PlainHeads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{BAD, PlainHeads};

    /// What is handed on, whichever way the bytes are cut.
    fn passed(text: &str) -> Vec<u8> {
        let whole = {
            let mut heads = PlainHeads::new(());
            heads.take_in(text.as_bytes());
            heads.ready
        };
        let mut cut = PlainHeads::new(());
        for byte in text.as_bytes() {
            cut.take_in(&[*byte]);
        }
        assert_eq!(whole, cut.ready, "{text:?}");
        whole
    }

    #[test]
    fn plain_requests_pass_byte_for_byte() {
        for text in [
            "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX: \r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\0\x01 frames",
        ] {
            assert_eq!(passed(text), text.as_bytes(), "{text:?}");
        }
    }

    #[test]
    fn a_head_with_two_readings_is_replaced() {
        for head in [
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n Continued: b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\n",
            "GET / HTTP/1.1\r\nX\0: a\r\n\r\n",
        ] {
            let text = format!("{head}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(passed(&text), BAD, "{head:?}");
        }
    }

    #[test]
    fn a_chunk_with_two_readings_ends_the_connection() {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        for chunks in [
            "3;a=b\r\nabc\r\n0\r\n\r\n",
            "0x3\r\nabc\r\n0\r\n\r\n",
            " 3\r\nabc\r\n0\r\n\r\n",
            "fffffffff\r\n",
            "0\r\nX-Late: 1\r\n\r\n",
        ] {
            let text = format!("{head}{chunks}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
            let passed = passed(&text);
            assert!(passed.ends_with(BAD), "{chunks:?}");
            assert!(!String::from_utf8_lossy(&passed).contains("smuggled"));
        }
    }

    #[test]
    fn a_head_without_end_is_cut_off() {
        let text = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(super::MAX_HEAD_BYTES));
        assert_eq!(passed(&text), BAD);
    }
}
