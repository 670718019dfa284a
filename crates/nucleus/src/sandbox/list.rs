//! Lists a directory, less what the policy blocks.

use nucleus_audit::Effect;
use portcullis::request::Subject;
use portcullis::{Amount, Exposure, Operation};

use super::Sandbox;
use crate::error::Error;
use crate::monitor::Terms;
use crate::workspace::Entry;

/// The most entries listed at once.
pub const MAX_ENTRIES: usize = 10_000;

/// A directory's entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// In the order of their names' bytes.
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub is_cut: bool,
}

impl Sandbox {
    /// Lists a directory.
    ///
    /// # Errors
    /// A refusal, and [`Error::Workspace`] when it is no directory.
    pub fn list(&self, path: &str) -> Result<Listed, Error> {
        let path = self.path(path)?;
        let subject = Subject::Path(path.clone());
        let request = self.monitor.request(Operation::GlobSearch, subject).build();
        let admitted = self.monitor.admit_on(&request, &Terms::read())?;
        let listed = self.view.list(&path, &self.monitor.envelope());
        let why = listed.as_ref().err().map(ToString::to_string);
        admitted.ticket.finish(
            why.as_deref().map_or(Effect::Done, Effect::Failed),
            Amount::ZERO,
        )?;
        let mut entries = listed?;
        let is_cut = entries.len() > MAX_ENTRIES;
        entries.truncate(MAX_ENTRIES);
        let labels = entries
            .iter()
            .filter_map(|entry| entry.path.rel())
            .fold(Exposure::NONE, |labels, path| {
                labels.join(self.view.carried(path))
            });
        self.monitor
            .expose_buffered(labels, &format!("listed `{path}`"))?;
        Ok(Listed { entries, is_cut })
    }
}
