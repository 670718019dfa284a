//! Gives a session's jails their one way out: the proxy, whose every dial is a request of the session.

use std::path::PathBuf;
use std::sync::Arc;

use nucleus::dial::Dials;
use nucleus::ports::Fetch;
use nucleus_egress::{DirectConnect, Guards, Proxy, ProxyOptions};
use nucleus_jail::JailSpec;
use portcullis::{Level, Operation};

use super::Opened;
use crate::agent::HOME;
use crate::report::Failure;

/// Starts the proxy and gives it to all jails of the session, where the policy could ever permit a dial.
///
/// # Errors
/// FAIL-CLOSED: a session whose proxy cannot start does not start.
pub(crate) fn start(
    opened: &Opened,
    dials: &Dials,
    resolver: Arc<dyn Fetch>,
) -> Result<(), Failure> {
    let envelope = opened.sandbox.monitor().envelope();
    // No jail of this session has a network.
    if opened.jails.is_without_namespaces() {
        return Ok(());
    }
    // Nothing could ever be permitted: the jails keep their loopback alone.
    if envelope.level(Operation::WebFetch) == Level::Never {
        return Ok(());
    }
    let options = ProxyOptions {
        resolver,
        connect: Arc::new(DirectConnect),
        is_redirected: true,
        extra_roots: opened.registries.certificates(),
        environment: opened.registries.environment.clone(),
        files: cargo_settings(opened),
        limits: opened.limits.clone(),
        journal: opened.log_dir.parent().map(ToOwned::to_owned),
    };
    let inside = opened.registries.rules();
    let inside = inside.iter().map(|own| own.pattern().clone());
    let dials = dials.clone().with_inside(inside);
    let guards = Guards {
        credentials: opened.credentials.clone(),
        pinned: opened.pinned.clone(),
    };
    let proxy = Proxy::start_with(dials, options, guards)
        .map_err(|error| Failure::not_started(format!("cannot start the proxy: {error}")))?;
    opened.jails.set_network(proxy);
    Ok(())
}

/// Cargo's sources, which no variable can name.
fn cargo_settings(opened: &Opened) -> Vec<(PathBuf, Vec<u8>)> {
    let path = PathBuf::from(HOME).join(".cargo/config.toml");
    let text = opened.registries.cargo.clone();
    text.map(|text| (path, text.into_bytes()))
        .into_iter()
        .collect()
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
