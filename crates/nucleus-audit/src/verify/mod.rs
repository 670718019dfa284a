//! Checks a log against its chain and its signed checkpoints, and names the first bad record.
//!
//! What this proves: every record up to the last checkpoint is, byte for byte,
//! what the holder of the key wrote, in that order, with none missing.
//! **What it cannot prove**: records after the last checkpoint are only chained,
//! not signed; and a tail cut off together with its checkpoints is seen only
//! against a mirror of the checkpoints.
//!
//! The canonical form needs no second pass: the reader accepts exactly the bytes
//! that the writer would write.

mod diagnose;
mod fold;
mod report;
mod scan;
mod signed;

use std::path::{Path, PathBuf};

use crate::chain::ChainHash;
use crate::files;
use crate::key::VerifyingKey;

pub use report::{Fault, Finding, Place, Report, Torn, Truncation, VerifyError};

/// What a log is checked against.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The key that signed its checkpoints.
    pub key: VerifyingKey,
    /// A second file with its checkpoints, which nobody could cut off together with the log.
    pub mirror: Option<PathBuf>,
    /// How many threads read records; at least one. Default: as many as there are processors, at most 8.
    pub threads: usize,
}

impl VerifyOptions {
    /// Checks against this key, without a mirror.
    #[must_use]
    pub fn new(key: VerifyingKey) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get().min(8));
        Self {
            key,
            mirror: None,
            threads,
        }
    }
}

/// Where a sound log can be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Continuation {
    /// The last file, if there is one.
    pub(crate) last_file: u32,
    /// How many bytes of it are whole records.
    pub(crate) last_file_bytes: u64,
    pub(crate) head: ChainHash,
    pub(crate) session: portcullis::request::SessionId,
}

/// Checks the log in this directory.
///
/// # Errors
/// [`VerifyError::Bad`] with the first bad record; [`VerifyError::Io`] when it cannot be read.
pub fn verify(dir: &Path, options: &VerifyOptions) -> Result<Report, VerifyError> {
    examine(dir, options).map(|(report, _)| report)
}

/// Checks the log and says where it can be continued.
pub(crate) fn examine(
    dir: &Path,
    options: &VerifyOptions,
) -> Result<(Report, Continuation), VerifyError> {
    let numbers = files::record_numbers(dir).map_err(VerifyError::io(dir))?;
    if numbers.is_empty() {
        return Err(VerifyError::NoLog {
            path: dir.to_owned(),
        });
    }
    let signed = signed::load(dir, options)?;
    let fold = fold::fold(dir, &numbers, &signed, options.threads.max(1))?;
    fold.finish(&signed)
}
