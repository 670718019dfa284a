//! An effect uses its proof up.
use nucleus_audit::Recorded;
use portcullis::Permit;

fn effect(_permit: Recorded<Permit>) {}

fn twice(permit: Recorded<Permit>) {
    effect(permit);
    effect(permit);
}

fn main() {
    let _ = twice;
}
