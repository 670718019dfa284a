//! Judges commands by their argv: which programs it starts, whether a rule lists it, whether a rule blocks it.
//!
//! **Command rules express intent; the jail and the network are the boundary.** A listed `cargo test` runs
//! whatever the repository's tests say. What is guaranteed here is that a rule means what it says: no quoting,
//! spacing, wrapper, path or rename of a known kind slips past a block rule, and code given inline is never
//! listed by a rule that does not spell it.
//!
//! - A program is compared by its base name. To be *listed*, a program named by a path must be in a system
//!   directory, or the rule must name that very path: `./cargo` is not `cargo`.
//! - Wrappers (`env nice timeout xargs sudo find -exec busybox …`) are seen through; the program they start is
//!   the one a rule has to list, and a block rule is tried on every program on the way.
//! - Code in the argv (`bash -c`, `python -c`, `git -c`, `tar --to-command` …) is listed only by a rule that
//!   spells every argument up to the one that makes it code.
//! - Shell text is read as far as that is certain. **Code that cannot be read counts as blocked as soon as any
//!   block rule exists**, because it could start the blocked program.
//! - No rule looks for substrings.

mod options;
mod recognise;
mod script;
mod tables;
mod unwrap;

pub use recognise::recognise;
pub use tables::default_listed_commands;

use crate::named::named_enum;
use std::fmt;
use tables::is_system_directory;

/// Most arguments of one argv, and most bytes in all: what Linux grants with its default stack limit.
pub const MAX_ARGS: usize = 32_768;
/// See [`MAX_ARGS`].
pub const MAX_ARGV_BYTES: usize = 2_097_152;

/// A program and its arguments as they are given to `execve`: never empty, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Argv(Vec<String>);

named_enum! {
    /// Says why a text or list of words is no command.
    CommandError {
        /// There is no program.
        Empty = "command is empty",
        /// A NUL, which `execve` cannot carry.
        Nul = "command holds a NUL character",
        /// More than [`MAX_ARGS`] words or [`MAX_ARGV_BYTES`] bytes.
        TooLong = "command is longer than 32,768 words or 2 MiB",
        /// A quote is not closed.
        Unbalanced = "command has a quote that is not closed",
    }
}

impl std::error::Error for CommandError {}

impl Argv {
    /// Takes a program and its arguments.
    ///
    /// # Errors
    /// [`CommandError`] for what `execve` could not run.
    pub fn new<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Result<Self, CommandError> {
        let words: Vec<String> = words.into_iter().map(Into::into).collect();
        if words.first().is_none_or(String::is_empty) {
            return Err(CommandError::Empty);
        }
        if words.len() > MAX_ARGS || words.iter().map(|word| word.len() + 1).sum::<usize>() > MAX_ARGV_BYTES {
            return Err(CommandError::TooLong);
        }
        if words.iter().any(|word| word.contains('\0')) {
            return Err(CommandError::Nul);
        }
        Ok(Self(words))
    }

    /// The program as written.
    pub fn program(&self) -> &str {
        &self.0[0]
    }

    /// The arguments.
    pub fn args(&self) -> &[String] {
        &self.0[1..]
    }

    /// Program and arguments.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

/// Parses a command line: plain words, quoted or not, become an argv; text with anything a shell would act on
/// becomes `["sh", "-c", text]`.
///
/// # Errors
/// [`CommandError`] for text that is empty, unbalanced or too long.
pub fn parse_command(text: &str) -> Result<Argv, CommandError> {
    let words = shell_words::split(text).map_err(|_| CommandError::Unbalanced);
    if script::needs_shell(text) {
        return Argv::new(["sh", "-c", text]);
    }
    Argv::new(words?)
}

/// What is known of a command before it runs: every program it is certain to start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandFacts {
    links: Vec<Link>,
    is_opaque: bool,
    is_closed: bool,
}

/// One program on the way, outermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    program: String,
    base: String,
    family: String,
    args: Vec<String>,
    /// Further arguments exist that are known only when it runs.
    is_open: bool,
    /// Started by code rather than by the argv: counts for blocking only.
    is_inside: bool,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Only starts the next program.
    Wrapper,
    /// Does the work.
    Leaf,
    /// Runs code; the argument with this index makes it so.
    Code(usize),
}

impl CommandFacts {
    /// Looks through the argv.
    pub fn of(argv: &Argv) -> Self {
        unwrap::facts(argv.words())
    }

    /// Base names of every program known to run, outermost first.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.base.as_str())
    }

    /// Whether code takes part that this module cannot read.
    pub const fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// Whether some program runs code given in the argv.
    pub fn has_inline_code(&self) -> bool {
        self.is_opaque || self.links.iter().any(|link| matches!(link.role, Role::Code(_)))
    }
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
    pub fn exact(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|arg| ArgPattern::Exact((*arg).to_owned())).collect();
        Self { program: program.to_owned(), args }
    }

    /// Whether this rule lists the command: every program that does the work is the named one with these
    /// arguments, and code is spelled by the rule itself.
    pub fn matches(&self, facts: &CommandFacts) -> bool {
        let mut working = facts.links.iter().filter(|l| !l.is_inside && l.role != Role::Wrapper).peekable();
        !facts.is_closed && working.peek().is_some() && working.all(|link| self.lists(link))
    }

    /// Whether this rule blocks the command: some program on the way is the named one and may have these
    /// arguments, or code takes part that could start it.
    pub fn blocks(&self, facts: &CommandFacts) -> bool {
        // FAIL-CLOSED: code that cannot be read could start anything.
        facts.is_opaque || facts.links.iter().any(|link| self.may_be(link))
    }

    fn lists(&self, link: &Link) -> bool {
        let base = link.base.as_str();
        let is_named = self.program == link.program
            || (self.program == base && is_system_directory(&link.program[..link.program.len() - base.len()]));
        let is_spelled = match link.role {
            Role::Code(at) => self.args.iter().take_while(|arg| matches!(arg, ArgPattern::Exact(_))).count() > at,
            Role::Wrapper | Role::Leaf => true,
        };
        let plain = || match_prefix(&self.args, tables::without_harmless_globals(base, &link.args));
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

/// What follows the last `/`.
fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
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
    pub const fn permissive() -> Self {
        Self { allows_unlisted: true, allowed: Vec::new(), blocked: Vec::new() }
    }

    /// Allows the shipped list: build, test and local git. The default.
    pub fn restrictive() -> Self {
        Self { allows_unlisted: false, allowed: default_listed_commands(), blocked: Vec::new() }
    }

    /// Allows nothing until a rule says so.
    pub const fn nothing() -> Self {
        Self { allows_unlisted: false, allowed: Vec::new(), blocked: Vec::new() }
    }

    /// Lists what the pattern names.
    pub fn allow_rule(&mut self, pattern: CommandPattern) {
        self.allowed.push(pattern);
    }

    /// Blocks what the pattern names, whatever lists it.
    pub fn block_rule(&mut self, pattern: CommandPattern) {
        self.blocked.push(pattern);
    }

    /// Whether the command line may run; text that is no command may not.
    pub fn can_execute(&self, command: &str) -> bool {
        parse_command(command).is_ok_and(|argv| self.can_execute_argv(&argv))
    }

    /// Whether the argv may run.
    pub fn can_execute_argv(&self, argv: &Argv) -> bool {
        let facts = CommandFacts::of(argv);
        let is_listed = || self.allows_unlisted || self.allowed.iter().any(|rule| rule.matches(&facts));
        !self.blocked.iter().any(|rule| rule.blocks(&facts)) && is_listed()
    }
}
