//! The hands of a session of this machine: every call goes through the session's monitor.

mod files;
mod git;
mod run;
mod status;
mod text;
mod web;

use std::sync::Arc;

use nucleus::ports::Forge;
use nucleus::{Error, Executor, Fetcher, Git, Sandbox};
use portcullis::{Envelope, Operation, OperationSet};
use tokio_util::sync::CancellationToken;

use crate::arguments::Call;
use crate::hands::{Failure, Hands, Progress, Reply};

/// The file tools, commands, git and web of one session.
#[derive(Debug)]
pub struct SessionHands {
    sandbox: Sandbox,
    executor: Executor,
    git: Git,
    fetcher: Fetcher,
    forge: Option<Arc<dyn Forge>>,
}

impl SessionHands {
    /// The hands of this session.
    #[must_use]
    pub fn new(executor: Executor, git: Git, fetcher: Fetcher) -> Self {
        Self {
            sandbox: executor.sandbox().clone(),
            executor,
            git,
            fetcher,
            forge: None,
        }
    }

    /// The same hands with a forge for pull requests.
    #[must_use]
    pub fn with_forge(self, forge: Option<Arc<dyn Forge>>) -> Self {
        Self { forge, ..self }
    }

    /// Runs the call; a panic in it locks the session down and is recorded.
    fn act(
        &self,
        call: Call,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Reply, Error> {
        match call {
            Call::Read(args) => files::read(&self.sandbox, &args),
            Call::Write(args) => files::write(&self.sandbox, &args),
            Call::Edit(args) => files::edit(&self.sandbox, &args),
            Call::Glob(args) => files::glob(&self.sandbox, &args),
            Call::Grep(args) => files::grep(&self.sandbox, &args),
            Call::Run(args) => run::run(&self.executor, args, progress, cancel),
            Call::SessionStatus => status::status(&self.sandbox),
            Call::WebFetch(args) => web::fetch(&self.fetcher, &args),
            Call::WebSearch(args) => web::search(&self.fetcher, &args),
            Call::GitStatus => git::status(&self.git),
            Call::GitDiff(args) => git::diff(&self.git, &args),
            Call::GitCommit(args) => git::commit(&self.git, &args),
            Call::GitPush(args) => {
                git::push(&self.git, &args, self.envelope().level(Operation::GitPush))
            }
            Call::CreatePr(args) => git::create_pr(&self.git, self.forge.as_ref(), &args),
        }
    }
}

impl Hands for SessionHands {
    fn call(
        &self,
        call: Call,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Reply, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        let monitor = self.sandbox.monitor();
        monitor
            .guarded(|| self.act(call, progress, cancel))
            .map_err(failure)
    }

    fn envelope(&self) -> Envelope {
        (*self.sandbox.monitor().envelope()).clone()
    }

    fn without_means(&self) -> OperationSet {
        if self.fetcher.has_search() {
            OperationSet::EMPTY
        } else {
            OperationSet::of(Operation::WebSearch)
        }
    }
}

/// What the client is told of an error.
fn failure(error: Error) -> Failure {
    match error.refused() {
        Some(refused) => Failure::Refused {
            text: format!("error: {refused}"),
            data: refused.to_json(),
        },
        None => Failure::Failed(error.to_string()),
    }
}
