//! Makes a file that does not exist.

use portcullis::{Operation, OperationSet};

use super::write::check_size;
use super::{Sandbox, Written};
use crate::error::Error;
use crate::workspace::{Before, HeldContent};

impl Sandbox {
    /// Creates a file with this content.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when something is there already.
    pub fn create(&self, path: &str, content: &[u8]) -> Result<Written, Error> {
        let path = self.path(path)?;
        check_size(content)?;
        let held = HeldContent::from_bytes(content);
        let error = match self.view.change_to_write(&path, held, None) {
            Ok(change) if change.before == Before::Absent => {
                return self.land(change, OperationSet::of(Operation::WriteFiles));
            }
            Ok(_) => Error::Invalid(format!("`{path}` exists already")),
            Err(error) => error.into(),
        };
        Err(self.fail(
            &self.inline_request(Operation::WriteFiles, &path, content),
            error,
        ))
    }
}
