//! What a person reads, over the golden vectors.

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use nucleus_audit::{VerifyOptions, VerifyingKey};

use super::{Cli, Command, verify};

fn corpus(vector: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../corpus/audit")
        .join(vector)
}

fn holds(vector: &str) -> String {
    let options = VerifyOptions::new(VerifyingKey::load(&corpus("audit.pub")).unwrap());
    let report = nucleus_audit::verify(&corpus(vector), &options).unwrap();
    verify::holds(&report).replace(&report.head.to_string(), "<head>")
}

#[test]
fn the_command_line_is_well_formed_and_names_the_scanner() {
    Cli::command().debug_assert();
    let help = Cli::command().render_long_help().to_string();
    assert!(help.contains("`nucleus audit`"), "{help}");
}

#[test]
fn a_sound_log_says_what_is_not_proved() {
    insta::assert_snapshot!(holds("good/01-every-kind"), @"
    OK   11 records in 1 file, session 11111111111111111111111111111111
         head <head>
         signed up to record 11 of 11 (2 checkpoints)
         truncation is not detectable without a mirror: a tail cut off together with its checkpoints leaves no trace
    ");
}

#[test]
fn a_log_whose_writer_was_stopped_says_so() {
    insta::assert_snapshot!(holds("good/04-torn-last-line"), @"
    OK   2 records in 1 file, session 11111111111111111111111111111111
         head <head>
         signed up to record 1 of 2 (2 checkpoints)
         1 record at the end: chained, not yet signed
         truncation is not detectable without a mirror: a tail cut off together with its checkpoints leaves no trace
         audit-0000.jsonl ends in a torn line of 696 bytes: the writer was stopped
         record 1: outcome unknown
         the session has not ended
    ");
}

#[test]
fn the_exit_code_tells_a_damaged_log_from_one_that_cannot_be_read() {
    let key = corpus("audit.pub");
    let run = |vector: &str, key: &Path| {
        let dir = corpus(vector);
        let argv: [&Path; 5] = [
            Path::new("nucleus-audit"),
            Path::new("verify"),
            Path::new("--key"),
            key,
            &dir,
        ];
        match Cli::parse_from(argv).command {
            Command::Verify(args) => verify::run(&args),
            other => panic!("{other:?}"),
        }
    };
    let code = |code: std::process::ExitCode| format!("{code:?}");
    let expect = |number: u8| code(std::process::ExitCode::from(number));
    assert_eq!(code(run("good/01-every-kind", &key).unwrap()), expect(0));
    assert_eq!(code(run("bad/01-edited", &key).unwrap()), expect(1));
    assert!(run("good", &key).is_err());
    assert!(run("good/01-every-kind", Path::new("/nonexistent")).is_err());
}
