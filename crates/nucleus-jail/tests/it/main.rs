//! Jails as their callers and their inmates see them; run by root, everything runs again as an ordinary user.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

mod as_user;
mod bare;
mod changes;
mod escapes;
mod fixture;
mod interface;
mod life;
mod limits;
mod programs;
mod redirect;
mod workspace;
