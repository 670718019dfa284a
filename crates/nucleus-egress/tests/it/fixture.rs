//! A session that permits everything, and local HTTP servers that answer once per connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use nucleus::Monitor;
use nucleus::monitor::{Need, SessionOptions};
use nucleus_audit::{Log, LogOptions, Recorded, SigningKey};
use portcullis::decide::Permit;
use portcullis::envelope::{Envelope, EnvelopeParts};
use portcullis::host::{Host, UrlPath};
use portcullis::request::{Subject, UrlSubject};
use portcullis::{Amount, Operation, SessionId};
use tempfile::TempDir;

/// A session whose envelope holds everything.
pub(crate) struct Session {
    monitor: Arc<Monitor>,
    _dir: TempDir,
}

impl Session {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let id = SessionId::from_bytes([7; 16]);
        let key = SigningKey::from_seed(&[1; 32]);
        let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
        let envelope = Envelope::new(EnvelopeParts::everything());
        let monitor = Monitor::open(SessionOptions::new(envelope, "tester", id, log)).unwrap();
        Self { monitor, _dir: dir }
    }

    /// A recorded permit for any subject.
    pub(crate) fn permit(&self, operation: Operation, subject: Subject) -> Recorded<Permit> {
        let request = self.monitor.request(operation, subject).build();
        let admitted = self
            .monitor
            .admit(&request, Amount::ZERO, Need::Durable)
            .unwrap();
        admitted.ticket.done().unwrap();
        admitted.permit
    }

    pub(crate) fn fetch_permit(&self, url: &UrlSubject) -> Recorded<Permit> {
        self.permit(Operation::WebFetch, Subject::Url(url.clone()))
    }
}

/// A `GET` of this scheme, host and path.
pub(crate) fn url(scheme: &str, host: &str, port: u16, path: &str) -> UrlSubject {
    UrlSubject {
        method: "GET".to_owned(),
        scheme: scheme.to_owned(),
        host: Host::parse(host).unwrap(),
        port,
        path: Some(UrlPath::parse(path).unwrap()),
        query: String::new(),
        upgrade: false,
        credential: None,
    }
}

/// One request as a server saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(own, _)| own == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Serves each connection with the same bytes and hands out what was asked.
pub(crate) fn server(answer: impl Into<Vec<u8>>) -> (SocketAddr, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (send, receive) = channel();
    let answer = answer.into();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(seen) = read_request(&stream) else {
                continue;
            };
            let _ = send.send(seen);
            let _ = stream.write_all(&answer);
        }
    });
    (address, receive)
}

fn read_request(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        line: line.trim_end().to_owned(),
        headers,
        body: Vec::new(),
    };
    let length = seen
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    seen.body = vec![0; length];
    reader.read_exact(&mut seen.body).ok()?;
    Some(seen)
}

/// An answer with this status line, headers and body.
pub(crate) fn answer(status: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}connection: close\r\n\r\n{body}").into_bytes()
}
