//! The program inside: makes every attempt and says how each went.

use std::process::ExitCode;

use super::attempts::{Aims, attempt};
use super::report::ATTEMPTS;

/// Makes every attempt and prints one line for each: its name, then `held` or what was reached.
///
/// Exits with 0 when all were made, 2 when the arguments are not those of a probe.
#[must_use]
pub fn inside_main(args: impl Iterator<Item = String>) -> ExitCode {
    let Some(aims) = Aims::parse(args) else {
        return ExitCode::from(2);
    };
    for name in ATTEMPTS {
        match attempt(name, &aims) {
            None => println!("{name} held"),
            Some(reached) => println!("{name} {}", reached.replace('\n', " ")),
        }
    }
    ExitCode::SUCCESS
}
