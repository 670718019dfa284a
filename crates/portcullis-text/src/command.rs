//! Reads commands: an argv, and every program it is certain to start.
//!
//! What is guaranteed: no quoting, spacing, wrapper, path or rename of a known kind hides a program from the facts,
//! and what cannot be read is said to be so. What a rule makes of the facts is the law's to say.
//!
//! - Wrappers (`env nice timeout xargs sudo find -exec busybox …`) are seen through.
//! - Code in the argv (`bash -c`, `python -c`, `git -c`, `tar --to-command` …) is marked at the argument that makes
//!   it code; shell text is read as far as that is certain.
//! - Code that cannot be read makes the whole command opaque.

mod options;
mod recognise;
mod script;
mod tables;
mod unwrap;

pub use tables::known_operations;

use crate::named_enum;
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
    #[inline]
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
    #[inline]
    pub fn program(&self) -> &str {
        &self.0[0]
    }

    /// The arguments.
    #[inline]
    pub fn args(&self) -> &[String] {
        &self.0[1..]
    }

    /// Program and arguments.
    #[inline]
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

/// Parses a command line: plain words, quoted or not, become an argv; text with anything a shell would act on
/// becomes `["sh", "-c", text]`.
///
/// # Errors
/// [`CommandError`] for text that is empty, unbalanced or too long.
#[inline]
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

/// One program on the way, outermost first. Made by [`CommandFacts::of`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The program as written.
    pub program: String,
    /// What follows the last `/` of it.
    pub base: String,
    /// The base name without version and `.exe`.
    pub family: String,
    /// Its arguments, as far as they are known.
    pub args: Vec<String>,
    /// Further arguments exist that are known only when it runs.
    pub is_open: bool,
    /// Started by code rather than by the argv.
    pub is_inside: bool,
    /// What it does for the command.
    pub role: Role,
}

impl Link {
    /// Whether it is found in `PATH` or named in a directory that only root writes.
    #[inline]
    pub fn is_of_system(&self) -> bool {
        is_system_directory(&self.program[..self.program.len() - self.base.len()])
    }

    /// The arguments without those options before the subcommand that change nothing a rule speaks of.
    #[inline]
    pub fn plain_args(&self) -> &[String] {
        tables::without_harmless_globals(&self.base, &self.args)
    }
}

/// What a program does for the command that starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Only starts the next program.
    Wrapper,
    /// Does the work.
    Leaf,
    /// Runs code; the argument with this index makes it so.
    Code(usize),
}

impl CommandFacts {
    /// Looks through the argv.
    #[inline]
    pub fn of(argv: &Argv) -> Self {
        unwrap::facts(argv.words())
    }

    /// Every program known to run, outermost first.
    #[inline]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Base names of every program known to run, outermost first.
    #[inline]
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.base.as_str())
    }

    /// Whether code takes part that this module cannot read.
    #[inline]
    pub const fn is_opaque(&self) -> bool {
        self.is_opaque
    }

    /// Whether something takes part that no rule can spell: nothing lists the command.
    #[inline]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether some program runs code given in the argv.
    #[inline]
    pub fn has_inline_code(&self) -> bool {
        self.is_opaque || self.links.iter().any(|link| matches!(link.role, Role::Code(_)))
    }
}

/// What follows the last `/`.
#[inline]
pub fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
