//! The proxy as jailed programs meet it, over plain listeners: what is judged, what is dialled, what is refused and how.

mod addresses;
mod faults;
mod inspected;
mod sinks;
mod site;
mod tunnels;
