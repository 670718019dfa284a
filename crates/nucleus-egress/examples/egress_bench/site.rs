//! A session of ours with its proxy, and a port of it on loopback.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use nucleus::Monitor;
use nucleus::dial::Dials;
use nucleus::monitor::SessionOptions;
use nucleus::ports::{Fetch, Hop, HopReply, JailSockets, Network as _};
use nucleus_audit::{Log, LogOptions, Recorded, SigningKey};
use nucleus_egress::{Connect, Connecting, PROXY_PORT, Proxy, ProxyOptions};
use portcullis::SessionId;
use portcullis::decide::Permit;
use tempfile::TempDir;

/// A public address that leads to servers of this program.
const PUBLIC: &str = "93.184.216.34";

/// Resolves every name to the public address, and connects to loopback in its place.
#[derive(Debug)]
struct Local;

impl Fetch for Local {
    fn resolve(&self, _permit: &Recorded<Permit>, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![PUBLIC.parse().unwrap()])
    }

    fn fetch(&self, _permit: Recorded<Permit>, _hop: &Hop<'_>) -> io::Result<HopReply> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Connect for Local {
    fn connect(&self, address: SocketAddr) -> Connecting<'_> {
        let near = SocketAddr::from(([127, 0, 0, 1], address.port()));
        Box::pin(tokio::net::TcpStream::connect(near))
    }
}

/// A session and its proxy's port.
pub(crate) struct Site {
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) port: SocketAddr,
    _served: Box<dyn Send + Sync>,
    dir: TempDir,
}

impl Site {
    /// How many bytes of records the session has on the disk.
    pub(crate) fn log_bytes(&self) -> usize {
        let files = std::fs::read_dir(self.dir.path().join("log")).unwrap();
        let lengths = files.map(|file| {
            let file = file.unwrap();
            let is_record = file.path().extension().is_some_and(|end| end == "jsonl");
            if is_record {
                file.metadata().unwrap().len()
            } else {
                0
            }
        });
        usize::try_from(lengths.sum::<u64>()).unwrap()
    }

    /// Under this policy's hosts, trusting these roots beside the system's.
    pub(crate) fn new(dir: &Path, hosts: &str, roots: &[u8]) -> Self {
        let policy = format!(
            "[capabilities]\nweb_fetch = \"low_risk\"\n[budget]\nmax_cost_usd = 100000\n[network]\nhosts = [{hosts}]\n"
        );
        let dir = tempfile::tempdir_in(dir).unwrap();
        let id = SessionId::from_bytes([9; 16]);
        let key = SigningKey::from_seed(&[2; 32]);
        let log = Log::create(&dir.path().join("log"), id, LogOptions::default(), key).unwrap();
        let source = nucleus_spec::Source::new("permissions.toml", policy.as_str());
        let parsed = nucleus_spec::parse_policy(&source).unwrap();
        let options = SessionOptions::new(parsed.envelope().clone(), "bench", id, log);
        let monitor = Monitor::open(options).unwrap();
        let options = ProxyOptions {
            resolver: Arc::new(Local),
            connect: Arc::new(Local),
            is_redirected: false,
            extra_roots: roots.to_vec(),
            environment: Vec::new(),
            files: Vec::new(),
            limits: Vec::new(),
            journal: Some(dir.path().to_owned()),
        };
        let proxy = Proxy::start(Dials::new(monitor), options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap();
        let sockets = JailSockets {
            ports: vec![(PROXY_PORT, listener)],
            first: Some(std::process::id()),
            ..JailSockets::default()
        };
        let served = proxy.serve("bench", sockets).unwrap();
        Self {
            proxy,
            port,
            _served: served,
            dir,
        }
    }
}
