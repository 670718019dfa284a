//! A decision without a record permits nothing.
use nucleus_audit::Recorded;
use portcullis::Permit;

fn effect(_permit: Recorded<Permit>) {}

fn unrecorded(permit: Permit) {
    effect(permit);
}

fn main() {
    let _ = unrecorded;
}
