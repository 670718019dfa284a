//! Reads a text file, or a part of it.

use std::io::Read as _;

use nucleus_audit::{Effect, Recorded};
use portcullis::decide::Permit;
use portcullis::path::RelPath;
use portcullis::request::{Request, Subject};
use portcullis::{Amount, Operation};

use super::Sandbox;
use crate::error::Error;
use crate::monitor::Terms;
use crate::workspace::{OpenedFile, WorkspaceError, WorkspaceView};

/// The longest file that is read: what an agent can use, and no more memory than that.
pub const MAX_FILE_BYTES: u64 = 16 << 20;
/// The most text handed out at once: about a quarter of a million tokens.
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// The most lines handed out when no number is asked for.
pub const DEFAULT_LINES: usize = 2000;
/// How far a file is searched for a NUL that makes it binary: as git does.
const BINARY_PREFIX_BYTES: usize = 8000;

/// Which lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// The first line, counted from 1.
    pub first: usize,
    /// The most lines.
    pub count: usize,
}

impl Default for LineRange {
    /// The first [`DEFAULT_LINES`] lines.
    fn default() -> Self {
        Self {
            first: 1,
            count: DEFAULT_LINES,
        }
    }
}

/// A part of a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadText {
    /// The text, lines with their ends.
    pub text: String,
    /// The first line handed out, counted from 1.
    pub first_line: usize,
    /// The lines handed out.
    pub lines: usize,
    /// The lines of the whole file.
    pub total_lines: usize,
    /// The bytes of the whole file.
    pub total_bytes: u64,
    /// Whether anything after the part was left out.
    pub is_cut: bool,
}

impl Sandbox {
    /// Reads lines of a text file.
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] or [`Error::Invalid`] for what is not a readable text file.
    pub fn read(&self, path: &str, range: LineRange) -> Result<ReadText, Error> {
        let bytes = self.read_bytes(path)?;
        text_of(path, bytes, range)
    }

    /// Reads a whole file of at most [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] for what is not a regular file or too large.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, Error> {
        let path = self.path(path)?;
        let request = self.read_request(&path);
        let admitted = self.monitor.admit_on(&request, &Terms::read())?;
        let read = read_effect(admitted.permit, &request, &*self.view, &path);
        let why = read.as_ref().err().map(ToString::to_string);
        let effect = why.as_deref().map_or(Effect::Done, Effect::Failed);
        admitted.ticket.finish(effect, Amount::ZERO)?;
        Ok(read?)
    }

    fn read_request(&self, path: &RelPath) -> Request {
        let subject = Subject::Path(path.clone());
        let labels = self.view.carried(path);
        self.monitor
            .request(Operation::ReadFiles, subject)
            .carrying(labels)
            .build()
    }
}

/// Reads the file that the permit is for.
pub(crate) fn read_effect(
    permit: Recorded<Permit>,
    request: &Request,
    view: &dyn WorkspaceView,
    path: &RelPath,
) -> Result<Vec<u8>, WorkspaceError> {
    if !permit.get().covers(request) || *request.subject() != Subject::Path(path.clone()) {
        return Err(WorkspaceError::NotCovered(path.to_string()));
    }
    read_up_to(view.open_read(path)?, path, MAX_FILE_BYTES)
}

/// The content of an opened file, which may have grown since it was opened.
pub(crate) fn read_up_to(
    opened: OpenedFile,
    path: &RelPath,
    most_bytes: u64,
) -> Result<Vec<u8>, WorkspaceError> {
    let too_large = || WorkspaceError::TooLarge {
        what: format!("`{path}`"),
        bound: format!("{most_bytes} bytes"),
    };
    if opened.metadata.len_bytes > most_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(opened.metadata.len_bytes).unwrap_or(0));
    opened
        .file
        .take(most_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(WorkspaceError::io("read", path))?;
    if bytes.len() as u64 > most_bytes {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Whether the content is not text: it has a NUL near its start, as git judges.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(BINARY_PREFIX_BYTES)].contains(&0)
}

fn text_of(path: &str, bytes: Vec<u8>, range: LineRange) -> Result<ReadText, Error> {
    let total_bytes = bytes.len() as u64;
    let not_text = |why: &str| Error::Invalid(format!("`{}` {why}", crate::monitor::cut(path)));
    if is_binary(&bytes) {
        return Err(not_text(&format!(
            "is binary ({total_bytes} bytes), not text"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| not_text("is not UTF-8 text"))?;
    let total_lines = text.split_inclusive('\n').count();
    if range.first == 0 {
        return Err(Error::Invalid("lines are counted from 1".to_owned()));
    }
    if range.first > total_lines.max(1) {
        let text = format!("has {total_lines} lines, fewer than line {}", range.first);
        return Err(not_text(&text));
    }
    let rest: Vec<&str> = text
        .split_inclusive('\n')
        .skip(range.first - 1)
        .take(range.count)
        .collect();
    let (part, lines) = lines_within(&rest);
    let is_whole = range.first - 1 + lines == total_lines
        && part.len() == rest.iter().map(|line| line.len()).sum::<usize>();
    let first_line = range.first;
    Ok(ReadText {
        text: part,
        first_line,
        lines,
        total_lines,
        total_bytes,
        is_cut: !is_whole,
    })
}

/// As many whole lines as may be handed out, or the start of the first.
fn lines_within(lines: &[&str]) -> (String, usize) {
    let mut part = String::new();
    for (count, line) in lines.iter().enumerate() {
        if part.len() + line.len() <= MAX_TEXT_BYTES {
            part.push_str(line);
        } else if count == 0 {
            return (line_start(line).to_owned(), 1);
        } else {
            return (part, count);
        }
    }
    (part, lines.len())
}

/// The start of a line longer than may be handed out.
fn line_start(line: &str) -> &str {
    &line[..line.floor_char_boundary(MAX_TEXT_BYTES)]
}
