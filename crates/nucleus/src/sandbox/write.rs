//! Gives a file new content, whether or not it exists.

use portcullis::path::RelPath;
use portcullis::request::{Content, Request, Subject};
use portcullis::{Operation, OperationSet};

use super::read::MAX_FILE_BYTES;
use super::{Sandbox, Written};
use crate::error::Error;
use crate::workspace::{Change, HeldContent, WorkspaceError};

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
            Ok(change) => {
                let parents = self.missing_parents(path)?;
                self.land_below(parents, change, OperationSet::of(Operation::WriteFiles))
            }
            Err(error) => Err(self.fail(
                &self.inline_request(Operation::WriteFiles, path, content),
                error.into(),
            )),
        }
    }

    /// The directories that the path needs and that are not there, outermost first.
    fn missing_parents(&self, path: &RelPath) -> Result<Vec<Change>, Error> {
        let mut missing = Vec::new();
        let mut next = path.parent();
        while let Some(dir) = next.filter(|dir| !dir.is_root()) {
            match self.view.metadata(&dir) {
                Err(WorkspaceError::NotFound { .. }) => missing.push(dir.clone()),
                _ => break,
            }
            next = dir.parent();
        }
        let dirs = missing.iter().rev();
        dirs.map(|dir| Ok(self.view.change_to_make_dir(dir)?))
            .collect()
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
