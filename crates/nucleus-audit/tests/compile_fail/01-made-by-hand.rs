//! A record's proof cannot be made by hand.
use nucleus_audit::Recorded;

fn main() {
    let _ = Recorded { payload: (), sequence: 7 };
}
