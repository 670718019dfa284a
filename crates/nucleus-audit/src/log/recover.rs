//! Continues a log whose writer was stopped.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use portcullis::digest::ContentDigest;
use portcullis::request::SessionId;

use super::notes::NoteFiles;
use super::tail::Tail;
use super::{Durability, Log, LogOptions, lock, sync_names};
use crate::checkpoint::{Occasion, parse_notes};
use crate::draft::{Context, Draft, Matter};
use crate::error::LogError;
use crate::files;
use crate::key::SigningKey;
use crate::record::Kind;
use crate::verify::{Report, VerifyOptions, examine};

/// A torn last line that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornLine {
    /// The file that keeps it, beside the log.
    pub file: String,
    /// How many bytes it had.
    pub bytes: u64,
}

/// What a recovery found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The log as it was found, verified.
    pub report: Report,
    /// The torn last line, if there was one.
    pub torn: Option<TornLine>,
}

impl Log {
    /// Verifies a log, sets a torn last line aside, says so in a record and goes on.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when the log is not what was written;
    /// [`LogError::ForeignSession`]; [`LogError::InUse`]; [`LogError::Io`].
    pub fn recover(
        dir: &Path,
        session: SessionId,
        options: LogOptions,
        key: SigningKey,
        context: &Context<'_>,
    ) -> Result<(Self, Recovery), LogError> {
        let lock = lock(dir)?;
        // FAIL-CLOSED: a mirror that is gone could have told of a cut tail.
        let checked = VerifyOptions {
            mirror: options.mirror.clone(),
            ..VerifyOptions::new(key.verifying())
        };
        let (report, end) = examine(dir, &checked)?;
        if end.session != session {
            return Err(LogError::ForeignSession);
        }
        let path = files::record_file(dir, end.last_file);
        let torn = set_aside(dir, &path, end.last_file_bytes, report.records)?;
        cut_notes(dir, &key)?;
        let file = files::open_append(&path).map_err(LogError::io("open", &path))?;
        let tail = Tail::new(
            end.last_file,
            file,
            end.last_file_bytes,
            report.records,
            end.head,
        );
        let notes = NoteFiles::open(dir, options.mirror.as_deref())?;
        let log = Self::run(dir, session, options, key, lock, tail, notes)?;
        sync_names(dir)?;
        if let Some((torn, digest)) = torn.as_ref().filter(|_| report.records > 0) {
            let matter = Matter::Recovered {
                file: &torn.file,
                bytes: torn.bytes,
                digest: *digest,
            };
            let draft = Draft::new(*context, Kind::Recovered, matter);
            let _recorded = log.record(&draft, (), Durability::Durable)?;
        }
        log.shared.checkpoint(Occasion::Recovered)?;
        Ok((
            log,
            Recovery {
                report,
                torn: torn.map(|(torn, _)| torn),
            },
        ))
    }
}

/// Moves what follows the last whole line into a file of its own; the bytes are safe there before they are cut.
fn set_aside(
    dir: &Path,
    path: &Path,
    whole_bytes: u64,
    records: u64,
) -> Result<Option<(TornLine, ContentDigest)>, LogError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(LogError::io("open", path))?;
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(whole_bytes))
        .and_then(|_| file.read_to_end(&mut torn))
        .map_err(LogError::io("read", path))?;
    if torn.is_empty() {
        return Ok(None);
    }
    let aside = dir.join(format!("audit-torn-{records}"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    files::private_mode(&mut options);
    options
        .open(&aside)
        .and_then(|mut file| file.write_all(&torn).and_then(|()| file.sync_all()))
        .and_then(|()| files::sync_dir(dir))
        .map_err(LogError::io("keep the torn line in", &aside))?;
    cut(&file, path, whole_bytes)?;
    let line = TornLine {
        file: files::name_of(&aside),
        bytes: torn.len() as u64,
    };
    Ok(Some((line, ContentDigest::of(&torn))))
}

/// Cuts a torn last note off the sidecar file; what it would have signed is signed anew.
fn cut_notes(dir: &Path, key: &SigningKey) -> Result<(), LogError> {
    let path = dir.join(files::CHECKPOINT_FILE);
    let bytes = fs::read(&path).map_err(LogError::io("read", &path))?;
    let notes = parse_notes(&bytes, &key.verifying());
    if !notes.is_torn {
        return Ok(());
    }
    let file = OpenOptions::new()
        .write(true)
        .open(&path)
        .map_err(LogError::io("open", &path))?;
    cut(&file, &path, notes.whole_bytes as u64)
}

fn cut(file: &File, path: &Path, bytes: u64) -> Result<(), LogError> {
    file.set_len(bytes)
        .and_then(|()| file.sync_all())
        .map_err(LogError::io("cut", path))
}
