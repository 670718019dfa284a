//! What a command said and changed.

use std::time::Duration;

use portcullis::Amount;

use crate::sandbox::LandedChange;

/// How a command ended; the whole tree is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandExit {
    /// Its own exit code.
    Code(u8),
    /// It died of this signal.
    Signal(u8),
    /// It ran over its time limit.
    TimedOut,
    /// Whoever asked for it stopped it.
    Stopped,
    /// The session ended, or a blocked file appeared in its view.
    SessionStopped,
    /// It held more memory than allowed.
    MemoryLimit,
    /// It said more than allowed.
    OutputLimit,
}

impl CommandExit {
    /// Whether it ended by itself with code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// One sentence for a person.
    #[must_use]
    pub fn sentence(self) -> String {
        match self {
            Self::Code(code) => format!("exited with code {code}"),
            Self::Signal(signal) => format!("died of signal {signal}"),
            Self::TimedOut => "was killed at its time limit".to_owned(),
            Self::Stopped => "was stopped".to_owned(),
            Self::SessionStopped => "was killed with its session or its view".to_owned(),
            Self::MemoryLimit => "was killed for its memory".to_owned(),
            Self::OutputLimit => "was killed for its output".to_owned(),
        }
    }
}

/// Which stream of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Something a command changed that neither landed nor is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedChange {
    /// The path as found on disk.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What a command said and changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOutput {
    /// How it ended.
    pub exit: CommandExit,
    /// What it said on standard output, up to the caps.
    pub stdout: Vec<u8>,
    /// What it said on standard error, up to the caps.
    pub stderr: Vec<u8>,
    /// Bytes it said in all.
    pub said_bytes: u64,
    /// Whether some of that was dropped.
    pub is_cut: bool,
    /// How long it ran.
    pub duration: Duration,
    /// What it cost.
    pub cost: Amount,
    /// Changes that landed, in order.
    pub landed: Vec<LandedChange>,
    /// Changes kept for the user, in order.
    pub staged: Vec<LandedChange>,
    /// Changes that are neither.
    pub refused: Vec<RefusedChange>,
}

impl CommandOutput {
    /// Of a command that said and changed nothing.
    pub(crate) fn silent() -> Self {
        Self {
            exit: CommandExit::Code(0),
            stdout: Vec::new(),
            stderr: Vec::new(),
            said_bytes: 0,
            is_cut: false,
            duration: Duration::ZERO,
            cost: Amount::ZERO,
            landed: Vec::new(),
            staged: Vec::new(),
            refused: Vec::new(),
        }
    }
}
