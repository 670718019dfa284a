//! A permit that was decided and not recorded lands nothing.

use nucleus::workspace::{Change, WorkspaceView};
use portcullis::decide::{Decision, decide};
use portcullis::request::Request;
use portcullis::verdict::SessionWord;
use portcullis::Envelope;

fn land(view: &dyn WorkspaceView, envelope: &Envelope, request: &Request, change: Change) {
    let Decision::Permit(permit) = decide(envelope, SessionWord::default(), request, true, None) else { return };
    let _ = view.land(permit, request, change);
}

fn main() {}
