//! The prover's own tests: what it reads, what it refuses to read, and planted bugs it must find.

mod arithmetic;
mod gates;
mod lifting;
mod measured;
