//! Checks the addresses of a host and keeps them: only public ones, unless the rule of the host names the address itself.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

use portcullis::envelope::Envelope;
use portcullis::host::{Host, HostName, IpClass};
use portcullis::request::UrlSubject;
use portcullis::{Operation, OperationSet};

/// The most names whose addresses are kept: what no honest session reaches.
const MAX_NAMES: usize = 4096;

/// The addresses of names that were checked once, for the whole session.
///
/// A name that was dialled is never resolved again, so an answer that changes later changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Pins(Mutex<HashMap<HostName, Vec<IpAddr>>>);

impl Pins {
    /// The kept addresses of a name.
    pub(crate) fn kept(&self, name: &HostName) -> Option<Vec<IpAddr>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    /// Keeps the addresses of a name and returns those in force: the first ones kept.
    ///
    /// FAIL-CLOSED: `None` when no more names can be kept.
    pub(crate) fn keep(&self, name: &HostName, found: Vec<IpAddr>) -> Option<Vec<IpAddr>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_NAMES && !kept.contains_key(name) {
            return None;
        }
        Some(kept.entry(name.clone()).or_insert(found).clone())
    }
}

/// Whether all of these addresses may be dialled for the URL.
///
/// FAIL-CLOSED: one address that may not be dialled refuses the host, so that
/// a name which answers with a public and a private one opens neither.
pub(crate) fn are_dialable(envelope: &Envelope, url: &UrlSubject, addresses: &[IpAddr]) -> bool {
    !addresses.is_empty()
        && addresses.iter().all(|address| {
            IpClass::of(*address) == IpClass::Global || is_named(envelope, url, *address)
        })
}

/// The addresses at the port of the URL.
pub(crate) fn sockets(url: &UrlSubject, addresses: &[IpAddr]) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| SocketAddr::new(*address, url.port))
        .collect()
}

/// Whether the URL itself is of this address, and a rule of every clause names it.
///
/// A name that resolves to a listed address is not covered: the rule of the
/// address may hold methods and paths that the rule of the name does not.
fn is_named(envelope: &Envelope, url: &UrlSubject, address: IpAddr) -> bool {
    if url.host != Host::Address(address) {
        return false;
    }
    let scope = envelope.hosts();
    let web = OperationSet::of(Operation::WebFetch).with(Operation::WebSearch);
    let names = |rule: &portcullis::host::HostRule| {
        rule.pattern().address() == Some(address) && rule.matches_host(&url.host, url.port)
    };
    let mut clauses = scope
        .listed()
        .iter()
        .filter(|(speaks_of, _)| speaks_of.intersects(web))
        .peekable();
    clauses.peek().is_some() && clauses.all(|(_, clause)| clause.any(names))
}
