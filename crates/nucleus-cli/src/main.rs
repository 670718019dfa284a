//! The command `nucleus`.

fn main() {}
