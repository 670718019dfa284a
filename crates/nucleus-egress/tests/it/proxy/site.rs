//! A session with a proxy before it, hosts that exist for the test alone, and clients that speak byte by byte.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nucleus::Monitor;
use nucleus::dial::Dials;
use nucleus::monitor::SessionOptions;
use nucleus::ports::{Fetch, Hop, HopReply, JailSockets, Network as _};
use nucleus_audit::{Log, LogOptions, Recorded, SigningKey};
use nucleus_egress::{Connect, Connecting, Guards, PROXY_PORT, Proxy, ProxyOptions};
use nucleus_spec::HostLimit;
use portcullis::SessionId;
use portcullis::decide::Permit;
use portcullis::host::HostPattern;
use tempfile::TempDir;

/// Longer than anything here needs on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Resolves by a table, and remembers what it was asked.
#[derive(Debug, Default)]
pub(crate) struct Table {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Table {
    /// The answers for a name, one look-up after the other; the last one stays.
    pub(crate) fn set(&self, name: &str, answers: &[&[&str]]) {
        let parsed = answers
            .iter()
            .map(|one| one.iter().map(|ip| ip.parse().unwrap()).collect())
            .collect();
        self.answers.lock().unwrap().insert(name.to_owned(), parsed);
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetch for Table {
    fn resolve(&self, _permit: &Recorded<Permit>, host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().unwrap().push(host.to_owned());
        if host.ends_with(".dead.test") && !self.answers.lock().unwrap().contains_key(host) {
            // Nobody answers for these, and nobody says so.
            std::thread::sleep(PATIENCE);
        }
        let mut all = self.answers.lock().unwrap();
        let answers = all.get_mut(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers[0].clone()
        })
    }

    fn fetch(&self, _permit: Recorded<Permit>, _hop: &Hop<'_>) -> io::Result<HopReply> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Reaches local servers in place of public addresses, and remembers what was dialled.
#[derive(Debug, Default)]
pub(crate) struct Wires {
    servers: Mutex<HashMap<SocketAddr, SocketAddr>>,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Wires {
    pub(crate) fn lead(&self, public: &str, to: SocketAddr) {
        self.servers
            .lock()
            .unwrap()
            .insert(public.parse().unwrap(), to);
    }

    pub(crate) fn dialled(&self) -> Vec<String> {
        let dialled = self.dialled.lock().unwrap();
        dialled.iter().map(ToString::to_string).collect()
    }
}

impl Connect for Wires {
    fn connect(&self, address: SocketAddr) -> Connecting<'_> {
        self.dialled.lock().unwrap().push(address);
        let server = self.servers.lock().unwrap().get(&address).copied();
        Box::pin(async move {
            match server {
                Some(server) => tokio::net::TcpStream::connect(server).await,
                None => Err(io::ErrorKind::ConnectionRefused.into()),
            }
        })
    }
}

/// A session under a policy, its proxy, and one jail's port of it.
pub(crate) struct Site {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) names: Arc<Table>,
    pub(crate) wires: Arc<Wires>,
    pub(crate) port: SocketAddr,
    served: Option<Box<dyn Send + Sync>>,
    pub(crate) dir: TempDir,
}

/// How a site differs from the usual.
#[derive(Default)]
pub(crate) struct Setting {
    pub(crate) roots: Vec<u8>,
    pub(crate) limits: Vec<HostLimit>,
    /// Hosts that the user's own settings name.
    pub(crate) inside: Vec<&'static str>,
    pub(crate) guards: Guards,
}

impl Site {
    /// A site under these sections of a policy.
    pub(crate) fn new(policy: &str) -> Self {
        Self::with(policy, Setting::default())
    }

    pub(crate) fn with(policy: &str, setting: Setting) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let id = SessionId::from_bytes([9; 16]);
        let key = SigningKey::from_seed(&[2; 32]);
        let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
        let source = nucleus_spec::Source::new("permissions.toml", policy);
        let envelope = nucleus_spec::parse_policy(&source)
            .unwrap()
            .envelope()
            .clone();
        let monitor = Monitor::open(SessionOptions::new(envelope, "tester", id, log)).unwrap();
        let inside = setting
            .inside
            .iter()
            .map(|host| HostPattern::parse(host).unwrap());
        let dials = Dials::new(Arc::clone(&monitor)).with_inside(inside);
        let (names, wires) = (Arc::new(Table::default()), Arc::new(Wires::default()));
        let options = ProxyOptions {
            resolver: names.clone(),
            connect: wires.clone(),
            is_redirected: false,
            extra_roots: setting.roots,
            environment: Vec::new(),
            files: Vec::new(),
            limits: setting.limits,
            journal: Some(dir.path().to_owned()),
        };
        let proxy = Proxy::start_with(dials, options, setting.guards).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap();
        // As a jail's sockets are.
        rustix::net::listen(&listener, 4096).unwrap();
        let sockets = JailSockets {
            ports: vec![(PROXY_PORT, listener)],
            first: Some(std::process::id()),
            ..JailSockets::default()
        };
        let served = proxy.serve("test", sockets).unwrap();
        Self {
            monitor,
            proxy,
            names,
            wires,
            port,
            served: Some(served),
            dir,
        }
    }

    /// Gives a name a public address, and that address a server.
    pub(crate) fn host(&self, name: &str, public: &str, server: SocketAddr) {
        let address = public.rsplit_once(':').unwrap().0;
        self.names.set(name, &[&[address]]);
        self.wires.lead(public, server);
    }

    /// Ends the jail.
    pub(crate) fn end_jail(&mut self) {
        self.served = None;
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.port).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes and reads until the other end closes.
    pub(crate) fn say(&self, bytes: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    /// Asks for one URL by the proxy's own form.
    pub(crate) fn get(&self, url: &str) -> String {
        let host = url.split('/').nth(2).unwrap();
        self.say(&format!(
            "GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        ))
    }

    /// A tunnel, and what the proxy said of it.
    pub(crate) fn tunnel(&self, target: &str) -> (TcpStream, String) {
        let mut stream = self.connect();
        write!(
            stream,
            "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
        )
        .unwrap();
        let head = read_head(&mut stream);
        (stream, head)
    }

    /// The texts of the log.
    pub(crate) fn log(&self) -> String {
        self.monitor.log().checkpoint().unwrap();
        let mut text = String::new();
        for entry in std::fs::read_dir(self.dir.path().join("log")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "jsonl") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
        text
    }
}

/// Reads up to the end of a head.
pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads what comes until the end, or until an error.
pub(crate) fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _broken_off = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    let number = answer.split(' ').nth(1).unwrap_or_default();
    number.parse().unwrap_or(0)
}

/// A server that answers every request on every connection with its request line and `Host`.
pub(crate) fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || echo_on(stream));
        }
    });
    address
}

/// Answers requests on one connection until it ends.
pub(crate) fn echo_on(mut stream: impl io::Read + io::Write) {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let field = |name: &str| {
            head.lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(own, _)| own.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let length = field("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).is_err() {
            return;
        }
        let line = head.lines().next().unwrap_or_default();
        let host = field("host").unwrap_or_default();
        let text = format!(
            "saw {line} host {host} body {}\n",
            String::from_utf8_lossy(&body)
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A server that sends back every byte.
pub(crate) fn mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = stream.try_clone().unwrap();
                let mut writer = stream;
                let _ended = io::copy(&mut reader, &mut writer);
                let _gone = writer.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    address
}

/// A ClientHello that names this host, or none.
pub(crate) fn hello(name: Option<&str>) -> Vec<u8> {
    let sized = |bytes: &[u8], width: usize| {
        let length = (bytes.len() as u32).to_be_bytes();
        [&length[4 - width..], bytes].concat()
    };
    let mut extensions = vec![0, 43, 0, 3, 2, 3, 4];
    if let Some(name) = name {
        let list = [vec![0], sized(name.as_bytes(), 2)].concat();
        extensions.extend([0, 0]);
        extensions.extend(sized(&sized(&list, 2), 2));
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(sized(&[], 1));
    body.extend(sized(&[0x13, 1], 2));
    body.extend(sized(&[0], 1));
    body.extend(sized(&extensions, 2));
    let message = [vec![1], sized(&body, 3)].concat();
    [vec![0x16, 3, 1], sized(&message, 2)].concat()
}
