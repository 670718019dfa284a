//! The way out against local servers: what is passed on, what is refused, and what is never said.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod couriers;
mod fetch;
mod fixture;
mod forge;
mod gateway;
mod proxy;
mod web;
