//! Commands, as far as the plainest reading goes: words, paths of programs, and wrappers without options.

use portcullis::command::{CommandFacts, CommandPattern, parse_command};

use super::{Case, one_of, some_of};
use crate::random::Random;

const PROGRAMS: [&str; 6] = [
    "cargo",
    "make",
    "/usr/bin/cargo",
    "./cargo",
    "sub/make",
    "Cargo",
];
const WORDS: [&str; 5] = ["test", "build", "--release", "--frob", "x"];
const WRAPPERS: [&str; 4] = ["nohup", "setsid", "nice", "env"];

/// The words of a command: wrappers, a program, arguments.
fn words(random: &mut Random) -> Vec<&'static str> {
    let mut words: Vec<&str> = (0..random.below(3))
        .map(|_| one_of(random, &WRAPPERS))
        .collect();
    words.push(one_of(random, &PROGRAMS));
    words.extend((0..random.below(4)).map(|_| one_of(random, &WORDS)));
    words
}

/// The same words quoted in some way.
fn spelled(random: &mut Random, words: &[&str]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| match random.below(6) {
            0 => format!("'{word}'"),
            1 => format!("\"{word}\""),
            2 => {
                let (head, last) = word.split_at(word.len() - 1);
                format!("{head}\\{last}")
            }
            _ => (*word).to_owned(),
        })
        .collect();
    quoted.join(one_of(random, &[" ", "  ", "\t"]))
}

fn rule(random: &mut Random) -> (String, Vec<String>) {
    let program = one_of(random, &["cargo", "make", "./cargo", "nice"]).to_owned();
    let args = some_of(random, 2, &["test", "build", "--frob"], " ");
    (
        program,
        args.split_whitespace().map(str::to_owned).collect(),
    )
}

fn pattern(program: &str, args: &[String]) -> CommandPattern {
    CommandPattern::exact(
        program,
        &args.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

/// Whether a rule lists a command.
pub(super) fn listing(random: &mut Random) -> Case {
    let words = words(random);
    let text = spelled(random, &words);
    let (program, args) = rule(random);
    let question = format!("rule {program:?} {args:?} lists {text:?}");
    let Ok(argv) = parse_command(&text) else {
        return Case::new(question, "unread", "read");
    };
    let engine = pattern(&program, &args).matches(&CommandFacts::of(&argv));
    Case::new(question, engine, lists(&program, &args, &words))
}

/// The program that does the work is the named one, from the system or as spelled, and its first arguments are these.
fn lists(program: &str, args: &[String], words: &[&str]) -> bool {
    let rest = working(words);
    let Some((own, given)) = rest.split_first() else {
        return false;
    };
    let is_named = *own == program || own.strip_prefix("/usr/bin/") == Some(program);
    is_named
        && given.len() >= args.len()
        && args.iter().zip(given).all(|(wanted, word)| wanted == word)
}

/// What is left once wrappers are taken off.
fn working<'a>(words: &'a [&'a str]) -> &'a [&'a str] {
    match words.split_first() {
        Some((first, rest)) if WRAPPERS.contains(first) && !rest.is_empty() => working(rest),
        _ => words,
    }
}

/// Whether a rule blocks a command.
pub(super) fn blocking(random: &mut Random) -> Case {
    let words = words(random);
    let text = spelled(random, &words);
    let (program, args) = rule(random);
    let question = format!("rule {program:?} {args:?} blocks {text:?}");
    let Ok(argv) = parse_command(&text) else {
        return Case::new(question, "unread", "read");
    };
    let engine = pattern(&program, &args).blocks(&CommandFacts::of(&argv));
    Case::new(question, engine, blocks(&program, &args, &words))
}

/// Some program on the way has the name, in whatever case and place, and the arguments among options.
fn blocks(program: &str, args: &[String], words: &[&str]) -> bool {
    let base = |text: &str| text.rsplit('/').next().unwrap_or(text).to_lowercase();
    let is_here =
        words.first().is_some_and(|own| base(own) == base(program)) && among(args, &words[1..]);
    let is_wrapper = words.first().is_some_and(|own| WRAPPERS.contains(own)) && words.len() > 1;
    is_here || (is_wrapper && blocks(program, args, &words[1..]))
}

/// The wanted arguments in their order, with options and their values between them.
fn among(wanted: &[String], given: &[&str]) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let Some((word, tail)) = given.split_first() else {
        return false;
    };
    (first == word && among(rest, tail))
        || (word.starts_with('-')
            && (among(wanted, tail) || (!tail.is_empty() && among(wanted, &tail[1..]))))
}
