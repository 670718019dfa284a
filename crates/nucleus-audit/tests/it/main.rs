//! The log from outside: written, damaged, verified, continued.
#![expect(clippy::unwrap_used, reason = "tests")]

mod append;
mod damage;
mod door;
mod faults;
mod forge;
mod golden;
mod keys;
mod property;
mod reading;
mod redaction;
mod replay;
mod scene;
mod vectors;
