//! One command from request to outcome.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nucleus_audit::{Effect, Recorded};
use nucleus_jail::JailSpec;
use portcullis::decide::Permit;
use portcullis::envelope::Envelope;
use portcullis::request::{CommandSubject, Request, Subject};
use portcullis::{Amount, ContentDigest, Operation};

use super::command::CommandRequest;
use super::output::{CommandExit, CommandOutput, Stream};
use super::pump::{self, Said};
use super::running::{Running, Stop, Watch};
use super::slots::{MAX_RUNNING, MAX_WAITING, NoSlot, Slot};
use super::views::program_dirs;
use super::{Executor, environment};
use crate::error::Error;
use crate::monitor::{LifeHook, Need, Terms};
use crate::ports::FaultStep;
use crate::sandbox::Sandbox;
use crate::workspace::{Command, CommandLayers, CommandOutcome, WorkspaceError};

/// What a command runs with, beside itself.
struct Prepared {
    envelope: Arc<Envelope>,
    environment: Vec<(String, String)>,
    limit: Duration,
    network: Reaches,
}

/// Whether a command has the session's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reaches {
    /// Its dials are requests of the session.
    Proxy,
    /// Its own loopback alone: git on the session's behalf.
    Nothing,
}

/// A command on behalf of a request that was judged, such as git's for a commit.
pub(crate) struct PermittedRun<'a> {
    pub(crate) permit: Recorded<Permit>,
    pub(crate) request: &'a Request,
    pub(crate) command: &'a CommandRequest,
}

/// A command whose jail is dead.
struct Ended {
    exit: CommandExit,
    said: Said,
    duration: Duration,
    command: Command,
}

impl Executor {
    /// Runs a command, telling of its output as it comes; `stop` kills it from another thread.
    ///
    /// # Errors
    /// As [`Executor::run`].
    pub fn run_streaming(
        &self,
        command: &CommandRequest,
        stop: &Stop,
        on_output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<CommandOutput, Error> {
        check(command)?;
        let turn = self.turn(stop)?;
        self.sandbox.monitor().stay_below(&self.policy)?;
        let prepared = self.prepared(command, Reaches::Proxy)?;
        let request = self.request(command, &prepared);
        let cost = self.prices.cost(prepared.limit, command.caps.bytes);
        let terms = Terms {
            cost,
            need: Need::Durable,
            also: Some(&self.budget),
            ..Terms::default()
        };
        let admitted = self.sandbox.monitor().admit_on(&request, &terms)?;
        let run = PermittedRun {
            permit: admitted.permit,
            request: &request,
            command,
        };
        let ended = match turn {
            Some(turn) => self.effect(run, &prepared, (turn, stop), on_output),
            // The session was paused while the command waited, and goes on by now.
            None => Err(Error::Invalid(
                "the session was paused before the command had its turn".to_owned(),
            )),
        };
        match ended {
            Ok(ended) => {
                let used = self
                    .prices
                    .cost(ended.duration, ended.said.kept_bytes())
                    .meet(cost);
                let why = ended.exit.sentence();
                let effect = match ended.exit {
                    CommandExit::Code(_) => Effect::Done,
                    _ => Effect::Failed(&why),
                };
                admitted.ticket.finish(effect, used)?;
                let (mut output, command) = ended.output(used);
                let outcome = self.sandbox.view().end_command(command)?;
                self.land_outcome(outcome, &mut output)?;
                Ok(output)
            }
            Err(error) => {
                let used = self.prices.cost(Duration::ZERO, 0).meet(cost);
                admitted
                    .ticket
                    .finish(Effect::Failed(&error.to_string()), used)?;
                Err(error)
            }
        }
    }

    /// Runs a command for a request that was judged; what it changed comes back and has not landed.
    pub(crate) fn run_permitted(
        &self,
        run: PermittedRun<'_>,
        stop: &Stop,
    ) -> Result<(CommandOutput, CommandOutcome), Error> {
        let prepared = self.prepared(run.command, Reaches::Nothing)?;
        let turn = self.turn(stop)?.ok_or_else(|| {
            Error::Invalid("the session was paused before the command had its turn".to_owned())
        })?;
        let ended = self.effect(run, &prepared, (turn, stop), &mut |_, _| {})?;
        let (output, command) = ended.output(Amount::ZERO);
        Ok((output, self.sandbox.view().landed().end_command(command)?))
    }

    /// Waits until the command may start beside the others of its session; `None` when the session runs nothing now.
    fn turn(&self, stop: &Stop) -> Result<Option<Slot>, Error> {
        let monitor = self.sandbox.monitor();
        let goes_on = || monitor.is_active() && !stop.is_stopped();
        match self.sandbox.turns().take(&goes_on) {
            Ok(turn) => Ok(Some(turn)),
            Err(NoSlot::TooMany) => Err(Error::Invalid(format!(
                "{MAX_RUNNING} commands run and {MAX_WAITING} wait already\nhelp: wait until one of them has ended"
            ))),
            Err(NoSlot::GivenUp) if stop.is_stopped() => Err(Error::Invalid(
                "the call was cancelled while it waited for other commands to end".to_owned(),
            )),
            Err(NoSlot::GivenUp) => Ok(None),
        }
    }

    /// The session whose commands these are.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    fn prepared(&self, command: &CommandRequest, network: Reaches) -> Result<Prepared, Error> {
        check(command)?;
        let (monitor, jails) = (self.sandbox.monitor(), self.sandbox.jails());
        let envelope = monitor.envelope();
        let dirs = program_dirs(&jails.declared(&envelope));
        let host = &jails.options().host_environment;
        let outfit = jails
            .network()
            .filter(|_| network == Reaches::Proxy)
            .map(|network| network.outfit().environment)
            .unwrap_or_default();
        let own: Vec<_> = outfit
            .into_iter()
            .chain(command.environment.clone())
            .collect();
        let environment = environment::environment(&envelope, host, &dirs, &own)?;
        let window = Duration::from_millis(monitor.window_left_ms());
        let limit = command.limit.min(CommandRequest::MAX_LIMIT).min(window);
        Ok(Prepared {
            envelope,
            environment,
            limit,
            network,
        })
    }

    /// The request of a command, with everything that decides what it does.
    fn request(&self, command: &CommandRequest, prepared: &Prepared) -> Request {
        let (monitor, view) = (self.sandbox.monitor(), self.sandbox.view());
        let variables = &prepared.environment;
        let path = variables
            .iter()
            .find(|(name, _)| name == "PATH")
            .map_or("", |(_, value)| value);
        let programs = &self.sandbox.jails().programs;
        let executable = programs.digest(command.argv.program(), &command.cwd, path, &**view);
        let subject = CommandSubject {
            argv: command.argv.clone(),
            cwd: command.cwd.clone(),
            environment: variables.clone(),
            stdin: (!command.stdin.is_empty()).then(|| ContentDigest::of(&command.stdin)),
            executable,
        };
        let builder = monitor.request(Operation::RunBash, Subject::Command(subject));
        builder.carrying(view.carried_by_view()).build()
    }

    /// Runs the command that the permit is for; its turn ends with its jail.
    fn effect(
        &self,
        run: PermittedRun<'_>,
        prepared: &Prepared,
        (turn, stop): (Slot, &Stop),
        on_output: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Ended, Error> {
        let PermittedRun {
            permit,
            request,
            command,
        } = run;
        if !permit.get().covers(request) {
            return Err(WorkspaceError::NotCovered("the command".to_owned()).into());
        }
        let monitor = self.sandbox.monitor();
        let view = match prepared.network {
            Reaches::Proxy => Arc::clone(self.sandbox.view()),
            // Git on the session's behalf obeys only what has landed.
            Reaches::Nothing => self.sandbox.view().landed(),
        };
        let layers = view.begin_command(&prepared.envelope)?;
        let (pipes, stdio) = pump::pipes(&command.stdin)?;
        let mut spec = self.spec(prepared, command, &layers)?;
        spec.stdio = stdio;
        let started = Instant::now();
        let mut jail = self.sandbox.jails().launcher()?.spawn(spec)?;
        let served = match prepared.network {
            Reaches::Proxy => {
                let program = command.argv.program();
                self.sandbox.jails().serve(&mut jail, program)?.1
            }
            Reaches::Nothing => None,
        };
        let running = Running::new(jail);
        let hook: Arc<dyn LifeHook> = running.clone();
        monitor.watch(&hook);
        monitor.fault(FaultStep::CommandStarted);
        let stopped = running.clone();
        layers.on_stop(move |_| stopped.kill_as(CommandExit::SessionStopped));
        let chunks = pump::start(pipes, &command.stdin);
        let watch = Watch {
            until: started + prepared.limit,
            caps: command.caps,
            stop,
        };
        let (exit, said) = watch.over(&running, &chunks, on_output)?;
        drop(served);
        monitor.fault(FaultStep::CommandEnded);
        let upper = upper(&running)?;
        drop(turn);
        Ok(Ended {
            exit,
            said,
            duration: started.elapsed(),
            command: Command { layers, upper },
        })
    }

    fn spec(
        &self,
        prepared: &Prepared,
        command: &CommandRequest,
        layers: &CommandLayers,
    ) -> Result<JailSpec, Error> {
        let mut spec = self
            .sandbox
            .jails()
            .spec(&prepared.envelope, command.argv.words())?;
        spec.env = prepared
            .environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let overlay = layers.overlay();
        spec.cwd = overlay.inside.join(command.cwd.as_str());
        spec.workspace = Some(overlay);
        if prepared.network == Reaches::Proxy {
            self.sandbox.jails().connect(&mut spec);
        }
        Ok(spec)
    }
}

impl Ended {
    /// What the command said, and what is left of its jail; nothing has landed.
    fn output(self, cost: Amount) -> (CommandOutput, Command) {
        let output = CommandOutput {
            exit: self.exit,
            stdout: self.said.stdout,
            stderr: self.said.stderr,
            said_bytes: self.said.total_bytes,
            is_cut: self.said.is_cut,
            duration: self.duration,
            cost,
            ..CommandOutput::silent()
        };
        (output, self.command)
    }
}

fn check(command: &CommandRequest) -> Result<(), Error> {
    if command.stdin.len() > CommandRequest::MAX_STDIN_BYTES {
        return Err(Error::Invalid(
            "standard input is larger than 16 MiB".to_owned(),
        ));
    }
    if command.limit.is_zero() {
        return Err(Error::Invalid("the time limit is zero".to_owned()));
    }
    Ok(())
}

/// The layer of changes of a dead jail.
fn upper(running: &Running) -> Result<OwnedFd, Error> {
    let fd = running
        .jail
        .upper()
        .ok_or_else(|| Error::Invalid("the jail had no workspace".to_owned()))?;
    fd.try_clone_to_owned()
        .map_err(|error| Error::failed("cannot keep the changes of the command", error))
}
