//! Reads the records of a log in order, without checking the chain: verify first.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use crate::chain::parse_members;
use crate::error::ReadError;
use crate::files;
use crate::record::Record;

/// The records of a log, oldest first.
///
/// A torn last line ends them. After an error there are no more.
#[derive(Debug)]
pub struct Records {
    paths: std::vec::IntoIter<PathBuf>,
    open: Option<(PathBuf, BufReader<File>, u64)>,
    line: Vec<u8>,
}

/// The records of the log in this directory.
///
/// # Errors
/// [`ReadError`] when there is no log.
pub fn read(dir: &Path) -> Result<Records, ReadError> {
    let numbers = files::record_numbers(dir).map_err(ReadError::io(dir))?;
    if numbers.is_empty() {
        return Err(ReadError::NoLog {
            path: dir.to_owned(),
        });
    }
    let paths: Vec<_> = numbers
        .into_iter()
        .map(|number| files::record_file(dir, number))
        .collect();
    Ok(Records {
        paths: paths.into_iter(),
        open: None,
        line: Vec::new(),
    })
}

impl Iterator for Records {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance().transpose();
        if matches!(next, Some(Err(_)) | None) {
            self.open = None;
            self.paths = Vec::new().into_iter();
        }
        next
    }
}

impl Records {
    fn advance(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            let Some((path, reader, number)) = &mut self.open else {
                let Some(path) = self.paths.next() else {
                    return Ok(None);
                };
                let file = File::open(&path).map_err(ReadError::io(&path))?;
                self.open = Some((path, BufReader::with_capacity(1 << 18, file), 0));
                continue;
            };
            self.line.clear();
            reader
                .read_until(b'\n', &mut self.line)
                .map_err(ReadError::io(path))?;
            match self.line.split_last() {
                Some((b'\n', line)) => {
                    *number += 1;
                    return parse(line, path, *number).map(Some);
                }
                // A torn line.
                Some(_) => return Ok(None),
                None => self.open = None,
            }
        }
    }
}

/// Reads one line.
pub(crate) fn parse(line: &[u8], path: &Path, number: u64) -> Result<Record, ReadError> {
    parse_members(line).map_err(|syntax| ReadError::Malformed {
        file: files::name_of(path),
        line: number,
        byte: syntax.at,
        expected: syntax.expected,
    })
}
