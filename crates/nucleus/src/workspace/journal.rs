//! An append-only file of JSON lines, shared by processes under the state lock; a torn last line is cut off.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::WorkspaceError;

/// Longest file read: more is an error, not an endless start.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The first line of each file.
#[derive(Debug, Serialize, serde::Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    kind: String,
}

/// One journal. Every method is called under the state lock.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    kind: &'static str,
    version: u32,
    file: File,
    read_bytes: u64,
    lines: u64,
}

/// Records read since the last time.
#[derive(Debug)]
pub(crate) struct Fresh<R> {
    /// Whether everything known before is void, because the file was replaced.
    pub(crate) is_restart: bool,
    /// In file order.
    pub(crate) records: Vec<R>,
}

/// Whether an append waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Survives the process.
    Buffered,
    /// Survives the machine.
    Durable,
}

impl Journal {
    /// Opens or makes the file.
    pub(crate) fn open(
        path: &Path,
        kind: &'static str,
        version: u32,
    ) -> Result<Self, WorkspaceError> {
        Ok(Self {
            path: path.to_path_buf(),
            kind,
            version,
            file: open_file(path)?,
            read_bytes: 0,
            lines: 0,
        })
    }

    /// Reads what this and other processes appended.
    pub(crate) fn fresh<R: DeserializeOwned>(&mut self) -> Result<Fresh<R>, WorkspaceError> {
        let is_restart = self.reopen_if_replaced()?;
        let mut records = Vec::new();
        let text = self.unread()?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            self.lines += 1;
            if self.lines == 1 {
                self.check_header(line)?;
                continue;
            }
            let record =
                serde_json::from_slice(line).map_err(|error| self.damage(error.to_string()))?;
            records.push(record);
        }
        self.read_bytes += whole as u64;
        if whole < text.len() {
            // Writers hold the lock: what has no end was cut off by a crash.
            let io = WorkspaceError::io("repair", self.path.display());
            self.file.set_len(self.read_bytes).map_err(io)?;
        }
        Ok(Fresh {
            is_restart,
            records,
        })
    }

    /// Appends records in one write.
    pub(crate) fn append<R: Serialize>(
        &mut self,
        records: &[R],
        durability: Durability,
    ) -> Result<(), WorkspaceError> {
        let mut text = Vec::new();
        if self.lines == 0 {
            self.line(&mut text, &self.header())?;
        }
        for record in records {
            self.line(&mut text, record)?;
        }
        let written = self.write(&text, durability);
        if written.is_err() {
            // A line that is not whole must not be followed by another.
            let _ = self.file.set_len(self.read_bytes);
        }
        written?;
        self.read_bytes += text.len() as u64;
        self.lines += records.len() as u64 + u64::from(self.lines == 0);
        Ok(())
    }

    /// Replaces the file by one that holds these records only.
    pub(crate) fn rewrite<R: Serialize>(&mut self, records: &[R]) -> Result<(), WorkspaceError> {
        let beside = self.path.with_extension("new");
        // A crash may have left one.
        let _ = std::fs::remove_file(&beside);
        let mut fresh = Self::open(&beside, self.kind, self.version)?;
        fresh.append(records, Durability::Durable)?;
        std::fs::rename(&beside, &self.path)
            .map_err(WorkspaceError::io("replace", self.path.display()))?;
        sync_parent(&self.path)?;
        fresh.path = std::mem::take(&mut self.path);
        *self = fresh;
        Ok(())
    }

    /// Lines of the file, the first included.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    fn header(&self) -> Header {
        Header {
            version: self.version,
            kind: self.kind.to_owned(),
        }
    }

    fn check_header(&self, line: &[u8]) -> Result<(), WorkspaceError> {
        let header: Header =
            serde_json::from_slice(line).map_err(|error| self.damage(error.to_string()))?;
        if header == self.header() {
            return Ok(());
        }
        Err(self.damage(format!(
            "it is version {} of `{}`",
            header.version, header.kind
        )))
    }

    fn damage(&self, why: String) -> WorkspaceError {
        WorkspaceError::State {
            file: self.path.clone(),
            line: self.lines,
            why,
        }
    }

    fn line<R: Serialize>(&self, text: &mut Vec<u8>, record: &R) -> Result<(), WorkspaceError> {
        serde_json::to_writer(&mut *text, record)
            .map_err(|error| self.damage(error.to_string()))?;
        text.push(b'\n');
        Ok(())
    }

    fn write(&mut self, text: &[u8], durability: Durability) -> Result<(), WorkspaceError> {
        let io = || WorkspaceError::io("append to", self.path.display());
        self.file
            .seek(SeekFrom::Start(self.read_bytes))
            .map_err(io())?;
        self.file.write_all(text).map_err(io())?;
        if durability == Durability::Durable {
            self.file.sync_data().map_err(io())?;
        }
        Ok(())
    }

    fn reopen_if_replaced(&mut self) -> Result<bool, WorkspaceError> {
        let io = || WorkspaceError::io("stat", self.path.display());
        let ours = self.file.metadata().map_err(io())?;
        let is_same = match std::fs::metadata(&self.path) {
            Ok(there) => {
                (there.dev(), there.ino()) == (ours.dev(), ours.ino())
                    && there.len() >= self.read_bytes
            }
            Err(_) => false,
        };
        if !is_same {
            self.file = open_file(&self.path)?;
            (self.read_bytes, self.lines) = (0, 0);
        }
        Ok(!is_same)
    }

    fn unread(&mut self) -> Result<Vec<u8>, WorkspaceError> {
        let io = || WorkspaceError::io("read", self.path.display());
        let len = self.file.metadata().map_err(io())?.len();
        if len > MAX_FILE_BYTES {
            return Err(WorkspaceError::TooLarge {
                what: self.path.display().to_string(),
                bound: format!("{MAX_FILE_BYTES} bytes"),
            });
        }
        let mut text = Vec::new();
        self.file
            .seek(SeekFrom::Start(self.read_bytes))
            .map_err(io())?;
        Read::by_ref(&mut self.file)
            .take(len.saturating_sub(self.read_bytes))
            .read_to_end(&mut text)
            .map_err(io())?;
        Ok(text)
    }
}

fn open_file(path: &Path) -> Result<File, WorkspaceError> {
    let is_new = !path.exists();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(WorkspaceError::io("open", path.display()))?;
    if is_new {
        sync_parent(path)?;
    }
    Ok(file)
}

/// Makes the names of a directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), WorkspaceError> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(WorkspaceError::io("flush", dir.display()))
}
