//! A recorded permit runs one effect and cannot be copied.

use nucleus::ports::{Forge, PullRequest};
use nucleus_audit::Recorded;
use portcullis::decide::Permit;

fn twice(forge: &dyn Forge, permit: Recorded<Permit>, pull: &PullRequest) {
    let _ = forge.open_pull_request(permit, pull);
    let _ = forge.open_pull_request(permit, pull);
}

fn copied(permit: &Recorded<Permit>) -> Recorded<Permit> {
    permit.clone()
}

fn main() {}
