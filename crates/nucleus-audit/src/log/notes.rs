//! Writes checkpoints to the sidecar file and to its mirror.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::LogError;
use crate::files;

/// The sidecar file and its mirror, open for appending.
#[derive(Debug)]
pub(super) struct NoteFiles {
    files: Vec<(PathBuf, File)>,
}

impl NoteFiles {
    /// Opens both, made private if they are not there.
    pub(super) fn open(dir: &Path, mirror: Option<&Path>) -> Result<Self, LogError> {
        let sidecar = dir.join(files::CHECKPOINT_FILE);
        let paths = core::iter::once(sidecar.as_path()).chain(mirror);
        let opened = paths.map(|path| {
            let file = files::open_append(path).map_err(LogError::io("open", path))?;
            Ok((path.to_owned(), file))
        });
        Ok(Self {
            files: opened.collect::<Result<_, LogError>>()?,
        })
    }

    /// Appends a note to both and flushes it.
    pub(super) fn write(&mut self, note: &str) -> Result<(), LogError> {
        for (path, file) in &mut self.files {
            file.write_all(note.as_bytes())
                .and_then(|()| file.sync_data())
                .map_err(LogError::io("append a checkpoint to", path))?;
        }
        Ok(())
    }
}
