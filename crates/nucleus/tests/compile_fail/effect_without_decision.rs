//! Nobody but the log makes a record, and nobody but the law makes a permit.

use nucleus_audit::Recorded;
use portcullis::decide::Permit;

fn forged() -> Recorded<Permit> {
    let permit = Permit { digest: todo!(), facts: todo!(), projected: todo!(), discharged: todo!() };
    Recorded { payload: permit, sequence: 0 }
}

fn main() {}
