//! Replaces text in a file where it matches exactly.

use memchr::memmem;
use portcullis::path::RelPath;
use portcullis::request::{Content, Subject};
use portcullis::{Operation, OperationSet};

use super::read::{MAX_FILE_BYTES, is_binary, read_up_to};
use super::write::check_size;
use super::{Sandbox, Written};
use crate::error::Error;
use crate::workspace::HeldContent;

/// The most matches counted before an error says "or more".
const MAX_COUNTED: usize = 1000;

/// Which matches are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occurrences {
    /// The only one; several are an error.
    #[default]
    One,
    /// All of them.
    All,
}

/// What is replaced by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditPair<'a> {
    /// The text to find, exactly, line ends and blanks included.
    pub old: &'a str,
    /// The text to put in its place.
    pub new: &'a str,
}

impl Sandbox {
    /// Replaces the one match of `old`, or all of them.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when nothing or too much matches, or nothing would change.
    pub fn edit(
        &self,
        path: &str,
        pair: EditPair<'_>,
        occurrences: Occurrences,
    ) -> Result<Written, Error> {
        let path = self.path(path)?;
        match self.edited(&path, pair, occurrences) {
            Ok(change) => self.land(change, OperationSet::of(Operation::EditFiles)),
            Err(error) => Err(self.fail_edit(&path, pair, error)),
        }
    }

    fn edited(
        &self,
        path: &RelPath,
        pair: EditPair<'_>,
        occurrences: Occurrences,
    ) -> Result<crate::workspace::Change, Error> {
        let old = read_up_to(self.view.open_read(path)?, path, MAX_FILE_BYTES)?;
        let new = replaced(path, &old, pair, occurrences)?;
        check_size(&new)?;
        Ok(self
            .view
            .change_to_write(path, HeldContent::from_bytes(new), None)?)
    }

    /// An error tells whether the file holds the text, so it brings the file's labels.
    fn fail_edit(&self, path: &RelPath, pair: EditPair<'_>, error: Error) -> Error {
        let asked = [pair.old.as_bytes(), &[0], pair.new.as_bytes()].concat();
        let request = self
            .monitor
            .request(Operation::EditFiles, Subject::Path(path.clone()))
            .content(Content::Inline(asked.into()))
            .carrying(self.labels_of(path))
            .build();
        self.fail(&request, error)
    }
}

/// The content with the matches replaced.
fn replaced(
    path: &RelPath,
    content: &[u8],
    pair: EditPair<'_>,
    occurrences: Occurrences,
) -> Result<Vec<u8>, Error> {
    let invalid = |text: String| Err(Error::Invalid(text));
    if pair.old.is_empty() {
        return invalid("the text to replace is empty".to_owned());
    }
    if pair.old == pair.new {
        return invalid("the new text is the old text: nothing would change".to_owned());
    }
    if is_binary(content) {
        return invalid(format!("`{path}` is binary, not text"));
    }
    let found = memmem::find_iter(content, pair.old)
        .take(MAX_COUNTED)
        .collect::<Vec<_>>();
    match (found.len(), occurrences) {
        (0, _) => invalid(none_found(path, content, pair.old)),
        (1, _) | (_, Occurrences::All) => Ok(replace_all(content, pair)),
        (MAX_COUNTED, Occurrences::One) => invalid(several_found(path, "1000 or more", &[])),
        (count, Occurrences::One) => invalid(several_found(
            path,
            &count.to_string(),
            &lines_at(content, &found),
        )),
    }
}

fn replace_all(content: &[u8], pair: EditPair<'_>) -> Vec<u8> {
    let mut new = Vec::with_capacity(content.len());
    let mut rest = 0;
    for at in memmem::find_iter(content, pair.old) {
        new.extend_from_slice(&content[rest..at]);
        new.extend_from_slice(pair.new.as_bytes());
        rest = at + pair.old.len();
    }
    new.extend_from_slice(&content[rest..]);
    new
}

/// Says what to look at when nothing matched.
fn none_found(path: &RelPath, content: &[u8], old: &str) -> String {
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_close = squeeze(&String::from_utf8_lossy(content)).contains(&squeeze(old));
    let hint = if is_close {
        "it matches but for blanks or line ends: copy them exactly"
    } else {
        "read the file again and copy the text exactly"
    };
    format!("the text to replace is not in `{path}`\nhelp: {hint}")
}

fn several_found(path: &RelPath, count: &str, lines: &[usize]) -> String {
    let at = if lines.is_empty() {
        String::new()
    } else {
        let shown: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
        format!(
            " (lines {}{})",
            shown.join(", "),
            if lines.len() > 10 { ", …" } else { "" }
        )
    };
    format!(
        "the text to replace is {count} times in `{path}`{at}\nhelp: add surrounding lines until \
         it matches once, or replace all"
    )
}

/// The lines of these offsets, counted from 1.
fn lines_at(content: &[u8], offsets: &[usize]) -> Vec<usize> {
    let line = |at: &usize| content[..*at].iter().filter(|byte| **byte == b'\n').count() + 1;
    offsets.iter().map(line).collect()
}
