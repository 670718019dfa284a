//! Runs one HTTP exchange with an address that was permitted and checked.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hyper::Method;
use nucleus::ports::{Fetch, Hop, HopReply};
use nucleus_audit::Recorded;
use portcullis::Permit;

use crate::blocking::Blocking;
use crate::http::{self, Call};

/// The longest that names are waited for: longer than a resolver's own second attempt.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// Fetches straight from this machine, one hop at a time.
///
/// Dials only the addresses it is given, sends no header that a caller chose,
/// asks for no compression, and returns a redirect instead of following it.
#[derive(Debug)]
pub struct DirectFetch {
    runtime: Blocking,
}

impl DirectFetch {
    /// A fetcher with a thread of its own for its connections.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            runtime: Blocking::new("nucleus-fetch")?,
        })
    }
}

impl Fetch for DirectFetch {
    fn resolve(&self, _permit: &Recorded<Permit>, host: &str) -> io::Result<Vec<IpAddr>> {
        let host = host.trim_matches(['[', ']']).to_owned();
        let lookup = async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok::<_, io::Error>(found.map(|address| address.ip()).collect::<Vec<_>>())
        };
        let addresses = self.runtime.wait_for(within(RESOLVE_LIMIT, lookup))?;
        if addresses.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the name has no address",
            ));
        }
        Ok(addresses)
    }

    fn fetch(&self, permit: Recorded<Permit>, hop: &Hop<'_>) -> io::Result<HopReply> {
        drop(permit);
        let host = hop.url.host.to_string();
        let call = call(hop, &host)?;
        self.runtime.wait_for(async {
            tokio::time::timeout(hop.limit, http::exchange(&call, hop.addresses))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        })
    }
}

/// FAIL-CLOSED: a resolver that does not answer in time gave no address.
async fn within<T>(limit: Duration, lookup: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, lookup)
        .await
        .unwrap_or_else(|_| {
            let why = format!("no resolver has answered within {} s", limit.as_secs());
            Err(io::Error::new(io::ErrorKind::TimedOut, why))
        })
}

/// The call of the hop.
fn call<'a>(hop: &'a Hop<'a>, host: &'a str) -> io::Result<Call<'a>> {
    let url = hop.url;
    let is_tls = match url.scheme.as_str() {
        "https" => true,
        "http" => false,
        // FAIL-CLOSED: no other scheme is spoken.
        other => {
            let why = format!("scheme `{other}` is not http or https");
            return Err(io::Error::new(io::ErrorKind::Unsupported, why));
        }
    };
    let path = url.path.as_ref().map_or("/", |path| path.as_str());
    let target = if url.query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", url.query)
    };
    Ok(Call {
        method: Method::from_bytes(url.method.as_bytes()).map_err(io::Error::other)?,
        is_tls,
        host,
        port: url.port,
        target,
        headers: &[],
        body: hop.body,
        answer_bytes: hop.body_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::{Blocking, within};
    use std::io;
    use std::time::Duration;

    #[test]
    fn a_resolver_that_never_answers_is_an_error_in_time() {
        let runtime = Blocking::new("test").unwrap();
        let never = std::future::pending::<io::Result<u8>>();
        let error = runtime
            .wait_for(within(Duration::from_millis(1), never))
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let answers = async { Ok(7) };
        let answered = runtime.wait_for(within(Duration::from_secs(60), answers));
        assert_eq!(answered.unwrap(), 7);
    }
}
