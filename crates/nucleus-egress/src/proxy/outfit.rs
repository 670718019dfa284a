//! What a jail is given so that its tools find the proxy and trust its certificate: variables, and files of its own.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use nucleus::ports::Outfit;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::ca::Authority;
use super::java;
use super::{PROXY_PORT, ProxyOptions};

/// Where the certificates are inside: the system's and the session's.
const BUNDLE: &str = "/etc/nucleus-ca.pem";
/// The same for Java.
const JAVA_STORE: &str = "/etc/nucleus-ca.jks";

/// The variables that name a file of all trusted certificates, one for each family of tools.
const BUNDLE_VARIABLES: [&str; 8] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "npm_config_cafile",
    "CARGO_HTTP_CAINFO",
];

/// The outfit of every jail of a session.
pub(super) fn outfit(ca: &Authority, options: &ProxyOptions) -> io::Result<Outfit> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let mut environment = Vec::new();
    let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
    for name in [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        set(name, &proxy);
    }
    for name in ["NO_PROXY", "no_proxy"] {
        set(name, "localhost,127.0.0.1,::1");
    }
    set("NODE_USE_ENV_PROXY", "1");
    for name in BUNDLE_VARIABLES {
        set(name, BUNDLE);
    }
    set("JAVA_TOOL_OPTIONS", &java_options());
    environment.extend(options.environment.iter().cloned());
    let bundle = bundle(ca, &options.extra_roots);
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bundle).flatten().collect();
    let store = java::trust_store(&certificates);
    let mut files: Vec<(PathBuf, Arc<[u8]>)> = options
        .files
        .iter()
        .map(|(path, bytes)| (path.clone(), bytes.as_slice().into()))
        .collect();
    files.extend([
        (PathBuf::from(BUNDLE), bundle.into()),
        (PathBuf::from(JAVA_STORE), store.into()),
    ]);
    if options.is_redirected {
        let resolver = *b"nameserver 127.0.0.1\noptions timeout:5 attempts:2\n";
        files.push((PathBuf::from("/etc/resolv.conf"), resolver.into()));
        let switch = *b"passwd: files\ngroup: files\nhosts: files dns\n";
        files.push((PathBuf::from("/etc/nsswitch.conf"), switch.into()));
    }
    Ok(Outfit {
        ports: vec![PROXY_PORT],
        is_redirected: options.is_redirected,
        environment,
        files,
    })
}

/// What tells a Java machine of the store and of the proxy: it reads none of the other variables, and says on its standard
/// error that it picked these up.
fn java_options() -> String {
    let mut options =
        format!("-Djavax.net.ssl.trustStore={JAVA_STORE} -Djavax.net.ssl.trustStoreType=JKS");
    for scheme in ["http", "https"] {
        options.push_str(&format!(
            " -D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={PROXY_PORT}"
        ));
    }
    options
}

/// The session's certificate, then the system's: tools take the file for all there is.
fn bundle(ca: &Authority, extra_roots: &[u8]) -> Vec<u8> {
    let mut text = ca.certificate().to_owned();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let encoded = base64::engine::general_purpose::STANDARD.encode(&certificate);
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    let mut bytes = text.into_bytes();
    bytes.extend(extra_roots);
    bytes
}
