//! What holds where no jail can be built: the policy and the host's own file tools, asked in this process.

use std::sync::Arc;

use nucleus::executor::Executor;
use nucleus::state::StateDir;
use nucleus::{Fetcher, Git, Monitor, Sandbox, SandboxOptions};
use nucleus_egress::DirectFetch;
use nucleus_tool_proxy::{Call, Failure as Refusal, Hands as _, Progress, SessionHands};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::agent::{filled, stopped_by};
use super::attempts::{ATTEMPTS, Attempt, By, Told};
use super::client::Answer;
use super::scene::Scene;
use super::show;
use super::traps::Traps;
use crate::report::Failure;

/// Nobody watches.
struct Unwatched;

impl Progress for Unwatched {
    fn output(&self, _total_bytes: u64, _tail: &str) {}
}

/// Makes the attempts that go through the host's own tools alone, and marks the rest. What the tools told.
pub(super) fn attempted(scene: &Scene, traps: &Traps) -> Result<Vec<Told>, Failure> {
    let (monitor, hands) = hands(scene)?;
    let words = traps.told(scene);
    // The poisoned file, as for the agent in a jail.
    ask(&hands, "read", r#"{"path":"docs/NOTES.md"}"#)?;
    let mut told = Vec::new();
    for attempt in &ATTEMPTS {
        let Some((tool, arguments)) = of_host_tools(attempt) else {
            show::not_protected(attempt);
            continue;
        };
        let answer = ask(&hands, tool, &filled(arguments, &words))?;
        let step = Told::of_attempt(attempt, stopped_by(&answer), answer);
        show::step(&step, scene.canary());
        told.push(step);
    }
    monitor
        .end("the demo is over")
        .map_err(Failure::not_started)?;
    Ok(told)
}

/// The tool and its arguments, where the attempt needs neither a jail nor what one before it did in a jail.
fn of_host_tools(attempt: &Attempt) -> Option<(&'static str, &'static str)> {
    match attempt.by {
        By::Tool(tool, arguments) if attempt.id != "files-6" => Some((tool, arguments)),
        _ => None,
    }
}

/// The tools of a session over the scene that has no jail; its log says so.
fn hands(scene: &Scene) -> Result<(Arc<Monitor>, SessionHands), Failure> {
    let profile = nucleus_spec::profile("fix-issue")
        .ok_or_else(|| Failure::not_started("no profile is shipped"))?;
    let policy = nucleus_spec::parse_policy(&profile.source()).map_err(Failure::not_started)?;
    let state = StateDir::open(&scene.state().join("nucleus")).map_err(Failure::not_started)?;
    let options = SandboxOptions::new(state.clone());
    let sandbox =
        Sandbox::open_with(&policy, &scene.workspace(), options).map_err(Failure::not_started)?;
    let shared = state
        .make_workspace(&scene.workspace())
        .map_err(Failure::not_started)?;
    let monitor = Arc::clone(sandbox.monitor());
    let executor = Executor::new(&policy, &sandbox, monitor.budget());
    let git = Git::new(&executor, &shared);
    let fetcher = Fetcher::new(Arc::clone(&monitor), Arc::new(DirectFetch::new()?));
    Ok((monitor, SessionHands::new(executor, git, fetcher)))
}

fn ask(hands: &SessionHands, tool: &str, arguments: &str) -> Result<Answer, Failure> {
    let arguments = serde_json::from_str(arguments)
        .map_err(|error| Failure::new(crate::report::FAILED, error))?;
    let answer = match Call::parse(tool, Some(arguments)) {
        Ok(call) => hands.call(call, &Unwatched, &CancellationToken::new()),
        Err(why) => Err(hands.deny_malformed(tool, &why)),
    };
    let refused = |text: String, data: Value| Answer {
        text,
        data,
        is_error: true,
    };
    Ok(match answer {
        Ok(reply) => Answer {
            text: reply.text,
            data: reply.data,
            is_error: reply.is_error,
        },
        Err(Refusal::Refused { text, data }) => refused(text, data),
        Err(Refusal::Failed(text)) => refused(text, Value::Null),
        Err(Refusal::Cancelled) => refused("cancelled".to_owned(), Value::Null),
    })
}
