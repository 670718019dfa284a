//! The hands of a session of this machine: every call goes through the session's monitor.

mod files;
mod git;
mod run;
mod status;
mod text;
mod web;

use std::sync::Arc;

use nucleus::executor::COMMANDS_NEED_NAMESPACES;
use nucleus::monitor::cut;
use nucleus::ports::Forge;
use nucleus::{Error, Executor, Fetcher, Git, Sandbox};
use portcullis::{Envelope, Operation, OperationSet};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::arguments::Call;
use crate::hands::{Failure, Hands, Progress, Reply};
use crate::tools::tool_specs;

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
            Call::CreatePr(args) => {
                let level = self.envelope().level(Operation::CreatePr);
                git::create_pr(&self.git, self.forge.as_ref(), &args, level)
            }
        }
    }
}

impl SessionHands {
    /// Denies, on record, a call that needs a jail of its own.
    fn deny_without_namespaces(&self, tool: &str) -> Failure {
        let operations = operations_of(tool);
        let monitor = self.sandbox.monitor();
        monitor.deny_unjudged(operations, tool, COMMANDS_NEED_NAMESPACES);
        Failure::Refused {
            text: format!("error: {COMMANDS_NEED_NAMESPACES}"),
            data: json!({
                "code": "state_blocked",
                "operation": operations.iter().next().map_or("unknown", Operation::name),
                "subject": cut(tool),
                "rules": ["without_namespaces"],
                "rule": [COMMANDS_NEED_NAMESPACES],
                "evidence": [],
                "way_out": "use the file tools; the user can start the session with namespaces",
            }),
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
        let tool = call.tool();
        if needs_jail(&call) && self.sandbox.jails().is_without_namespaces() {
            return Err(self.deny_without_namespaces(tool));
        }
        let monitor = self.sandbox.monitor();
        monitor
            .guarded(|| self.act(call, progress, cancel))
            .map_err(|error| match error.is_malformed() {
                true => self.deny_malformed(tool, &error.to_string()),
                false => failure(error),
            })
    }

    fn deny_malformed(&self, tool: &str, why: &str) -> Failure {
        let operations = operations_of(tool);
        let monitor = self.sandbox.monitor();
        monitor.deny_unjudged(operations, tool, why.lines().next().unwrap_or_default());
        malformed(tool, operations, why)
    }

    fn envelope(&self) -> Envelope {
        (*self.sandbox.monitor().envelope()).clone()
    }

    fn without_means(&self) -> OperationSet {
        let mut lacking = OperationSet::EMPTY;
        if !self.fetcher.has_search() {
            lacking = lacking.union(OperationSet::of(Operation::WebSearch));
        }
        if self.sandbox.jails().is_without_namespaces() {
            lacking = JAILED
                .into_iter()
                .fold(lacking, |all, own| all.union(OperationSet::of(own)));
        }
        lacking
    }
}

/// Operations that are done by a jailed program.
const JAILED: [Operation; 4] = [
    Operation::RunBash,
    Operation::GitCommit,
    Operation::GitPush,
    Operation::CreatePr,
];

/// Whether the call is done by a jailed program: a command, or git.
fn needs_jail(call: &Call) -> bool {
    match call {
        Call::Run(_)
        | Call::GitStatus
        | Call::GitDiff(_)
        | Call::GitCommit(_)
        | Call::GitPush(_)
        | Call::CreatePr(_) => true,
        Call::Read(_)
        | Call::Write(_)
        | Call::Edit(_)
        | Call::Glob(_)
        | Call::Grep(_)
        | Call::SessionStatus
        | Call::WebFetch(_)
        | Call::WebSearch(_) => false,
    }
}

/// The operations that a tool of this name needs; none for one that does not exist.
fn operations_of(tool: &str) -> OperationSet {
    let specs = tool_specs().iter();
    let named = specs.filter(|spec| spec.name == tool);
    named.fold(OperationSet::EMPTY, |all, spec| all.union(spec.operations))
}

/// What the client is told of a call that cannot be judged.
fn malformed(tool: &str, operations: OperationSet, why: &str) -> Failure {
    let (rule, way_out) = why
        .split_once("\nhelp: ")
        .unwrap_or((why, "send what the tool's description and schema ask for"));
    let operation = operations.iter().next().map_or("unknown", Operation::name);
    Failure::Refused {
        text: format!("error: {why}"),
        data: json!({
            "code": "malformed",
            "operation": operation,
            "subject": cut(tool),
            "rules": ["malformed"],
            "rule": [rule],
            "evidence": [],
            "way_out": way_out,
        }),
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
