//! Gives a file new content, whether or not it exists.

use portcullis::path::RelPath;
use portcullis::request::{Content, Request, Subject};
use portcullis::{Operation, OperationSet};

use super::read::MAX_FILE_BYTES;
use super::{Sandbox, Written};
use crate::error::Error;
use crate::workspace::HeldContent;

impl Sandbox {
    /// Writes a file: `write_files`, and `edit_files` too for one that exists.
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] when the path holds anything but a file.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<Written, Error> {
        let path = self.path(path)?;
        check_size(content)?;
        self.write_at(&path, content)
    }

    pub(super) fn write_at(&self, path: &RelPath, content: &[u8]) -> Result<Written, Error> {
        match self
            .view
            .change_to_write(path, HeldContent::from_bytes(content), None)
        {
            Ok(change) => self.land(change, OperationSet::of(Operation::WriteFiles)),
            Err(error) => Err(self.fail(
                &self.inline_request(Operation::WriteFiles, path, content),
                error.into(),
            )),
        }
    }

    /// The request of a change that could not be made, for its refusal.
    pub(super) fn inline_request(
        &self,
        operation: Operation,
        path: &RelPath,
        content: &[u8],
    ) -> Request {
        self.monitor
            .request(operation, Subject::Path(path.clone()))
            .content(Content::Inline(content.into()))
            .build()
    }
}

/// Checks that content is not larger than what can be read again.
pub(super) fn check_size(content: &[u8]) -> Result<(), Error> {
    if content.len() as u64 > MAX_FILE_BYTES {
        return Err(Error::Invalid(format!(
            "content is larger than {MAX_FILE_BYTES} bytes"
        )));
    }
    Ok(())
}
