//! A jail's port before a model server on a Unix socket: known routes stream through, all others end here.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nucleus_egress::{ModelCall, ModelForwarder};
use tempfile::TempDir;

/// A forwarder before a model that sends a first event at once and the second when told to.
struct Model {
    port: SocketAddr,
    heads: Receiver<String>,
    go_on: Sender<()>,
    calls: Arc<Mutex<Vec<ModelCall>>>,
    _runtime: tokio::runtime::Runtime,
    _dir: TempDir,
}

impl Model {
    fn start() -> Self {
        Self::observed(|_| Ok(()))
    }

    /// A model whose calls are recorded by this.
    fn observed(record: fn(&ModelCall) -> std::io::Result<()>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("model");
        let (send_head, heads) = channel();
        let (go_on, wait) = channel();
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || serve(&listener, &send_head, &wait));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let observed = calls.clone();
        let observer = move |call: &ModelCall| {
            observed.lock().unwrap().push(call.clone());
            record(call)
        };
        let forwarder = ModelForwarder::new(&socket, observer).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.spawn(forwarder.serve(port));
        Self {
            port: address,
            heads,
            go_on,
            calls,
            _runtime: runtime,
            _dir: dir,
        }
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.port).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// The whole answer to a request after which the connection closes.
    fn answer(&self, request: &str) -> String {
        let mut text = String::new();
        let mut stream = self.send(request);
        stream.read_to_string(&mut text).unwrap();
        let _ = stream.shutdown(Shutdown::Both);
        text
    }

    fn passed(&self) -> Vec<bool> {
        self.calls
            .lock()
            .unwrap()
            .iter()
            .map(|call| call.is_passed)
            .collect()
    }
}

fn serve(listener: &UnixListener, heads: &Sender<String>, wait: &Receiver<()>) {
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        while reader.read_line(&mut head).unwrap() > 2 {}
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        heads
            .send(format!("{head}{}", String::from_utf8(body).unwrap()))
            .unwrap();
        let start = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        stream
            .write_all(format!("{start}d\r\ndata: first\n\n\r\n").as_bytes())
            .unwrap();
        if wait.recv().is_ok() {
            stream
                .write_all(b"e\r\ndata: second\n\n\r\n0\r\n\r\n")
                .unwrap();
        }
    }
}

const GENERATE: &str = "POST /v1/responses?beta=1 HTTP/1.1\r\nhost: model\r\nauthorization: Bearer own\r\n\
    content-length: 2\r\nconnection: close\r\n\r\n{}";

#[test]
fn events_arrive_while_the_model_still_speaks() {
    let model = Model::start();
    let mut reader = BufReader::new(model.send(GENERATE));
    let mut text = String::new();
    while !text.contains("data: first") {
        assert!(reader.read_line(&mut text).unwrap() > 0, "{text}");
    }
    assert!(!text.contains("second"));
    model.go_on.send(()).unwrap();
    reader.read_to_string(&mut text).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("data: second"),
        "{text}"
    );
    let head = model.heads.recv().unwrap();
    assert!(
        head.starts_with("POST /v1/responses?beta=1 HTTP/1.1\r\n") && head.ends_with("{}"),
        "{head}"
    );
    assert!(head.contains("authorization: Bearer own"), "{head}");
    assert_eq!(model.passed(), [true]);
}

#[test]
fn no_other_route_reaches_the_socket() {
    let model = Model::start();
    let tail = "host: model\r\ncontent-length: 0\r\nconnection: close\r\n";
    for line in [
        "POST /v1/files HTTP/1.1\r\n",
        "GET /v1/responses HTTP/1.1\r\n",
        "POST /v1/../v1/responses HTTP/1.1\r\n",
        "POST /v1/%72esponses HTTP/1.1\r\n",
        "POST http://evil.example/v1/responses HTTP/1.1\r\n",
        "POST /v1/responses HTTP/1.1\r\nupgrade: websocket\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\n",
    ] {
        let text = model.answer(&format!("{line}{tail}\r\n"));
        assert!(text.starts_with("HTTP/1.1 403"), "{line:?}: {text}");
        assert!(text.contains("permission_error"), "{line:?}: {text}");
    }
    assert_eq!(model.passed(), [false; 7]);
    assert!(model.heads.try_recv().is_err());
}

#[test]
fn a_second_request_on_one_connection_is_judged_too() {
    let model = Model::start();
    let first = GENERATE.replace("connection: close\r\n", "");
    let second =
        "POST /v1/files HTTP/1.1\r\nhost: model\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    model.go_on.send(()).unwrap();
    let text = model.answer(&format!("{first}{second}"));
    assert!(
        text.contains("data: second") && text.contains("HTTP/1.1 403"),
        "{text}"
    );
    assert_eq!(model.passed(), [true, false]);
}

#[test]
fn a_body_of_two_lengths_is_not_passed_on() {
    let model = Model::start();
    let text = model.answer(
        "POST /v1/responses HTTP/1.1\r\nhost: model\r\ncontent-length: 2\r\ncontent-length: 40\r\nconnection: close\r\n\r\n{}",
    );
    assert!(text.starts_with("HTTP/1.1 400"), "{text}");
    assert!(model.heads.try_recv().is_err());
}

#[test]
fn a_model_that_is_gone_is_a_bad_gateway() {
    let model = Model::start();
    std::fs::remove_file(model._dir.path().join("model")).unwrap();
    let text = model.answer(GENERATE);
    assert!(text.starts_with("HTTP/1.1 502"), "{text}");
    assert!(
        !text.contains(model._dir.path().to_str().unwrap()),
        "{text}"
    );
}

#[test]
fn a_call_that_cannot_be_recorded_is_not_passed_on() {
    let model = Model::observed(|_| Err(std::io::Error::other("the disk is full")));
    let text = model.answer(GENERATE);
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    assert!(
        model.heads.try_recv().is_err(),
        "nothing reached the socket"
    );
}

#[test]
fn a_path_that_is_no_socket_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    ModelForwarder::new(&file, |_| Ok(())).unwrap_err();
    ModelForwarder::new(&dir.path().join("missing"), |_| Ok(())).unwrap_err();
}
