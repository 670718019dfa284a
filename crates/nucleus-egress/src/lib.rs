//! The only way out of a session: the proxy of its jails, one permitted exchange at a time, and the model's gateway.
//!
//! [`Proxy`] serves the jails: every dial and every request it sees is the
//! monitor's to judge before its first byte leaves.
//! [`DirectFetch`] runs the exchanges that the monitor permitted, to the
//! addresses that were checked and to no other. [`gateway::Gateway`] makes a
//! jail's calls of the model, with the key that the jail never has.
//!
//! Nothing here decides: a hop comes with a recorded permit, and a redirect is
//! returned for the monitor to judge, never followed.
#![cfg(target_os = "linux")]

pub mod artifacts;
mod blocking;
pub mod credentials;
mod fetch;
mod forge;
pub mod gateway;
mod guarded_fetch;
mod http;
mod proxy;
mod tls;

pub use fetch::DirectFetch;
pub use forge::RestForge;
pub use guarded_fetch::GuardedFetch;
pub use proxy::{
    Connect, Connecting, Connection, DirectConnect, Guards, PROXY_PORT, Proxy, ProxyOptions,
    Verdict,
};
