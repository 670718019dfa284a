//! Proves laws about the functions that the compiler made, not about the text it read.
//!
//! rustc's LLVM IR of a law ([`ir`]) becomes terms with a path condition for each
//! block and a poison bit beside each value ([`lift`]), the terms become gates
//! ([`blast`]) and clauses, and a solver either finds an input that breaks the law
//! or leaves a refutation that is checked ([`solve`], [`rup`]). What is not known
//! anywhere on the way is an error.

pub mod agree;
pub mod blast;
pub mod check;
pub mod emit;
pub mod ir;
pub mod lex;
pub mod lift;
pub mod rup;
pub mod sabotage;
pub mod smt;
pub mod solve;
pub mod term;
