//! Compares the lifted law with the function itself on drawn inputs, 64 at a time.
//!
//! This is the lifter's own test: the gates made from the compiler's output and the
//! machine code of the same function must answer alike.

use portcullis_laws::{Answer, Law, Sampler, Words};

use crate::blast::{Circuit, lane};
use crate::check::{lifted, native, roots};
use crate::ir::Module;

/// Compares a law with its function on this many inputs, rounded up to 64.
///
/// # Errors
/// A message with the first input on which they differ.
pub fn agree(module: &Module<'_>, law: &Law, inputs: u64) -> Result<(), String> {
    let lifted = lifted(module, law)?;
    let mut circuit = Circuit::default();
    let (fails, holds) = roots(&mut circuit, &lifted);
    let shapes = (law.shapes)();
    let mut sampler = Sampler::new(law.name.bytes().fold(7, |seed, byte| seed * 31 % 0xffff_fffb + u64::from(byte)));
    for _ in 0..inputs.div_ceil(64) {
        let drawn: Vec<Words> = (0..64).map(|_| sampler.words(&shapes)).collect();
        let values = circuit.simulate(|unknown, bit| column(&drawn, unknown, bit));
        let fail = fails.iter().fold(0, |any, way| any | lane(&values, *way));
        let hold = lane(&values, holds);
        for (at, words) in drawn.iter().enumerate() {
            let gates = match (fail >> at & 1, hold >> at & 1) {
                (1, _) => Answer::Fails,
                (_, 1) => Answer::Holds,
                _ => Answer::Outside,
            };
            let own = native(law, words);
            if gates != own {
                return Err(format!("lifted it answers {gates:?}, run it answers {own:?}: {}", (law.show)(words)));
            }
        }
    }
    Ok(())
}

/// One bit of an unknown in each of 64 inputs; what the compiler may choose is zero.
fn column(drawn: &[Words], unknown: u32, bit: u32) -> u64 {
    drawn.iter().enumerate().fold(0, |column, (at, words)| {
        let word = words.get(unknown as usize).copied().unwrap_or(0);
        column | (word >> bit & 1) << at
    })
}
