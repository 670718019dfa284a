//! The command `nucleus-audit`.

fn main() {}
