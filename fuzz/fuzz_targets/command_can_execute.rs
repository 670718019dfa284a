//! Any text, as a command: read without panic, the same twice, and a block rule stronger than any list.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::command::{CommandFacts, parse_command, recognise};
use portcullis::{ArgPattern, CommandLattice, CommandPattern};

fn rule(program: &str) -> CommandPattern {
    CommandPattern { program: program.to_owned(), args: vec![ArgPattern::AnyRemaining] }
}

fuzz_target!(|text: &str| {
    let mut blocking = CommandLattice::permissive();
    for program in ["bash", "git", "curl"] {
        blocking.allow_rule(rule(program));
        blocking.block_rule(rule(program));
    }
    let may_run = blocking.can_execute(text);
    assert_eq!(may_run, blocking.can_execute(text));
    assert!(!CommandLattice::nothing().can_execute(text));
    let Ok(argv) = parse_command(text) else {
        assert!(!may_run, "text that is no command runs");
        return;
    };
    let facts = CommandFacts::of(&argv);
    let _ = recognise(&argv);
    if may_run {
        assert!(!facts.is_opaque(), "code that cannot be read runs past a block rule");
        assert!(!facts.programs().any(|program| ["bash", "git", "curl"].contains(&program)));
    }
});
