//! Servers and clients: bulk and echo over TCP, small answers over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The names of the origin: quiet, with data leaving, and by its address.
pub(crate) const NAMES: [&str; 3] = ["quiet.test", "sink.test", "127.0.0.1"];
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A TLS server that answers every request with two bytes, and its certificate.
pub(crate) async fn tls_origin() -> (SocketAddr, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = NAMES.map(str::to_owned).to_vec();
    let certificate = rcgen::CertificateParams::new(names)
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer_all(stream).await;
                }
            });
        }
    });
    (address, certificate.pem())
}

async fn answer_all(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        match stream.read_buf(&mut buffer).await {
            Ok(length) if length > 0 => {}
            _ => return,
        }
        while let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            buffer.drain(..at + 4);
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// How a client trusts.
pub(crate) fn trusting(roots: &[&[u8]]) -> TlsConnector {
    let mut store = rustls::RootCertStore::empty();
    for pem in roots {
        for certificate in CertificateDer::pem_slice_iter(pem) {
            store.add(certificate.unwrap()).unwrap();
        }
    }
    let config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// A connection to the target, by a proxy or straight.
pub(crate) async fn reach(by: Option<SocketAddr>, target: &str) -> TcpStream {
    let Some(proxy) = by else {
        let stream = TcpStream::connect(target).await.unwrap();
        stream.set_nodelay(true).unwrap();
        return stream;
    };
    let mut stream = TcpStream::connect(proxy).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        said.extend(byte);
    }
    assert!(
        said.windows(4).any(|four| four == b" 200"),
        "{}",
        String::from_utf8_lossy(&said)
    );
    stream
}

/// TLS to the target by its name.
pub(crate) async fn reach_tls(
    by: Option<SocketAddr>,
    target: &str,
    connector: &TlsConnector,
) -> TlsStream<TcpStream> {
    let name = target.rsplit_once(':').unwrap().0.to_owned();
    let stream = reach(by, target).await;
    connector
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await
        .unwrap()
}

/// One request and its whole answer.
pub(crate) async fn ask(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    buffer: &mut Vec<u8>,
) {
    let head = format!(
        "GET /small/file HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    buffer.clear();
    while !buffer.ends_with(b"\r\n\r\nok") {
        assert!(
            stream.read_buf(buffer).await.unwrap() > 0,
            "closed after {}",
            String::from_utf8_lossy(buffer)
        );
    }
    assert!(
        buffer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(buffer)
    );
}
