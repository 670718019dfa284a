//! The live exposure that sessions on one workspace, and parent and child, share; it only grows.
//!
//! Within a process it is one atomic word. Between processes it is one byte in
//! a file, changed under a lock; a second file is locked, shared, by every
//! session that lives, and the first one alone starts from nothing.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use portcullis::Exposure;
use rustix::fs::{FlockOperation, flock};

use super::labels::LabelWord;

/// A handle of a live exposure; clones share it.
#[derive(Clone, Debug)]
pub struct SharedExposure(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    word: LabelWord,
    file: Option<SharedFile>,
    parent: Option<SharedExposure>,
}

#[derive(Debug)]
struct SharedFile {
    byte: File,
    /// Locked as long as the session lives.
    _alive: File,
}

impl SharedExposure {
    /// An exposure that is shared with nobody else.
    #[must_use]
    pub fn own() -> Self {
        Self::with(None, None)
    }

    /// The exposure that all live sessions on one workspace share, in that workspace's state directory.
    ///
    /// # Errors
    /// When the files cannot be opened or locked.
    pub fn of_workspace(state: &Path) -> io::Result<Self> {
        Ok(Self::with(Some(SharedFile::open(state)?), None))
    }

    /// The exposure of a child session: what it touches, the parent has touched, and the reverse.
    ///
    /// # Errors
    /// As [`SharedExposure::of_workspace`].
    pub fn of_child(parent: &Self, state: &Path) -> io::Result<Self> {
        Ok(Self::with(
            Some(SharedFile::open(state)?),
            Some(parent.clone()),
        ))
    }

    fn with(file: Option<SharedFile>, parent: Option<Self>) -> Self {
        Self(Arc::new(Shared {
            word: LabelWord::new(),
            file,
            parent,
        }))
    }

    /// What any of the sharing sessions has touched.
    ///
    /// # Errors
    /// When the file cannot be read or holds no exposure.
    pub fn read(&self) -> io::Result<Exposure> {
        let own = self.0.word.read().ok_or_else(unreadable)?;
        let filed = self
            .0
            .file
            .as_ref()
            .map_or(Ok(Exposure::NONE), SharedFile::read)?;
        let above = self
            .0
            .parent
            .as_ref()
            .map_or(Ok(Exposure::NONE), Self::read)?;
        Ok(own.join(filed).join(above))
    }

    /// Joins labels, for every sharing session, before it returns.
    ///
    /// # Errors
    /// When the file cannot be written; in memory the labels are joined nevertheless.
    pub fn raise(&self, labels: Exposure) -> io::Result<()> {
        self.0.word.raise(labels);
        self.0
            .file
            .as_ref()
            .map_or(Ok(()), |file| file.raise(labels))?;
        self.0
            .parent
            .as_ref()
            .map_or(Ok(()), |parent| parent.raise(labels))
    }
}

impl SharedFile {
    fn open(state: &Path) -> io::Result<Self> {
        let open = |name: &str| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(state.join(name))
        };
        let (alive, byte) = (open(crate::state::StateDir::LIVE)?, open("exposure")?);
        if flock(&alive, FlockOperation::NonBlockingLockExclusive).is_ok() {
            // Nobody else lives: what earlier sessions touched ended with them.
            byte.write_all_at(&[0], 0)?;
        }
        flock(&alive, FlockOperation::LockShared)?;
        Ok(Self {
            byte,
            _alive: alive,
        })
    }

    fn read(&self) -> io::Result<Exposure> {
        let mut byte = [0];
        self.byte.read_exact_at(&mut byte, 0)?;
        labels(byte[0])
    }

    fn raise(&self, labels: Exposure) -> io::Result<()> {
        if labels.leq(self.read()?) {
            return Ok(());
        }
        flock(&self.byte, FlockOperation::LockExclusive)?;
        let joined = self.read().map(|now| now.join(labels));
        let written = joined.and_then(|all| self.byte.write_all_at(&[all.bits()], 0));
        flock(&self.byte, FlockOperation::Unlock)?;
        written
    }
}

/// FAIL-CLOSED: bits that name no label are an error.
fn labels(bits: u8) -> io::Result<Exposure> {
    Exposure::from_bits(bits).ok_or_else(unreadable)
}

fn unreadable() -> io::Error {
    io::Error::other("the live exposure is not readable")
}
