//! How a command ends.

use std::io;

use nucleus_audit::ReadError;

/// Why a command could not do its work; the exit code is 2.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads the output any more: no failure.
    ClosedPipe,
    /// What went wrong, for a person.
    Message(String),
}

impl Failure {
    pub(crate) fn new(message: impl std::fmt::Display) -> Self {
        Self::Message(message.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::new(error)
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Output(error) => Self::from(error),
            other => Self::new(other),
        }
    }
}
