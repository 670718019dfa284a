//! Puts files into the index.

use nucleus_audit::Effect;
use portcullis::path::RelPath;
use portcullis::request::{Content, Subject};
use portcullis::{Amount, Operation};

use super::Git;
use super::jail::GitRun;
use crate::error::Error;
use crate::executor::CommandOutput;
use crate::monitor::{Need, Terms};

impl Git {
    /// Adds files, given from the repository, to its index; judged as a write of the index.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when git fails or what it wrote did not land.
    pub fn add(&self, repository: &RelPath, paths: &[RelPath]) -> Result<(), Error> {
        if paths.is_empty() {
            return Err(Error::Invalid("name the files to add".to_owned()));
        }
        let run = GitRun::git(repository, &["add", "--all"]).paths(paths);
        let monitor = self.executor.sandbox().monitor();
        let request = monitor
            .request(
                Operation::WriteFiles,
                Subject::Path(repository.join(".git/index")?),
            )
            .content(Content::Inline(run.argv.join("\0").into_bytes().into()))
            .build();
        let terms = Terms {
            need: Need::Durable,
            ..Terms::default()
        };
        let admitted = monitor.admit_on(&request, &terms)?;
        let landed = self
            .run_permitted(admitted.permit, &request, &run)
            .and_then(|done| {
                self.land_repository(repository, done.outcome, &mut CommandOutput::silent())
            });
        let why = landed.as_ref().err().map(ToString::to_string);
        admitted.ticket.finish(
            why.as_deref().map_or(Effect::Done, Effect::Failed),
            Amount::ZERO,
        )?;
        landed
    }
}
