//! Reads the signed checkpoints of a log and of its mirror.

use std::fs;
use std::path::Path;

use portcullis::request::SessionId;

use super::{Fault, VerifyError, VerifyOptions};
use crate::chain::ChainHash;
use crate::checkpoint::{BadNote, Checkpoint, parse_notes};
use crate::files::{CHECKPOINT_FILE, name_of};

/// A signed head and the file that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) records: u64,
    pub(super) head: ChainHash,
    pub(super) file: String,
}

/// All signed heads.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) session: SessionId,
    /// Ordered by number of records.
    pub(super) heads: Vec<Head>,
    /// How many records the last checkpoint of the mirror covers, if there is a mirror.
    pub(super) mirrored: Option<u64>,
}

impl Signed {
    /// The most records that a checkpoint covers, and the file that says so.
    pub(super) fn last(&self) -> Option<&Head> {
        self.heads.last()
    }

    /// The head that was signed for so many records.
    pub(super) fn head_of(&self, records: u64) -> Option<ChainHash> {
        let at = self.heads.partition_point(|head| head.records < records);
        self.heads
            .get(at)
            .filter(|head| head.records == records)
            .map(|head| head.head)
    }
}

/// Reads the sidecar file and the mirror.
pub(super) fn load(dir: &Path, options: &VerifyOptions) -> Result<Signed, VerifyError> {
    let sidecar = dir.join(CHECKPOINT_FILE);
    let own = load_file(&sidecar, options)?;
    let Some(session) = own.first().map(|checkpoint| checkpoint.session) else {
        return Err(none_in(&sidecar));
    };
    let mut heads = heads_of(&own, session, &sidecar, true)?;
    let mirrored = match &options.mirror {
        None => None,
        Some(mirror) => {
            let others = load_file(mirror, options)?;
            // A mirror may serve several logs.
            let mirrored = heads_of(&others, session, mirror, false)?;
            let last = mirrored.iter().map(|head| head.records).max();
            let last = last.ok_or_else(|| none_in(mirror))?;
            heads.extend(mirrored);
            Some(last)
        }
    };
    heads.sort_by_key(|head| head.records);
    Ok(Signed {
        session,
        heads,
        mirrored,
    })
}

fn none_in(path: &Path) -> VerifyError {
    VerifyError::bad(
        Fault::NoCheckpoints {
            file: name_of(path),
        },
        None,
    )
}

/// The checkpoints of one file, every signature checked; a torn last one is left out.
fn load_file(path: &Path, options: &VerifyOptions) -> Result<Vec<Checkpoint>, VerifyError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(none_in(path)),
        other => other.map_err(VerifyError::io(path))?,
    };
    let notes = parse_notes(&bytes, &options.key).notes;
    let numbered = notes.into_iter().zip(1_usize..);
    numbered
        .map(|(note, number)| note.map_err(|bad| refuse(bad, number, path)))
        .collect()
}

fn refuse(bad: BadNote, checkpoint: usize, path: &Path) -> VerifyError {
    let file = name_of(path);
    VerifyError::bad(
        match bad {
            BadNote::Malformed => Fault::BadCheckpoint { checkpoint, file },
            BadNote::WrongKey => Fault::WrongKey { checkpoint, file },
            BadNote::BadSignature => Fault::BadSignature { checkpoint, file },
        },
        None,
    )
}

/// The heads of this session; `is_own` says that there may be no other.
fn heads_of(
    checkpoints: &[Checkpoint],
    session: SessionId,
    path: &Path,
    is_own: bool,
) -> Result<Vec<Head>, VerifyError> {
    let file = name_of(path);
    let mut heads: Vec<Head> = Vec::with_capacity(checkpoints.len());
    for (checkpoint, number) in checkpoints.iter().zip(1_usize..) {
        let is_older = heads
            .last()
            .is_some_and(|last| last.records > checkpoint.records);
        if checkpoint.session == session && !is_older {
            let Checkpoint { records, head, .. } = *checkpoint;
            heads.push(Head {
                records,
                head,
                file: file.clone(),
            });
        } else if is_own || checkpoint.session == session {
            // FAIL-CLOSED: checkpoints of one log only grow.
            return Err(refuse(BadNote::Malformed, number, path));
        }
    }
    Ok(heads)
}
