//! The session's own certificate authority: its key stays in this process, its certificate is trusted in the jails alone.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use portcullis::host::Host;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};

/// The most certificates kept; a jail chooses the names.
const MAX_KEPT: usize = 1024;
/// How long before now and after it a certificate counts: clocks differ, and no session is longer.
const BEFORE: Duration = Duration::from_secs(3600);
const AFTER: Duration = Duration::from_secs(31 * 86_400);

/// Signs a certificate for each inspected host.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    leaf: KeyPair,
    signing: Arc<dyn SigningKey>,
    kept: Mutex<HashMap<Host, Arc<ServerConfig>>>,
}

impl std::fmt::Debug for Authority {
    /// Without keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Fresh keys.
    pub(super) fn new() -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let mut params = params();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name = named("Nucleus session");
        let certificate = params.self_signed(&key).map_err(io::Error::other)?.pem();
        let leaf = KeyPair::generate().map_err(io::Error::other)?;
        let der = PrivateKeyDer::Pkcs8(leaf.serialize_der().into());
        let signing = rustls::crypto::ring::sign::any_ecdsa_type(&der).map_err(io::Error::other)?;
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
            leaf,
            signing,
            kept: Mutex::default(),
        })
    }

    /// The certificate, as PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// How TLS is answered in the name of the host.
    pub(super) fn config(&self, host: &Host) -> io::Result<Arc<ServerConfig>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = kept.get(host) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.fresh(host)?);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(host.clone(), Arc::clone(&config));
        Ok(config)
    }

    fn fresh(&self, host: &Host) -> io::Result<ServerConfig> {
        let text = match host {
            Host::Name(name) => name.as_str().to_owned(),
            Host::Address(address) => address.to_string(),
        };
        let mut leaf = CertificateParams::new(vec![text.clone()]).map_err(io::Error::other)?;
        leaf.distinguished_name = named(&text);
        leaf.use_authority_key_identifier_extension = true;
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        dated(&mut leaf);
        let signed = leaf
            .signed_by(&self.leaf, &self.issuer)
            .map_err(io::Error::other)?;
        let key = CertifiedKey::new(vec![signed.der().clone()], Arc::clone(&self.signing));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(One(Arc::new(key))));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Answers every name with the one certificate: the name was compared before.
#[derive(Debug)]
struct One(Arc<CertifiedKey>);

impl ResolvesServerCert for One {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    dated(&mut params);
    params
}

fn dated(params: &mut CertificateParams) {
    let now = SystemTime::now();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + AFTER).into();
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
