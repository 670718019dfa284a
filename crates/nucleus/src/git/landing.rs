//! Lands what git changed in its own directory, and nothing else.

use portcullis::path::RelPath;

use super::Git;
use crate::error::Error;
use crate::executor::{CommandOutput, RefusedChange};
use crate::workspace::{Change, CommandOutcome};

impl Git {
    /// Lands changes below the repository's `.git`, each as a request; others are named and dropped.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything of it did not land: the repository would not be whole.
    pub(super) fn land_repository(
        &self,
        repository: &RelPath,
        outcome: CommandOutcome,
        output: &mut CommandOutput,
    ) -> Result<(), Error> {
        let own = repository.join(".git")?;
        let (own_changes, others): (Vec<Change>, Vec<Change>) = outcome
            .changes
            .into_iter()
            .partition(|change| change.path.rel().is_some_and(|path| path.starts_with(&own)));
        let kept = CommandOutcome {
            changes: objects_first(own_changes),
            refused: outcome.refused,
        };
        self.executor.sandbox().land_outcome(kept, output)?;
        output
            .refused
            .extend(others.iter().map(|change| RefusedChange {
                path: change.path.to_string(),
                why: "git changes only its own directory here".to_owned(),
            }));
        let kept_back = output.staged.iter().map(|change| change.path.clone());
        let first = kept_back
            .chain(output.refused.iter().map(|change| change.path.clone()))
            .next();
        match first {
            None => Ok(()),
            Some(path) => Err(Error::Invalid(format!(
                "git wanted to change `{path}`, which did not land\nhelp: `nucleus diff` shows what waits"
            ))),
        }
    }
}

/// Objects land before what names them, so that a crash leaves a whole repository.
fn objects_first(mut changes: Vec<Change>) -> Vec<Change> {
    let rank = |change: &Change| {
        let path = change.path.to_string();
        let inside = path.rsplit_once(".git/").map_or("", |(_, rest)| rest);
        match inside {
            rest if rest.starts_with("objects") => 0,
            rest if rest.starts_with("refs") || rest == "HEAD" || rest == "packed-refs" => 2,
            _ => 1,
        }
    };
    changes.sort_by_key(rank);
    changes
}
