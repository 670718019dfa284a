//! Hosts whose requests are seen: TLS by the session's own authority, over HTTP/1.1 and HTTP/2, each request judged.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use crate::proxy::site::{Setting, Site, echo_on, read_all, read_head, status};

const ROUTES: &str = "
[capabilities]
web_fetch = \"low_risk\"
[network]
hosts = [
  { host = \"api.test\", methods = [\"GET\"], paths = [\"/open/**\"] },
  { host = \"up.test\", paths = [\"/**\"], trust = true },
]
";

/// A server with TLS, and the root that signed it.
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    pub(super) root: Vec<u8>,
}

impl Origin {
    /// For these names, speaking what `serve` speaks.
    pub(super) fn new(
        names: &[&str],
        serve: impl Fn(&mut dyn Both) + Send + Sync + 'static,
    ) -> Self {
        let serve = Arc::new(serve);
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(names).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], der)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, serve) = (Arc::clone(&config), Arc::clone(&serve));
                std::thread::spawn(move || {
                    let session = rustls::ServerConnection::new(config).unwrap();
                    serve(&mut rustls::StreamOwned::new(session, stream));
                });
            }
        });
        Self {
            address,
            root: certificate.pem().into_bytes(),
        }
    }
}

pub(super) trait Both: std::io::Read + std::io::Write {}
impl<T: std::io::Read + std::io::Write> Both for T {}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn site(origin: &Origin) -> Site {
    let site = Site::with(
        ROUTES,
        Setting {
            roots: origin.root.clone(),
            ..Setting::default()
        },
    );
    site.host("api.test", "93.184.216.50:443", origin.address);
    site.host("up.test", "93.184.216.51:443", origin.address);
    site
}

pub(super) type Tls = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

/// TLS to a host through the proxy, trusting the session's authority alone.
pub(super) fn tls(
    site: &Site,
    target: &str,
    name: &str,
    offered: &[&[u8]],
) -> std::io::Result<Tls> {
    let (stream, head) = site.tunnel(target);
    assert_eq!(status(&head), 200, "{head}");
    let mut roots = rustls::RootCertStore::empty();
    let own = CertificateDer::from_pem_slice(site.proxy.certificate().as_bytes()).unwrap();
    roots.add(own).unwrap();
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut tls = rustls::StreamOwned::new(session, stream);
    while tls.conn.is_handshaking() {
        tls.conn.complete_io(&mut tls.sock)?;
    }
    Ok(tls)
}

fn ask(site: &Site, head: &str) -> String {
    let mut tls = tls(site, "api.test:443", "api.test", &[]).unwrap();
    tls.write_all(head.as_bytes()).unwrap();
    read_tls(&mut tls)
}

pub(super) fn read_tls(tls: &mut Tls) -> String {
    let mut bytes = Vec::new();
    let _broken_off = std::io::Read::read_to_end(tls, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn echo_tls(stream: &mut dyn Both) {
    echo_on(stream);
}

#[test]
fn a_request_within_tls_is_judged_by_its_method_and_path() {
    let site = site(&Origin::new(&["api.test"], echo_tls));
    let close = "Host: api.test\r\nConnection: close\r\n\r\n";
    let good = ask(&site, &format!("GET /open/a?b HTTP/1.1\r\n{close}"));
    assert!(
        good.contains("saw GET /open/a?b HTTP/1.1 host api.test"),
        "{good}"
    );
    let dialled = site.wires.dialled().len();
    for line in [
        "GET /shut HTTP/1.1",
        "POST /open/a HTTP/1.1",
        "GET /open/%2e%2e/shut HTTP/1.1",
    ] {
        let bad = ask(&site, &format!("{line}\r\n{close}"));
        assert!(matches!(status(&bad), 400 | 403), "{line}: {bad}");
    }
    assert_eq!(site.wires.dialled().len(), dialled);
}

/// C9: the tunnel, the hello and the request must name one host.
#[test]
fn another_host_within_is_refused() {
    let site = site(&Origin::new(&["api.test"], echo_tls));
    let fronted = ask(
        &site,
        "GET /open/a HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(status(&fronted), 403, "{fronted}");
    let absolute = ask(
        &site,
        "GET https://evil.test/open/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n",
    );
    assert!(matches!(status(&absolute), 400 | 403), "{absolute}");
    assert!(tls(&site, "api.test:443", "evil.test", &[]).is_err());
    assert!(site.wires.dialled().is_empty());
}

/// Shapes that two servers read differently, one after the other on kept connections.
#[test]
fn smuggled_requests_are_refused_within_tls() {
    let site = site(&Origin::new(&["api.test"], echo_tls));
    for head in [
        "POST /open/a HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /open/a HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: api.test\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: api.test\r\n folded: x\r\n\r\n",
        "GET /open/a HTTP/1.1\r\nHost: api.test\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let good = "GET /open/first HTTP/1.1\r\nHost: api.test\r\n\r\n";
        let smuggled = "0\r\n\r\nGET /open/smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n";
        let answer = ask(&site, &format!("{good}{head}{smuggled}"));
        assert!(answer.contains("/open/first"), "{head}: {answer}");
        assert!(!answer.contains("smuggled"), "{head}: {answer}");
    }
}

#[test]
fn an_origin_that_cannot_prove_its_name_is_not_spoken_to() {
    let origin = Origin::new(&["other.test"], echo_tls);
    let site = site(&origin);
    let answer = ask(
        &site,
        "GET /open/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(status(&answer), 502, "{answer}");
    let unknown = Site::new(ROUTES);
    unknown.host(
        "api.test",
        "93.184.216.50:443",
        Origin::new(&["api.test"], echo_tls).address,
    );
    let answer = ask(
        &unknown,
        "GET /open/a HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(status(&answer), 502, "{answer}");
}

#[test]
fn http2_requests_are_judged_one_by_one() {
    let site = site(&Origin::new(&["api.test"], echo_tls));
    let (stream, head) = site.tunnel("api.test:443");
    assert_eq!(status(&head), 200, "{head}");
    let certificate = site.proxy.certificate().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let seen = runtime.block_on(async move {
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap())
            .unwrap();
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        stream.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(stream).unwrap();
        let name = ServerName::try_from("api.test").unwrap();
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        let io = hyper_util::rt::TokioIo::new(tls);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut seen = Vec::new();
        for (method, url, host) in [
            ("GET", "https://api.test/open/a", None),
            ("GET", "https://api.test/shut", None),
            ("DELETE", "https://api.test/open/a", None),
            ("GET", "https://evil.test/open/a", None),
            ("GET", "https://api.test/open/a", Some("evil.test")),
            ("GET", "https://api.test/open/b", None),
        ] {
            let mut request = hyper::Request::builder().method(method).uri(url);
            if let Some(host) = host {
                request = request.header("host", host);
            }
            let body = http_body_util::Empty::<bytes::Bytes>::new();
            let answer = sender
                .send_request(request.body(body).unwrap())
                .await
                .unwrap();
            seen.push(answer.status().as_u16());
        }
        seen
    });
    assert_eq!(seen, [200, 403, 403, 403, 403, 200]);
}

/// Speaks another protocol after an upgrade: every line comes back.
fn upgrade_tls(stream: &mut dyn Both) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let is_upgrade = text.contains("upgrade: websocket") && text.contains("connection: upgrade");
    let answer: &[u8] = if is_upgrade {
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    } else {
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
    };
    if stream.write_all(answer).is_err() {
        return;
    }
    let mut ping = [0; 4];
    let _ended = stream.read_exact(&mut ping);
    let _gone = stream.write_all(b"pong");
    let _gone = stream.flush();
    let mut rest = Vec::new();
    let _ended = stream.read_to_end(&mut rest);
}

/// An upgrade is a tunnel: a sink of both kinds, cut when the session has touched too much.
#[test]
fn an_upgrade_is_joined_and_cut_like_a_tunnel() {
    let site = site(&Origin::new(&["up.test"], upgrade_tls));
    let mut stream = tls(&site, "up.test:443", "up.test", &[]).unwrap();
    let ask = "GET /socket HTTP/1.1\r\nHost: up.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    stream.write_all(ask.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(
        head.starts_with(b"HTTP/1.1 101"),
        "{}",
        String::from_utf8_lossy(&head)
    );
    stream.write_all(b"ping").unwrap();
    let mut back = [0; 4];
    std::io::Read::read_exact(&mut stream, &mut back).unwrap();
    assert_eq!(&back, b"pong");
    site.monitor
        .expose(nucleus::Exposure::UNTRUSTED, "fetched a page")
        .unwrap();
    assert_eq!(read_tls(&mut stream), "");
    // An effect sink after untrusted content needs approval.
    let mut stream = tls(&site, "up.test:443", "up.test", &[]).unwrap();
    stream.write_all(ask.as_bytes()).unwrap();
    assert_eq!(status(&read_tls(&mut stream)), 403);
}

#[test]
fn a_long_body_is_passed_as_it_comes() {
    let site = site(&Origin::new(&["up.test"], echo_tls));
    let mut stream = tls(&site, "up.test:443", "up.test", &[]).unwrap();
    let body = "z".repeat(1 << 20);
    let head = format!(
        "PUT /x HTTP/1.1\r\nHost: up.test\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let answer = read_tls(&mut stream);
    assert_eq!(status(&answer), 200);
    assert!(answer.contains(&body));
}

/// Unlike an opaque one, an inspected host that nothing was asked of is not dialled.
#[test]
fn nothing_is_dialled_before_a_request_is_permitted() {
    let site = site(&Origin::new(&["api.test"], echo_tls));
    let (mut stream, head) = site.tunnel("api.test:443");
    assert_eq!(status(&head), 200, "{head}");
    stream
        .write_all(b"GET /shut HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
        .unwrap();
    assert_eq!(status(&read_all(&mut stream)), 403);
    let _ = read_head(&mut stream);
    assert!(site.names.asked().is_empty() && site.wires.dialled().is_empty());
}
