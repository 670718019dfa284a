//! Lands a staged change that the user approves: the whole step runs again for it.

use portcullis::OperationSet;

use super::land::Kept;
use super::{LandedChange, Sandbox};
use crate::error::Error;
use crate::workspace::Change;

impl Sandbox {
    /// Takes up the staged change of a path, judges it again and lands it. Host only: an agent must not reach it.
    ///
    /// What still needs an approval is asked of the session's approver, and
    /// stays staged without one; so does a change whose file was changed
    /// meanwhile.
    ///
    /// # Errors
    /// A refusal, an error when nothing is staged there, and [`Error::Invalid`]
    /// when what is staged is not what was shown: the user said yes to that alone.
    pub fn apply(&self, shown: &Change) -> Result<LandedChange, Error> {
        let change = self.view.take_up(&shown.path)?;
        if change.digest() != shown.digest() {
            return Err(Error::Invalid(
                "the change is no longer the one that was shown\nhelp: look again with `nucleus diff`"
                    .to_owned(),
            ));
        }
        self.land_one(change, OperationSet::EMPTY, Kept::IfAsked)
    }
}
