//! Does nothing: without a build script, build dependencies are not looked at.

fn main() {}
