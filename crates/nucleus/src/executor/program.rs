//! The digest of the file that a command executes, where the host can read it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use portcullis::ContentDigest;
use portcullis::path::RelPath;

use crate::sandbox::read_up_to;
use crate::workspace::WorkspaceView;

/// The largest program that is digested; a larger one is named in the record without a digest.
const MAX_PROGRAM_BYTES: u64 = 512 << 20;

/// One state of a file: device, inode, length, nanoseconds of its last change.
type FileState = (u64, u64, u64, i64, i64);

/// Digests of programs of the system, kept as long as the files do not change.
#[derive(Debug, Default)]
pub(crate) struct Programs(Mutex<HashMap<FileState, ContentDigest>>);

impl Programs {
    /// The digest of the program as a command in `cwd` would find it.
    pub(crate) fn digest(
        &self,
        program: &str,
        cwd: &RelPath,
        path: &str,
        view: &dyn WorkspaceView,
    ) -> Option<ContentDigest> {
        if !program.contains('/') {
            let found = path
                .split(':')
                .map(|dir| Path::new(dir).join(program))
                .find(|file| file.is_file())?;
            return self.of_host(&found);
        }
        let inside = match program.starts_with('/') {
            true => RelPath::beneath(view.root().to_str()?, program).ok(),
            false => cwd.join(program).ok(),
        };
        match inside {
            Some(path) => {
                let bytes =
                    read_up_to(view.open_read(&path).ok()?, &path, MAX_PROGRAM_BYTES).ok()?;
                Some(ContentDigest::of(&bytes))
            }
            None => self.of_host(&PathBuf::from(program)),
        }
    }

    fn of_host(&self, file: &Path) -> Option<ContentDigest> {
        let opened = File::open(file).ok()?;
        let meta = opened.metadata().ok()?;
        if !meta.is_file() || meta.len() > MAX_PROGRAM_BYTES {
            return None;
        }
        let state = (
            meta.dev(),
            meta.ino(),
            meta.len(),
            meta.ctime(),
            meta.ctime_nsec(),
        );
        if let Some(known) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&state)
        {
            return Some(*known);
        }
        let mut bytes = Vec::new();
        opened
            .take(MAX_PROGRAM_BYTES)
            .read_to_end(&mut bytes)
            .ok()?;
        let digest = ContentDigest::of(&bytes);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(state, digest);
        Some(digest)
    }
}
