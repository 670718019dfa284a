//! Makes a directory.

use portcullis::{Operation, OperationSet};

use super::{Sandbox, Written};
use crate::error::Error;

impl Sandbox {
    /// Makes a directory in one that exists.
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] when something is there or nothing above it.
    pub fn make_dir(&self, path: &str) -> Result<Written, Error> {
        let path = self.path(path)?;
        match self.view.change_to_make_dir(&path) {
            Ok(change) => self.land(change, OperationSet::of(Operation::WriteFiles)),
            Err(error) => Err(self.fail(
                &self.inline_request(Operation::WriteFiles, &path, b""),
                error.into(),
            )),
        }
    }
}
