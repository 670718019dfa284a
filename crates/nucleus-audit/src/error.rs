//! Why a log could not be written or read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::verify::VerifyError;

/// Why a record was not written.
///
/// After [`LogError::Io`] the log is poisoned: what became of the last bytes is
/// unknown, so every later append fails with [`LogError::Poisoned`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The system refused a read or write.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An earlier write failed.
    #[error("the log takes no more records: {cause}")]
    Poisoned {
        /// The first failure.
        cause: Arc<str>,
    },
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// Another process has the log open.
    #[error("`{}` is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The directory already holds a log.
    #[error("`{}` already holds a log; name a new directory or recover it", path.display())]
    AlreadyExists {
        /// The directory.
        path: PathBuf,
    },
    /// The first record must be the start of the session, and no other may be.
    #[error(
        "a `{kind}` record cannot stand at place {sequence}: the start is the first record and only that"
    )]
    OutOfPlace {
        /// What was to be recorded.
        kind: crate::Kind,
        /// Where.
        sequence: u64,
    },
    /// The request belongs to another session.
    #[error("the request belongs to another session than the log")]
    ForeignSession,
    /// The record does not speak of the value that it would vouch for.
    #[error("the record does not speak of what it would vouch for")]
    PayloadMismatch,
    /// The members of the draft contradict each other.
    #[error("a `{kind}` record cannot have these members")]
    Incoherent {
        /// What was to be recorded.
        kind: crate::Kind,
    },
    /// The log to continue is damaged.
    #[error("the log cannot be continued: {0}")]
    Damaged(#[from] VerifyError),
}

impl LogError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused a read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no log here.
    #[error("`{}` holds no log", path.display())]
    NoLog {
        /// The directory.
        path: PathBuf,
    },
    /// A line is no record.
    #[error("`{file}` line {line} is no record: expected {expected} at byte {byte}")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from 1.
        line: u64,
        /// The byte of the line, counted from 0.
        byte: usize,
        /// What was expected.
        expected: &'static str,
    },
    /// The envelope of a record cannot be read.
    #[error("record {sequence}: {source}")]
    Envelope {
        /// The record.
        sequence: u64,
        /// What is wrong with its bytes.
        source: portcullis::codec::CodecError,
    },
    /// The log does not begin with the start of a session.
    #[error("the log does not begin with the start of a session")]
    NoStart,
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

impl ReadError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
