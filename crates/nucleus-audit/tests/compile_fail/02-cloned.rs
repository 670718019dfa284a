//! A record's proof cannot be copied.
use nucleus_audit::Recorded;

fn twice(recorded: Recorded<()>) -> (Recorded<()>, Recorded<()>) {
    (recorded.clone(), recorded)
}

fn main() {
    let _ = twice;
}
