//! Runs commands: judged, in a jail of their own over a fresh overlay, and landed change by change.
//!
//! A jail has no network but the session's proxy, no secret and no way to change the real tree. What a
//! command wrote becomes one request for each change once its jail is dead.

mod bare;
mod command;
mod cost;
mod environment;
mod hidden;
mod jails;
mod landing;
mod network;
mod output;
mod phases;
mod program;
mod pump;
mod run;
mod running;
mod shown;
mod slots;
mod views;

use std::sync::Arc;

use portcullis::command::parse_command;
use portcullis::envelope::Envelope;

use crate::budget::AtomicBudget;
use crate::error::Error;
use crate::sandbox::{Grants, Sandbox};

pub use bare::COMMANDS_NEED_NAMESPACES;
pub use command::{CommandRequest, OutputCaps};
pub use cost::Prices;
pub use hidden::ShownFor;
pub use jails::{JailOptions, Jails};
pub use network::{Listeners, ServedNetwork};
pub use output::{CommandExit, CommandOutput, RefusedChange, Stream};
pub use running::Stop;
pub use slots::{MAX_RUNNING, MAX_WAITING};

pub(crate) use run::PermittedRun;
pub(crate) use slots::Slots;

/// Runs commands of one session. Clones share it.
#[derive(Clone, Debug)]
pub struct Executor {
    sandbox: Sandbox,
    policy: Arc<Envelope>,
    budget: AtomicBudget,
    prices: Prices,
}

impl Executor {
    /// An executor of the sandbox's session, under the policy and the budget too.
    ///
    /// A policy below the session's envelope narrows the session when the first
    /// command runs; one above it changes nothing. Both budgets pay.
    #[must_use]
    pub fn new(policy: &impl Grants, sandbox: &Sandbox, budget: &AtomicBudget) -> Self {
        Self {
            sandbox: sandbox.clone(),
            policy: Arc::new(policy.granted().clone()),
            budget: budget.clone(),
            prices: Prices::default(),
        }
    }

    /// The same executor at other prices.
    #[must_use]
    pub fn with_prices(self, prices: Prices) -> Self {
        Self { prices, ..self }
    }

    /// Runs a command line and returns what it said and changed.
    ///
    /// The line is split as a shell would; one with a shell metacharacter is `sh -c` of the whole line.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use nucleus::{AtomicBudget, Error::ApprovalRequired, Executor, Sandbox, SandboxOptions};
    /// # use nucleus::state::StateDir;
    /// # let state = tempfile::tempdir()?;
    /// # let dir = tempfile::tempdir()?;
    /// # std::fs::write(dir.path().join("secret.txt"), "s3cret")?;
    /// # let text = r#"
    /// # [capabilities]
    /// # read_files = "always"
    /// # run_bash = "always"
    /// # git_push = "always"
    /// # [git]
    /// # remotes = [{ url = "https://example.com/a.git", refs = ["main"] }]
    /// # [budget]
    /// # max_cost_usd = 2.0
    /// # "#;
    /// # let policy = nucleus_spec::parse_policy(&nucleus_spec::Source::new("permissions.toml", text))?;
    /// # let budget = AtomicBudget::new(policy.envelope().maximum());
    /// # let sandbox = Sandbox::open_with(&policy, dir.path(), SandboxOptions::new(StateDir::open(&state.path().join("s"))?))?;
    /// # sandbox.read("secret.txt", Default::default())?;
    /// # sandbox.monitor().expose(nucleus::Exposure::UNTRUSTED, "fetched `example.com`")?;
    /// let executor = Executor::new(&policy, &sandbox, &budget);
    ///
    /// // If trifecta is complete, this requires approval
    /// # let outcome = (|| {
    /// executor.run("git push")?;
    /// # Ok::<(), nucleus::Error>(()) })();
    /// assert!(matches!(outcome, Err(ApprovalRequired { operation: "git_push", .. })));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A refusal, [`Error::Malformed`] for what is no command, and [`Error::Jail`] when the jail cannot be had.
    /// A command that fails is no error: see [`CommandOutput::exit`].
    pub fn run(&self, line: &str) -> Result<CommandOutput, Error> {
        let argv = parse_command(line).map_err(|error| Error::Malformed(error.to_string()))?;
        self.run_command(&CommandRequest::new(argv))
    }

    /// Runs a command.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run_command(&self, command: &CommandRequest) -> Result<CommandOutput, Error> {
        self.run_streaming(command, &Stop::new(), &mut |_, _| {})
    }
}
