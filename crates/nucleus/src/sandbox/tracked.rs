//! Names the blocked files that git tracks: a mask hides them in the tree, not in git's objects.

use super::Sandbox;
use crate::workspace::tracked_names;

/// Files that the policy blocks and git tracks all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackedBlocked {
    /// The first of them, in git's order.
    pub first: Vec<String>,
    /// How many there are.
    pub count: usize,
}

/// So many are named.
const MAX_NAMED: usize = 5;

impl Sandbox {
    /// The blocked files of the workspace that the index of its repository tracks.
    ///
    /// **The index speaks, not the history:** what was tracked once and is no more is still in git's objects.
    #[must_use]
    pub fn tracked_blocked(&self) -> TrackedBlocked {
        let envelope = self.monitor.envelope();
        let names = tracked_names(self.view.root(), &envelope);
        let first = names.iter().take(MAX_NAMED);
        TrackedBlocked {
            first: first.map(ToString::to_string).collect(),
            count: names.len(),
        }
    }
}

impl core::fmt::Display for TrackedBlocked {
    /// The names, with how many more there are.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (at, name) in self.first.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}`{name}`")?;
        }
        match self.count.saturating_sub(self.first.len()) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
