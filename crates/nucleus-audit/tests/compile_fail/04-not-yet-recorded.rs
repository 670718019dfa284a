//! A pending record is no record.
use nucleus_audit::{Pending, Recorded};
use portcullis::Permit;

fn effect(_permit: Recorded<Permit>) {}

fn early(pending: Pending<Permit>) {
    effect(pending);
}

fn main() {
    let _ = early;
}
