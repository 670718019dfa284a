//! Scripts of a shell, made of simple commands that are known beforehand and hidden behind spelling.
//!
//! The reference never reads the script: it knows what it was made of.

use portcullis::command::{Argv, CommandFacts, CommandPattern};

use super::{Case, one_of, some_of};
use crate::random::Random;

const PROGRAMS: [&str; 5] = ["cargo", "git", "make", "/opt/x/cargo", "a"];
const ARGS: [&str; 9] = [
    "push", "test", "x", "3", "--force", "-n", "--at=1", "+x", "{}",
];
/// Pairs that read and write files, each with what stands between it and the word before.
const REDIRECTIONS: [&str; 15] = [
    ">f",
    " > f",
    ">>f",
    " >| f",
    " 2>f",
    " 2>> f",
    "&>f",
    " &> f",
    " 2>&1",
    "<f",
    " < f",
    "<<<f",
    "<>f",
    " >&f",
    " &>>'f g'",
];
/// Words that are known only when the script runs.
const UNKNOWN: [&str; 9] = [
    "$x",
    "\"$x\"",
    "${x}",
    "a$1",
    "\"a ${x_1} b\"",
    "*",
    "a{b,c}",
    "~/x",
    "x?",
];
/// Words that name or hold code which is not read.
const UNREAD: [&str; 8] = [
    "$(push)", "`push`", "\"$(x)\"", "\"`x`\"", "${x:-y}", "<(x)", "<<f", "$((1))",
];
/// Programs that bind names or read other text as code.
const BINDING: [&str; 6] = ["alias", "eval", ".", "source", "trap", "export"];

/// One simple command, as it is meant.
struct Simple {
    base: &'static str,
    args: Vec<&'static str>,
    /// Words follow that are not known.
    is_open: bool,
}

/// A script under way: its text, its commands, and whether something in it cannot be read.
#[derive(Default)]
struct Script {
    text: String,
    commands: Vec<Simple>,
    is_opaque: bool,
}

/// Whether a script is seen to start exactly the programs that were put into it, and a rule blocks what it names.
pub(super) fn reading(random: &mut Random) -> Case {
    let mut script = Script::default();
    for number in 0..=random.below(3) {
        if number > 0 {
            script.text += one_of(
                random,
                &[
                    "; ",
                    ";",
                    " && ",
                    "&&",
                    " || ",
                    " | ",
                    "|",
                    " & ",
                    "& ",
                    "\n",
                    " |& ",
                    " # push x\n",
                    "\n\n",
                ],
            );
        }
        script.statement(random);
    }
    script.text += one_of(random, &["", "", "", "\n", " &", ";", " # git push"]);
    let rule = some_of(random, 2, &["push", "test", "3"], " ");
    let program = one_of(random, &["git", "cargo", "make"]);
    let wanted: Vec<&str> = rule.split_whitespace().collect();
    let question = format!("rule {program:?} {wanted:?} script {:?}", script.text);
    let Ok(argv) = Argv::new(["bash", "-c", &script.text]) else {
        return Case::new(question, "refused", "taken");
    };
    let facts = CommandFacts::of(&argv);
    let blocks = CommandPattern::exact(program, &wanted).blocks(&facts);
    if script.is_opaque {
        return Case::new(question, (facts.is_opaque(), blocks), (true, true));
    }
    let seen: Vec<&str> = facts.programs().collect();
    let put: Vec<&str> = std::iter::once("bash")
        .chain(script.commands.iter().map(|one| one.base))
        .collect();
    let is_named = script
        .commands
        .iter()
        .any(|one| one.base == program && may_be(&wanted, &one.args, one.is_open));
    Case::new(
        question,
        (facts.is_opaque(), seen, blocks),
        (false, put, is_named),
    )
}

impl Script {
    /// A simple command, perhaps within a form that is read.
    fn statement(&mut self, random: &mut Random) {
        let (before, between, after) = match random.below(12) {
            0 => ("! ", "", ""),
            1 => ("{ ", "; ", "; }"),
            2 => ("( ", " ; ", ")"),
            3 => ("if ", "; then ", "; fi"),
            4 => ("while ", "\ndo ", "\ndone"),
            5 => ("(", "\n", " )"),
            _ => ("", "", ""),
        };
        self.text += before;
        self.simple(random);
        if !between.is_empty() {
            self.text += between;
            self.simple(random);
        }
        self.text += after;
    }

    fn redirection(&mut self, random: &mut Random) {
        if self.text.ends_with('3') {
            // A number right before it would be its descriptor.
            self.text.push(' ');
        }
        self.text += one_of(random, &REDIRECTIONS);
    }

    fn simple(&mut self, random: &mut Random) {
        if random.below(8) == 0 {
            self.text += one_of(
                random,
                &[
                    "LANG=C ",
                    "TERM='a b' ",
                    "NO_COLOR= ",
                    "CI=1 TZ=x ",
                    "FOO=1 ",
                ],
            );
        }
        if random.below(60) == 0 {
            self.text += one_of(random, &["PATH=. ", "LD_PRELOAD=x ", "GIT_PAGER='x y' "]);
            self.is_opaque = true;
        }
        if random.below(40) == 0 {
            self.text += one_of(random, &["<f ", ">f ", "2>f "]);
        }
        if random.below(40) == 0 {
            self.text += one_of(random, &BINDING);
            self.text += " ";
            self.is_opaque = true;
        }
        let program = one_of(random, &PROGRAMS);
        if random.below(40) == 0 {
            // The program itself is known only when it runs.
            self.text += one_of(random, &UNKNOWN);
            self.is_opaque = true;
        } else {
            self.text += &spelled(random, program);
        }
        let base = program.rsplit('/').next().unwrap_or(program);
        let mut one = Simple {
            base,
            args: Vec::new(),
            is_open: false,
        };
        for _ in 0..random.below(5) {
            if random.below(5) == 0 {
                self.redirection(random);
            }
            self.text += one_of(random, &[" ", " ", "  ", "\t", " \\\n"]);
            match random.below(24) {
                0 => {
                    self.text += one_of(random, &UNREAD);
                    self.is_opaque = true;
                }
                1 | 2 => {
                    self.text += one_of(random, &UNKNOWN);
                    one.is_open = true;
                }
                _ => {
                    let arg = one_of(random, &ARGS);
                    self.text += &spelled(random, arg);
                    if !one.is_open {
                        one.args.push(arg);
                    }
                }
            }
        }
        if random.below(5) == 0 {
            self.redirection(random);
        }
        self.commands.push(one);
    }
}

/// A word as somebody might write it so that a shell reads the same.
fn spelled(random: &mut Random, word: &str) -> String {
    let (head, last) = word.split_at(word.len() - 1);
    // Braces that are quoted in part are read as a form.
    let ways = if word == "{}" { 2 } else { 9 };
    match random.below(ways) {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => format!("{head}\\{last}"),
        3 => format!("{head}'{last}'"),
        4 => format!("{head}\\\n{last}"),
        5 => format!("\"\"{head}\"{last}\""),
        _ => word.to_owned(),
    }
}

/// The wanted arguments in their order, with options and their values between them; what is not known may be any.
fn may_be(wanted: &[&str], given: &[&str], is_open: bool) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let Some((word, tail)) = given.split_first() else {
        return is_open;
    };
    let takes_next = !word.contains('=') && !tail.is_empty();
    (first == word && may_be(rest, tail, is_open))
        || (word.starts_with(['-', '+'])
            && (may_be(wanted, tail, is_open)
                || (takes_next && may_be(wanted, &tail[1..], is_open))))
}
