//! Gives a file, link or directory another name.

use portcullis::path::RelPath;
use portcullis::request::Subject;
use portcullis::{Operation, OperationSet};

use super::{Sandbox, Written};
use crate::error::Error;
use crate::workspace::Change;

impl Sandbox {
    /// Renames what is at `from` to `to`, where nothing is.
    ///
    /// Each new entry and each removal is a request of its own.
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] when nothing is at `from` or something at `to`.
    pub fn rename(&self, from: &str, to: &str) -> Result<Written, Error> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        match self.view.changes_to_rename(&from, &to) {
            Ok(changes) => {
                self.check_readable(&changes)?;
                let labels = self.view.carried(&from);
                let moved = changes
                    .into_iter()
                    .map(|change| change.carrying(labels))
                    .collect();
                self.land_each(moved, OperationSet::of(Operation::WriteFiles))
            }
            Err(error) => {
                let subject = Subject::Move { from, to };
                let request = self.monitor.request(Operation::WriteFiles, subject).build();
                Err(self.fail(&request, error.into()))
            }
        }
    }

    /// A rename copies bytes, so nothing below the old name may be blocked.
    fn check_readable(&self, changes: &[Change]) -> Result<(), Error> {
        let envelope = self.monitor.envelope();
        let is_blocked = |path: &RelPath| {
            envelope
                .paths()
                .blocked()
                .any(|pattern| pattern.matches_folded(path))
        };
        let Some(path) = changes
            .iter()
            .filter_map(|change| change.path.rel())
            .find(|path| is_blocked(path))
        else {
            return Ok(());
        };
        let subject = Subject::Path(path.clone());
        let request = self.monitor.request(Operation::WriteFiles, subject).build();
        Err(self.fail(
            &request,
            Error::Invalid(format!("`{path}` cannot be renamed")),
        ))
    }
}
