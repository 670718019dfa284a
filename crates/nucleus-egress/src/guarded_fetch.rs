//! Holds the fetches of the monitor itself to what holds for programs: no placeholder leaves, and no other key goes to a bound host.
//!
//! **No credential is put in.** The agent's own words choose the URL of such a
//! fetch, and its answer goes straight into the agent's context; a program that
//! writes the placeholder into the bound header says what it wants to use.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::HeaderMap;
use nucleus::ports::{Fetch, Hop, HopReply};
use nucleus_audit::Recorded;
use portcullis::Permit;

use crate::credentials::{Credentials, Place};

/// Fetches by another, what these credentials let pass.
#[derive(Debug)]
pub struct GuardedFetch {
    inner: Arc<dyn Fetch>,
    credentials: Credentials,
}

impl GuardedFetch {
    /// Fetches by this one.
    #[must_use]
    pub fn new(inner: Arc<dyn Fetch>, credentials: Credentials) -> Self {
        Self { inner, credentials }
    }

    /// FAIL-CLOSED: a placeholder in any form anywhere, and another key in the URL of a bound host.
    fn check(&self, hop: &Hop<'_>) -> io::Result<()> {
        let url = hop.url;
        let path = url.path.as_ref().map_or("/", |path| path.as_str());
        let path_and_query = match url.query.as_str() {
            "" => path.to_owned(),
            query => format!("{path}?{query}"),
        };
        let place = Place {
            host: &url.host,
            port: url.port,
            is_tls: url.scheme == "https",
            is_upgrade: false,
            method: &url.method,
            path: url.path.as_ref(),
            path_and_query: &path_and_query,
        };
        let refused = |why: &str| {
            io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("{why}; a fetch puts no credential in: use a program, such as curl"),
            )
        };
        self.credentials
            .place(&place, &HeaderMap::new())
            .map_err(|misplaced| refused(&misplaced.why))?;
        match self.credentials.first_in(hop.body) {
            Some(held) => Err(refused(&format!(
                "the placeholder of `{}` stands in the body",
                held.name
            ))),
            None => Ok(()),
        }
    }
}

impl Fetch for GuardedFetch {
    fn resolve(&self, permit: &Recorded<Permit>, host: &str) -> io::Result<Vec<IpAddr>> {
        self.inner.resolve(permit, host)
    }

    fn fetch(&self, permit: Recorded<Permit>, hop: &Hop<'_>) -> io::Result<HopReply> {
        self.check(hop)?;
        self.inner.fetch(permit, hop)
    }
}
