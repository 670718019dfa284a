//! The log vouches only for values that say which record speaks of them.
use nucleus_audit::{Draft, Durability, Log};

fn vouch(log: &Log, draft: &Draft<'_>) {
    let _ = log.append(draft, "trust me", Durability::Durable);
}

fn main() {
    let _ = vouch;
}
