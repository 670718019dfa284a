//! Follows a log while it grows, over its files.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::error::ReadError;
use crate::files;
use crate::read::parse;
use crate::record::Record;

/// Reads what was added to a log since it was last asked.
///
/// A line is given out once it is whole.
#[derive(Debug)]
pub struct Follow {
    dir: PathBuf,
    number: u32,
    /// How many bytes of the file were given out.
    offset: u64,
    line: u64,
}

impl Follow {
    /// Follows the log in this directory from its first record.
    ///
    /// # Errors
    /// [`ReadError`] when there is no log.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let numbers = files::record_numbers(dir).map_err(ReadError::io(dir))?;
        let number = *numbers.first().ok_or_else(|| ReadError::NoLog {
            path: dir.to_owned(),
        })?;
        Ok(Self {
            dir: dir.to_owned(),
            number,
            offset: 0,
            line: 0,
        })
    }

    /// The records added since.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn poll(&mut self) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        loop {
            // Looked for first: once the next file is there, nothing is added to this one.
            let next = files::record_file(&self.dir, self.number + 1);
            let is_complete = next.try_exists().map_err(ReadError::io(&next))?;
            self.read_new(&mut records)?;
            if !is_complete {
                return Ok(records);
            }
            (self.number, self.offset, self.line) = (self.number + 1, 0, 0);
        }
    }

    fn read_new(&mut self, records: &mut Vec<Record>) -> Result<(), ReadError> {
        let path = files::record_file(&self.dir, self.number);
        let mut bytes = Vec::new();
        let mut file = File::open(&path).map_err(ReadError::io(&path))?;
        file.seek(SeekFrom::Start(self.offset))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(ReadError::io(&path))?;
        let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
        for line in bytes[..whole].split_inclusive(|byte| *byte == b'\n') {
            self.line += 1;
            records.push(parse(
                line.strip_suffix(b"\n").unwrap_or(line),
                &path,
                self.line,
            )?);
        }
        self.offset += whole as u64;
        Ok(())
    }
}
