//! Runs the agent in its jail until it ends, the session does, or the user interrupts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nucleus::monitor::LifeHook;
use nucleus_jail::{Exit, Jail, Overlay};
use nucleus_tool_proxy::SessionHands;
use portcullis::{Exposure, Phase};

use super::open::envelope_of;
use super::pipes::Door;
use super::place::Place;
use super::serve::Servers;
use super::stdio::{Input, Streams};
use super::{Opened, network};
use crate::agent::{AgentJail, BareJail, Found, Launch};
use crate::model::Model;
use crate::report::Failure;

/// The time window is over.
const OVER_TIME: u8 = 124;
/// The budget is exhausted.
const OVER_BUDGET: u8 = 122;
/// The session ended while locked down.
const LOCKED_DOWN: u8 = 121;

/// How often the session is looked at while the agent runs.
const TICK: Duration = Duration::from_millis(50);

/// What is run.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The program.
    pub(crate) found: Found,
    /// Its arguments, environment and files.
    pub(crate) launch: Launch,
    /// What its input is.
    pub(crate) input: Input,
    /// Whether it sees the workspace, read-only.
    pub(crate) sees_workspace: bool,
    /// The model, where it has one.
    pub(crate) model: Option<Model>,
    /// Further host directories it sees.
    pub(crate) view_dirs: Vec<PathBuf>,
}

/// Runs the agent and ends the session. The exit code is the agent's own, or says why it was ended.
///
/// # Errors
/// Exit code 125 when the agent's jail cannot be started.
pub(crate) fn run_agent(
    opened: &Opened,
    agent: &Agent,
    hands: Arc<SessionHands>,
) -> Result<u8, Failure> {
    let monitor = Arc::clone(opened.sandbox.monitor());
    let model = agent.model.clone().map(|model| model.gateway(&monitor));
    let envelope = envelope_of(opened);
    let place = Place::for_agent(opened)?;
    let view = agent
        .sees_workspace
        .then(|| workspace_view(opened, &envelope))
        .transpose()?;
    let (overlay, _layers) = match view {
        Some((overlay, layers)) => (Some(overlay), Some(layers)),
        None => (None, None),
    };
    let mut spec = match &place {
        Some(place) => bare_jail(opened, agent, &envelope, place)?,
        None => {
            let mut spec = AgentJail {
                jails: &opened.jails,
                envelope: &envelope,
                found: &agent.found,
                launch: &agent.launch,
                workspace: &opened.workspace,
                view: overlay,
                view_dirs: &agent.view_dirs,
                has_model: model.is_some(),
            }
            .spec()?;
            network::connect(opened, &mut spec);
            spec
        }
    };
    let (streams, stdio) = Streams::open(agent.input, place.is_none())?;
    spec.stdio = stdio;
    let door = place.as_ref().map(|place| Door::make(&place.pipes()));
    let door = door.transpose()?;
    let launcher = opened.jails.launcher().map_err(Failure::not_started)?;
    monitor
        .note(&format!("agent started: {}", agent.found.start.display()))
        .map_err(Failure::not_started)?;
    let mut jail = launcher.spawn(spec).map_err(Failure::not_started)?;
    let program = agent.found.start.display().to_string();
    let served = opened.jails.serve(&mut jail, &program);
    let (listeners, served) = served.map_err(Failure::not_started)?;
    let servers = Servers::start(listeners, Arc::clone(&hands), model, door)?;
    let pumps = streams.pump(&mut jail)?;
    let running = Arc::new(Running {
        jail: Mutex::new(Some(Arc::new(jail))),
    });
    let hook: Arc<dyn LifeHook> = running.clone();
    monitor.watch(&hook);
    // What only the start needed: policies as text, certificates, the jail's plan.
    nucleus_jail::give_back_memory();
    let code = wait(&running, &monitor);
    running.kill();
    drop((servers, served));
    settle(&hands);
    if let Some(place) = place {
        running.gone();
        place.remove();
    }
    pumps.finish();
    let code = closing_code(code, &monitor);
    say_why(code, &monitor);
    monitor
        .end("the agent has ended")
        .map_err(|error| Failure::new(crate::report::FAILED, error))?;
    Ok(code)
}

/// Waits until the calls under way have ended: their commands are being killed,
/// and what of them lands is recorded before the session's end.
fn settle(hands: &Arc<SessionHands>) {
    /// What the longest landing needs.
    const PATIENCE: Duration = Duration::from_secs(60);
    let until = std::time::Instant::now() + PATIENCE;
    while Arc::strong_count(hands) > 1 && std::time::Instant::now() < until {
        std::thread::sleep(TICK);
    }
}

/// The agent's jail where there are no namespaces.
fn bare_jail(
    opened: &Opened,
    agent: &Agent,
    envelope: &portcullis::Envelope,
    place: &Place,
) -> Result<nucleus_jail::JailSpec, Failure> {
    BareJail {
        jails: &opened.jails,
        envelope,
        found: &agent.found,
        launch: &agent.launch,
        workspace: &opened.workspace,
        view_dirs: &agent.view_dirs,
        home: &place.home(),
        pipes: &place.pipes(),
    }
    .spec()
}

/// A read-only, filtered view of the workspace, and what keeps it.
fn workspace_view(
    opened: &Opened,
    envelope: &portcullis::Envelope,
) -> Result<(Overlay, nucleus::workspace::CommandLayers), Failure> {
    let view = opened.sandbox.view();
    let labels = Exposure::PRIVATE.join(view.carried_by_view());
    opened
        .sandbox
        .monitor()
        .expose(labels, "the agent was given a view of the workspace")
        .map_err(Failure::not_started)?;
    let layers = view.begin_command(envelope).map_err(Failure::not_started)?;
    let overlay = Overlay {
        upper: nucleus_jail::Upper::None,
        ..layers.overlay()
    };
    Ok((overlay, layers))
}

/// The agent's jail as the session can stop it.
#[derive(Debug)]
struct Running {
    jail: Mutex<Option<Arc<Jail>>>,
}

impl Running {
    fn jail(&self) -> Option<Arc<Jail>> {
        self.jail
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until the tree that was killed is dead; not for ever.
    fn gone(&self) {
        /// What a busy machine needs.
        const PATIENCE: Duration = Duration::from_secs(30);
        if let Some(jail) = self.jail() {
            let _ = jail.wait_timeout(PATIENCE);
        }
    }

    /// Kills the whole tree; one that is gone already needs none.
    fn kill(&self) {
        if let Some(jail) = self.jail() {
            let _ = jail.kill();
        }
    }
}

impl LifeHook for Running {
    fn lock_down(&self) {
        // A jail that cannot be frozen is killed: a lockdown must hold.
        if let Some(jail) = self.jail()
            && jail.freeze().is_err()
        {
            self.kill();
        }
    }

    fn lift(&self) {
        if let Some(jail) = self.jail()
            && jail.thaw().is_err()
        {
            self.kill();
        }
    }

    fn end(&self) {
        self.kill();
    }
}

/// Waits for the agent, the session's end or the end of its window.
fn wait(running: &Running, monitor: &nucleus::Monitor) -> Option<Exit> {
    let jail = running.jail()?;
    loop {
        match jail.wait_timeout(TICK) {
            Ok(Some(exit)) => return Some(exit),
            // Nobody can lift a lockdown of `run` yet: a frozen agent would only wait for its window to end.
            Ok(None) if monitor.phase() != Phase::Active || monitor.window_left_ms() == 0 => {
                return None;
            }
            Ok(None) => {}
            // FAIL-CLOSED: a jail that cannot be watched is not left running.
            Err(_) => return None,
        }
    }
}

/// What the cheapest command must have reserved: with less left, none can start.
fn least_micro_usd() -> u64 {
    let output = nucleus::executor::OutputCaps::default().bytes;
    let cost = nucleus::executor::Prices::default().cost(Duration::from_secs(1), output);
    cost.micro_usd
}

/// Says in words why the session ended the agent, where it did.
fn say_why(code: u8, monitor: &nucleus::Monitor) {
    let why = match code {
        LOCKED_DOWN if monitor.phase() == Phase::LockedDown => {
            "it was locked down; `nucleus-audit show` says why"
        }
        OVER_TIME if monitor.window_left_ms() == 0 => "its time window is over",
        OVER_BUDGET => "its budget covers no further command",
        _ => return,
    };
    anstream::eprintln!("the session ended: {why} (exit code {code})");
}

/// The exit code of the session.
fn closing_code(exit: Option<Exit>, monitor: &nucleus::Monitor) -> u8 {
    if monitor.phase() == Phase::LockedDown {
        return LOCKED_DOWN;
    }
    if monitor.window_left_ms() == 0 {
        return OVER_TIME;
    }
    let least = least_micro_usd();
    let is_spent = monitor.budget().remaining().micro_usd < least;
    match exit {
        _ if is_spent && monitor.envelope().maximum().micro_usd >= least => OVER_BUDGET,
        Some(Exit::Code(code)) => code,
        Some(Exit::Signal(signal)) => 128 + signal,
        Some(_) | None => 137,
    }
}
