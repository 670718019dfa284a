//! Copies held content, and refuses bytes that are not the ones that were digested.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::ContentDigest;
use rustix::fs::{Mode, OFlags, ResolveFlags, Timestamps};
use sha2::{Digest as _, Sha256};

use super::change::{DeadLayer, HeldContent, Source};
use super::{WorkspaceError, tree};

/// Bytes copied at a time; a run of zeros this long becomes a hole.
const BLOCK_BYTES: usize = 64 << 10;

impl HeldContent {
    /// Opens the bytes for reading.
    ///
    /// # Errors
    /// [`WorkspaceError::Io`] when the file that holds them is gone.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, WorkspaceError> {
        Ok(match self.source() {
            Source::Memory(bytes) => Box::new(std::io::Cursor::new(Arc::clone(bytes))),
            _ => Box::new(
                self.open_file()?
                    .ok_or(WorkspaceError::Unsupported("content without a file"))?,
            ),
        })
    }

    /// All the bytes, if they are at most `limit_bytes` and what was digested.
    ///
    /// # Errors
    /// [`WorkspaceError::TooLarge`], [`WorkspaceError::Digest`] and those of [`HeldContent::open`].
    pub fn read(&self, limit_bytes: u64) -> Result<Vec<u8>, WorkspaceError> {
        if self.len_bytes() > limit_bytes {
            return Err(WorkspaceError::TooLarge {
                what: "the content".to_owned(),
                bound: format!("{limit_bytes} bytes"),
            });
        }
        let mut bytes = Vec::new();
        self.open()?
            .take(limit_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(WorkspaceError::io("read", "held content"))?;
        if ContentDigest::of(&bytes) != self.digest() {
            return Err(WorkspaceError::Digest("held content".to_owned()));
        }
        Ok(bytes)
    }

    /// The file that holds the bytes, if one does.
    fn open_file(&self) -> Result<Option<File>, WorkspaceError> {
        match self.source() {
            Source::Memory(_) => Ok(None),
            Source::Layer(layer, path) => open_in_layer(layer, path).map(Some),
            Source::File(path) => File::open(path)
                .map(Some)
                .map_err(WorkspaceError::io("open", path.display())),
        }
    }

    /// Writes the bytes into an empty file, with the time of the file they come from.
    ///
    /// # Errors
    /// [`WorkspaceError::Digest`] when they are not what was digested; the file is then of no use.
    pub(crate) fn copy_into(&self, file: &mut File, path: &[u8]) -> Result<(), WorkspaceError> {
        let mut held = self.open_file()?;
        let written = match &mut held {
            Some(source) => copy_sparse(source, file),
            None => copy_sparse(&mut self.open()?, file),
        }
        .and_then(|digest| {
            held.as_ref()
                .map_or(Ok(()), |from| copy_time(from, file))
                .map(|()| digest)
        })
        .map_err(WorkspaceError::io("write", tree::shown(path)))?;
        if written != self.digest() {
            // FAIL-CLOSED: only what was digested lands.
            return Err(WorkspaceError::Digest(tree::shown(path)));
        }
        Ok(())
    }
}

/// Opens a regular file in a dead jail's layer.
pub(crate) fn open_in_layer(layer: &Arc<DeadLayer>, path: &Path) -> Result<File, WorkspaceError> {
    let flags =
        OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(&layer.dir, path, flags, Mode::empty(), resolve)
        .map(File::from)
        .map_err(WorkspaceError::io("open", path.display()))
}

/// Holds a file of a layer under the digest of its bytes.
pub(crate) fn hold_layer_file(
    layer: &Arc<DeadLayer>,
    path: PathBuf,
) -> Result<HeldContent, WorkspaceError> {
    let mut file = open_in_layer(layer, &path)?;
    let (digest, bytes) = super::snapshot::digest_of(&mut file)
        .map_err(WorkspaceError::io("read", path.display()))?;
    Ok(HeldContent::at(
        digest,
        bytes,
        Source::Layer(Arc::clone(layer), path),
    ))
}

/// Copies everything, leaves long runs of zeros as holes, and says what it copied.
fn copy_sparse(source: &mut dyn Read, file: &mut File) -> std::io::Result<ContentDigest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BLOCK_BYTES];
    let mut total = 0_u64;
    loop {
        let read = fill(source, &mut buffer)?;
        if read == 0 {
            break;
        }
        let block = &buffer[..read];
        hasher.update(block);
        total += read as u64;
        if read == BLOCK_BYTES && block.iter().all(|byte| *byte == 0) {
            file.seek(SeekFrom::Current(read as i64))?;
        } else {
            file.write_all(block)?;
        }
    }
    file.set_len(total)?;
    Ok(ContentDigest::from_bytes(hasher.finalize().into()))
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Gives one file the content time of another: build tools compare such times.
fn copy_time(from: &File, to: &File) -> std::io::Result<()> {
    let stat = rustix::fs::fstat(from)?;
    let time = rustix::fs::Timespec {
        tv_sec: stat.st_mtime,
        tv_nsec: i64::try_from(stat.st_mtime_nsec).unwrap_or(0),
    };
    Ok(rustix::fs::futimens(
        to,
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
    )?)
}
