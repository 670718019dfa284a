//! Gives a session's jails their one way out: the proxy, whose every dial is a request of the session.

use std::sync::Arc;

use nucleus::dial::Dials;
use nucleus::ports::Fetch;
use nucleus_egress::{DirectConnect, Proxy, ProxyOptions};
use nucleus_jail::JailSpec;

use super::Opened;
use crate::report::Failure;

/// Starts the proxy and gives it to all jails of the session.
///
/// # Errors
/// FAIL-CLOSED: a session whose proxy cannot start does not start.
pub(crate) fn start(
    opened: &Opened,
    dials: &Dials,
    resolver: Arc<dyn Fetch>,
) -> Result<(), Failure> {
    let options = ProxyOptions {
        resolver,
        connect: Arc::new(DirectConnect),
        is_redirected: true,
        extra_roots: Vec::new(),
        limits: opened.limits.clone(),
        journal: opened.log_dir.parent().map(ToOwned::to_owned),
    };
    let proxy = Proxy::start(dials.clone(), options)
        .map_err(|error| Failure::not_started(format!("cannot start the proxy: {error}")))?;
    opened.jails.set_network(proxy);
    Ok(())
}

/// Gives the agent's own jail the session's network.
pub(crate) fn connect(opened: &Opened, spec: &mut JailSpec) {
    opened.jails.connect(spec);
    let Some(network) = opened.jails.network() else {
        return;
    };
    for (name, value) in network.outfit().environment {
        // What the agent was started with stays.
        if !spec.env.iter().any(|(known, _)| *known == *name) {
            spec.env.push((name.into(), value.into()));
        }
    }
}
