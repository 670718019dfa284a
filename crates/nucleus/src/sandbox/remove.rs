//! Removes a file, a link or a directory.

use portcullis::{Operation, OperationSet};

use super::{Sandbox, Written};
use crate::error::Error;

/// How much goes with a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The entry alone; a directory must be empty.
    #[default]
    Entry,
    /// A directory with all it holds, each entry a request.
    Tree,
}

impl Sandbox {
    /// Removes what is at a path.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for a directory that is not empty unless the whole tree goes.
    pub fn remove(&self, path: &str, depth: Depth) -> Result<Written, Error> {
        let path = self.path(path)?;
        let error = match self.view.changes_to_remove(&path) {
            Ok(changes) if changes.len() > 1 && depth == Depth::Entry => Error::Invalid(format!(
                "`{path}` is not empty\nhelp: remove the whole tree"
            )),
            Ok(changes) => return self.land_each(changes, OperationSet::of(Operation::WriteFiles)),
            Err(error) => error.into(),
        };
        Err(self.fail(
            &self.inline_request(Operation::WriteFiles, &path, b""),
            error,
        ))
    }
}
