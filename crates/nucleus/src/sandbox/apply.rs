//! Lands a staged change that the user approves: the whole step runs again for it.

use portcullis::OperationSet;

use super::land::Kept;
use super::{LandedChange, Sandbox};
use crate::error::Error;
use crate::workspace::EntryPath;

impl Sandbox {
    /// Takes up the staged change of a path, judges it again and lands it. Host only: an agent must not reach it.
    ///
    /// What still needs an approval is asked of the session's approver, and
    /// stays staged without one; so does a change whose file was changed
    /// meanwhile.
    ///
    /// # Errors
    /// A refusal, and an error when nothing is staged there.
    pub fn apply(&self, path: &EntryPath) -> Result<LandedChange, Error> {
        let change = self.view.take_up(path)?;
        self.land_one(change, OperationSet::EMPTY, Kept::IfAsked)
    }
}
