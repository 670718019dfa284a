//! The proxy as jailed programs meet it, over plain listeners: what is judged, what is dialled, what is refused and how.

mod addresses;
mod bound;
mod faults;
mod inspected;
mod pinned;
mod sinks;
mod site;
mod tunnels;
