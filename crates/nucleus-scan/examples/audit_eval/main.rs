//! Scores the scanner on labelled files; exits 0 only when every threshold of `score.rs` holds.
//!
//! `audit_eval OWN LABELLED`: a corpus of our own (`RULE/fires-*/`, `RULE/quiet-*/`), which always counts, and a collection with `labels.jsonl`
//! and `files/ID/`, which is skipped with its number of files where it is absent. Neither is ever executed.

mod labelled;
mod own;
mod score;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(own), Some(collection)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: audit_eval OWN LABELLED");
        return ExitCode::from(2);
    };
    let verbose = arguments.next().is_some();
    match (own::judge(&own), labelled::judge(&collection, verbose)) {
        (Ok(own), Ok(labelled)) if own && labelled => ExitCode::SUCCESS,
        (Ok(_), Ok(_)) => ExitCode::FAILURE,
        (own, labelled) => {
            for why in [own.err(), labelled.err()].into_iter().flatten() {
                eprintln!("error: {why}");
            }
            ExitCode::from(2)
        }
    }
}
