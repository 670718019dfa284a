//! What a verification found.

use std::path::{Path, PathBuf};

use portcullis::request::SessionId;

use crate::chain::ChainHash;

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The place in the log at which the record stands, counted from 0.
    pub sequence: u64,
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "record {} ({} line {})",
            self.sequence, self.file, self.line
        )
    }
}

/// What was done to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The record was changed.
    Edited,
    /// Records are missing before the one that stands here.
    Deleted {
        /// The first missing.
        first: u64,
        /// The last missing.
        last: u64,
    },
    /// The record stands at another place than it was written at, or twice.
    Reordered {
        /// The place it was written at.
        written_at: u64,
    },
    /// The record belongs to another session.
    Spliced {
        /// That session.
        session: SessionId,
    },
    /// The chain holds, but is not the one that was signed: it was computed anew.
    Rehashed {
        /// How many records from the front a checkpoint confirms.
        confirmed: u64,
        /// The checkpoint that disagrees covers so many records.
        signed: u64,
    },
    /// A checkpoint was signed by another key.
    WrongKey {
        /// The number of the checkpoint in its file, counted from 1.
        checkpoint: usize,
        /// The file.
        file: String,
    },
    /// A checkpoint's signature does not fit its text.
    BadSignature {
        /// The number of the checkpoint in its file, counted from 1.
        checkpoint: usize,
        /// The file.
        file: String,
    },
    /// A checkpoint is none, or none of this session.
    BadCheckpoint {
        /// The number of the checkpoint in its file, counted from 1.
        checkpoint: usize,
        /// The file.
        file: String,
    },
    /// There are no checkpoints to check against.
    NoCheckpoints {
        /// The file.
        file: String,
    },
    /// Records at the end are missing.
    Truncated {
        /// How many records there are.
        records: u64,
        /// How many were signed.
        signed: u64,
        /// The file that says so.
        file: String,
    },
}

impl Fault {
    /// One word for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Edited => "edited",
            Self::Deleted { .. } => "deleted",
            Self::Reordered { .. } => "reordered",
            Self::Spliced { .. } => "spliced",
            Self::Rehashed { .. } => "rehashed",
            Self::WrongKey { .. } => "wrong_key",
            Self::BadSignature { .. } => "bad_signature",
            Self::BadCheckpoint { .. } => "bad_checkpoint",
            Self::NoCheckpoints { .. } => "no_checkpoints",
            Self::Truncated { .. } => "truncated",
        }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Edited => f.write_str("the record was edited"),
            Self::Deleted { first, last } if first == last => {
                write!(f, "record {first} was deleted")
            }
            Self::Deleted { first, last } => write!(f, "records {first} to {last} were deleted"),
            Self::Reordered { written_at } => {
                write!(
                    f,
                    "the records were reordered: this one was written at place {written_at}"
                )
            }
            Self::Spliced { session } => {
                write!(f, "the record was spliced in from session {session}")
            }
            Self::Rehashed { confirmed, signed } => write!(
                f,
                "the chain was computed anew somewhere between record {confirmed} and record {}: \
                 it is not the one that was signed",
                signed.saturating_sub(1)
            ),
            Self::WrongKey { checkpoint, file } => {
                write!(
                    f,
                    "checkpoint {checkpoint} of {file} was signed by another key"
                )
            }
            Self::BadSignature { checkpoint, file } => {
                write!(
                    f,
                    "the signature of checkpoint {checkpoint} of {file} is bad"
                )
            }
            Self::BadCheckpoint { checkpoint, file } => {
                write!(f, "checkpoint {checkpoint} of {file} is none of this log")
            }
            Self::NoCheckpoints { file } => write!(f, "{file} holds no checkpoint of this log"),
            Self::Truncated {
                records,
                signed,
                file,
            } => write!(
                f,
                "the log was truncated: it ends after {records} records, and a checkpoint in {file} covers {signed}"
            ),
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was done.
    pub fault: Fault,
    /// The first bad record, where the fault has one.
    pub place: Option<Place>,
}

impl core::fmt::Display for Finding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.fault),
            None => write!(f, "{}", self.fault),
        }
    }
}

/// Why a log does not verify.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The log is not what was written.
    #[error("{0}")]
    Bad(Finding),
    /// There is no log here.
    #[error("`{}` holds no log", path.display())]
    NoLog {
        /// The directory.
        path: PathBuf,
    },
    /// The log cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl VerifyError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(super) fn bad(fault: Fault, place: Option<Place>) -> Self {
        Self::Bad(Finding { fault, place })
    }
}

/// What is known of records cut off at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// None of so many records from the front is missing, says the mirror.
    Excluded {
        /// How many records the last mirrored checkpoint covers.
        records: u64,
    },
    /// **Without a mirror a tail cut off with its checkpoints is not detectable.**
    NotDetectable,
}

/// A last line that ends in the middle: the writer was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub file: String,
    /// How many bytes of the line there are.
    pub bytes: u64,
}

/// A log that verifies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The session it belongs to.
    pub session: SessionId,
    /// How many records it has.
    pub records: u64,
    /// In how many files.
    pub files: usize,
    /// The hash of the last record, or zeros.
    pub head: ChainHash,
    /// How many checkpoints agree with it.
    pub checkpoints: usize,
    /// How many records the last checkpoint covers; **those after it are chained, not signed**.
    pub signed: u64,
    /// Intents whose outcome is unknown.
    pub unknown_outcomes: Vec<u64>,
    /// Outcomes that name no open intent.
    pub stray_outcomes: Vec<u64>,
    /// A torn last line.
    pub torn: Option<Torn>,
    /// Whether the session has ended.
    pub is_ended: bool,
    /// What is known of records cut off at the end.
    pub truncation: Truncation,
}
