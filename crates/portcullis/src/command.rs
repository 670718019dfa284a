//! Judges commands by their argv: whether a rule lists one, whether a rule blocks it.
//!
//! **Command rules express intent; the jail and the network are the boundary.** A listed `cargo test` runs
//! whatever the repository's tests say. What is guaranteed here is that a rule means what it says: no quoting,
//! spacing, wrapper, path or rename of a known kind slips past a block rule, and code given inline is never
//! listed by a rule that does not spell it. [`CommandFacts`] says which programs a command starts.
//!
//! - A program is compared by its base name. To be *listed*, a program named by a path must be in a system
//!   directory, or the rule must name that very path: `./cargo` is not `cargo`.
//! - Wrappers are seen through; the program they start is the one a rule has to list, and a block rule is tried on
//!   every program on the way.
//! - Code in the argv is listed only by a rule that spells every argument up to the one that makes it code.
//! - **Code that cannot be read counts as blocked as soon as any block rule exists**, because it could start the
//!   blocked program.
//! - No rule looks for substrings.

use crate::{Operation, OperationSet};
use portcullis_text::command::{Link, Role, base_name};
use portcullis_text::table;
use std::fmt;

pub use portcullis_text::command::{Argv, CommandError, CommandFacts, MAX_ARGS, MAX_ARGV_BYTES, parse_command};

/// Operations the command would carry out besides `run_bash`, from a fixed table over every program it starts.
///
/// A missing entry opens nothing: every dial and every write is a request of its own.
#[inline]
pub fn recognise(argv: &Argv) -> OperationSet {
    hinted(&CommandFacts::of(argv))
}

/// As [`recognise`], from facts already at hand.
pub(crate) fn hinted(facts: &CommandFacts) -> OperationSet {
    facts.operations().filter_map(Operation::from_name).collect()
}

/// Build, test and local git, and reading of files: what the default scope lists.
#[inline]
pub fn default_listed_commands() -> Vec<CommandPattern> {
    let listed = table::rows(include_str!("data/listed-commands.txt")).map(|(_, row)| row.split_whitespace());
    let pattern = |mut words: std::str::SplitWhitespace<'static>| {
        words.next().map(|program| CommandPattern::exact(program, &words.collect::<Vec<_>>()))
    };
    listed.filter_map(pattern).collect()
}

/// Matches one argument of a [`CommandPattern`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArgPattern {
    /// This very argument.
    Exact(String),
    /// Any one argument.
    Any,
    /// Any further arguments, none included; what follows it in a pattern has no meaning.
    AnyRemaining,
}

/// Names a program and the first of its arguments; further arguments are free.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandPattern {
    /// The base name, or a path that must be used as written.
    pub program: String,
    /// The first arguments.
    pub args: Vec<ArgPattern>,
}

impl CommandPattern {
    /// The program with these first arguments, whatever follows.
    #[inline]
    pub fn exact(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| ArgPattern::Exact((*arg).to_owned())).collect();
        Self { program: program.to_owned(), args }
    }

    /// Whether this rule lists the command: every program that does the work is the named one with these
    /// arguments, and code is spelled by the rule itself.
    #[inline]
    pub fn matches(&self, facts: &CommandFacts) -> bool {
        let mut working = facts.links().iter().filter(|l| !l.is_inside && l.role != Role::Wrapper).peekable();
        !facts.is_closed() && working.peek().is_some() && working.all(|link| self.lists(link))
    }

    /// Whether this rule blocks the command: some program on the way is the named one and may have these
    /// arguments, or code takes part that could start it.
    #[inline]
    pub fn blocks(&self, facts: &CommandFacts) -> bool {
        // FAIL-CLOSED: code that cannot be read could start anything.
        facts.is_opaque() || facts.links().iter().any(|link| self.may_be(link))
    }

    fn lists(&self, link: &Link) -> bool {
        let is_named = self.program == link.program || (self.program == link.base && link.is_of_system());
        let is_spelled = match link.role {
            Role::Code(at) => self.args.iter().take_while(|arg| matches!(arg, ArgPattern::Exact(_))).count() > at,
            Role::Wrapper | Role::Leaf => true,
        };
        let plain = || match_prefix(&self.args, link.plain_args());
        is_named && is_spelled && (match_prefix(&self.args, &link.args) || plain())
    }

    fn may_be(&self, link: &Link) -> bool {
        let wanted = base_name(&self.program);
        (wanted.eq_ignore_ascii_case(&link.base) || wanted.eq_ignore_ascii_case(&link.family))
            && match_among_options(&self.args, &link.args, link.is_open)
    }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        self.args.iter().try_for_each(|arg| match arg {
            ArgPattern::Exact(word) => write!(f, " {word}"),
            ArgPattern::Any => f.write_str(" <any>"),
            ArgPattern::AnyRemaining => f.write_str(" …"),
        })
    }
}

impl ArgPattern {
    fn fits(&self, arg: &str) -> bool {
        matches!(self, Self::Any) || matches!(self, Self::Exact(word) if word == arg)
    }
}

/// The patterns that each stand for one argument.
fn fixed(patterns: &[ArgPattern]) -> &[ArgPattern] {
    patterns.split(|pattern| *pattern == ArgPattern::AnyRemaining).next().unwrap_or_default()
}

fn match_prefix(patterns: &[ArgPattern], args: &[String]) -> bool {
    let patterns = fixed(patterns);
    args.len() >= patterns.len() && patterns.iter().zip(args).all(|(pattern, arg)| pattern.fits(arg))
}

/// Whether the patterns match the first arguments when options, with or without a value of their own, may stand
/// between them. Bit `n` of a word says that `n` patterns may be matched before that argument.
fn match_among_options(patterns: &[ArgPattern], args: &[String], is_open: bool) -> bool {
    let patterns = fixed(patterns);
    if patterns.len() >= 64 {
        // FAIL-CLOSED: longer than anybody writes, and than a word has bits.
        return true;
    }
    let all = 1_u64 << patterns.len();
    let (mut now, mut after) = (1_u64, 0_u64);
    for arg in args {
        if now & all != 0 || now | after == 0 {
            break;
        }
        let mut next = after;
        after = 0;
        if arg.starts_with(['-', '+']) {
            next |= now;
            after = if arg.contains('=') { 0 } else { now };
        }
        for (at, pattern) in patterns.iter().enumerate() {
            if pattern.fits(arg) && now & (1 << at) != 0 {
                next |= 1 << (at + 1);
            }
        }
        now = next;
    }
    (now | after) & all != 0 || (is_open && now != 0)
}

/// Allow and block rules for commands, the block rules stronger.
///
/// ```
/// use portcullis::command::{ArgPattern, CommandLattice, CommandPattern};
///
/// let mut cmds = CommandLattice::permissive();
/// cmds.allow_rule(CommandPattern::exact("cargo", &["test"]));
/// cmds.block_rule(CommandPattern {
///     program: "bash".to_string(),
///     args: vec![ArgPattern::AnyRemaining],
/// });
///
/// assert!(cmds.can_execute("cargo test --release"));
/// assert!(!cmds.can_execute("bash -c 'echo hi'"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLattice {
    allows_unlisted: bool,
    allowed: Vec<CommandPattern>,
    blocked: Vec<CommandPattern>,
}

impl Default for CommandLattice {
    fn default() -> Self {
        Self::restrictive()
    }
}

impl CommandLattice {
    /// Allows everything that is not blocked.
    #[inline]
    pub const fn permissive() -> Self {
        Self { allows_unlisted: true, allowed: Vec::new(), blocked: Vec::new() }
    }

    /// Allows the shipped list: build, test and local git. The default.
    #[inline]
    pub fn restrictive() -> Self {
        Self { allows_unlisted: false, allowed: default_listed_commands(), blocked: Vec::new() }
    }

    /// Allows nothing until a rule says so.
    #[inline]
    pub const fn nothing() -> Self {
        Self { allows_unlisted: false, allowed: Vec::new(), blocked: Vec::new() }
    }

    /// Lists what the pattern names.
    #[inline]
    pub fn allow_rule(&mut self, pattern: CommandPattern) {
        self.allowed.push(pattern);
    }

    /// Blocks what the pattern names, whatever lists it.
    #[inline]
    pub fn block_rule(&mut self, pattern: CommandPattern) {
        self.blocked.push(pattern);
    }

    /// Whether the command line may run; text that is no command may not.
    #[inline]
    pub fn can_execute(&self, command: &str) -> bool {
        parse_command(command).is_ok_and(|argv| self.can_execute_argv(&argv))
    }

    /// Whether the argv may run.
    #[inline]
    pub fn can_execute_argv(&self, argv: &Argv) -> bool {
        let facts = CommandFacts::of(argv);
        let is_listed = || self.allows_unlisted || self.allowed.iter().any(|rule| rule.matches(&facts));
        !self.blocked.iter().any(|rule| rule.blocks(&facts)) && is_listed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_shipped_table_is_one() {
        let named: Vec<_> = portcullis_text::command::known_operations().collect();
        assert!(!named.is_empty());
        assert!(named.iter().all(|name| Operation::from_name(name).is_some()), "{named:?}");
    }
}
