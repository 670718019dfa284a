//! Starts a session over a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nucleus_audit::{Boundary, Layer, Log, LogOptions, Probe, load_or_create_key};

use super::{Grants, Sandbox};
use crate::error::{Error, MonitorError};
use crate::executor::{JailOptions, Jails};
use crate::monitor::{Monitor, RefusalLimits, SessionOptions, SharedExposure};
use crate::ports::{Approver, Clock, FaultPoint, NoApprover, NoFaults, SystemClock};
use crate::state::{StateDir, new_session_id};
use crate::workspace::{Overlayed, WorkspaceOptions, WorkspaceView};

/// What a session over a directory is started with.
#[derive(Debug)]
pub struct SandboxOptions {
    /// Where sessions keep their state.
    pub state: StateDir,
    /// Who it acts for; the operating system's user by default.
    pub principal: Arc<str>,
    /// How commands are jailed; without a helper no command runs.
    pub jails: JailOptions,
    /// Jails that exist already, such as the agent's own session's.
    pub shared_jails: Option<Arc<Jails>>,
    /// The workspace; an overlay of the directory by default.
    pub view: Option<Arc<dyn WorkspaceView>>,
    /// Who answers questions; nobody by default.
    pub approver: Arc<dyn Approver>,
    /// The clocks; the machine's by default.
    pub clock: Arc<dyn Clock>,
    /// Told of every step, for crash tests.
    pub faults: Arc<dyn FaultPoint>,
    /// The task text as the user gave it on the host.
    pub task: Option<Arc<str>>,
    /// What confines the agent that uses the tools; nothing by default, which is **advisory**.
    pub boundary: Boundary,
    /// Each layer of the confinement and whether it holds.
    pub layers: Vec<Layer>,
    /// What the boundary probes found.
    pub probes: Vec<Probe>,
    /// How the log is kept.
    pub log: LogOptions,
    /// How much may be refused before the session locks itself down.
    pub refusals: RefusalLimits,
    /// The session this one is a child of, with its door.
    pub parent: Option<Arc<Monitor>>,
}

impl SandboxOptions {
    /// A session of the operating system's user, of its own, without approver or jail helper.
    #[must_use]
    pub fn new(state: StateDir) -> Self {
        Self {
            state,
            principal: format!("uid:{}", rustix::process::getuid().as_raw()).into(),
            jails: JailOptions::default(),
            shared_jails: None,
            view: None,
            approver: Arc::new(NoApprover),
            clock: Arc::new(SystemClock),
            faults: Arc::new(NoFaults),
            task: None,
            boundary: Boundary::None,
            layers: Vec::new(),
            probes: Vec::new(),
            log: LogOptions::default(),
            refusals: RefusalLimits::default(),
            parent: None,
        }
    }
}

impl Sandbox {
    /// Starts a session over a directory, with its log in the user's state directory.
    ///
    /// # Errors
    /// When the directory cannot be a workspace, or state and log cannot be written.
    pub fn open(policy: &impl Grants, dir: &Path) -> Result<Self, Error> {
        let state =
            StateDir::of_user().map_err(MonitorError::state("cannot open the state directory"))?;
        Self::open_with(policy, dir, SandboxOptions::new(state))
    }

    /// As [`Sandbox::open`], with options.
    ///
    /// # Errors
    /// As [`Sandbox::open`].
    pub fn open_with(
        policy: &impl Grants,
        dir: &Path,
        options: SandboxOptions,
    ) -> Result<Self, Error> {
        let session =
            new_session_id().map_err(MonitorError::state("cannot make a session number"))?;
        let own = options
            .state
            .make_session(session)
            .map_err(MonitorError::state("cannot make the session's directory"))?;
        let shared = options
            .state
            .make_workspace(dir)
            .map_err(MonitorError::state(
                "cannot make the workspace's state directory",
            ))?;
        let view = match options.view {
            Some(view) => view,
            None => {
                let kept = WorkspaceOptions::new(shared.join(StateDir::VIEW));
                Arc::new(Overlayed::open(dir, &kept, policy.granted())?) as Arc<dyn WorkspaceView>
            }
        };
        let view = view.of_session(session);
        let jails = options
            .shared_jails
            .unwrap_or_else(|| Arc::new(Jails::new(with_masks(options.jails, &options.state))));
        let exposure = match &options.parent {
            Some(parent) => SharedExposure::of_child(parent.shared_exposure(), &shared),
            None => SharedExposure::of_workspace(&shared),
        };
        let log = open_log(&options.state, &own, session, options.log)?;
        let envelope = policy.granted().clone();
        let mut session = SessionOptions::new(envelope, options.principal, session, log);
        session.exposure =
            exposure.map_err(MonitorError::state("cannot open the live exposure"))?;
        session.approver = options.approver;
        session.clock = options.clock;
        session.faults = options.faults;
        session.task = options.task;
        session.boundary = options.boundary;
        session.layers = options.layers;
        session.probes = options.probes;
        session.refusals = options.refusals;
        session.window_file = Some(own.join("window.json"));
        if let Some(parent) = options.parent {
            session = session.below(&parent)?;
        }
        let sandbox = Self::over(Monitor::open(session)?, view, jails);
        sandbox.label_what_jails_are_shown()?;
        Ok(sandbox)
    }

    /// Raises the exposure by what jails are shown beside the workspace, with a record, before anything runs.
    fn label_what_jails_are_shown(&self) -> Result<(), Error> {
        if let Some(shown) = self.jails.shown(&self.monitor.envelope()) {
            self.monitor.expose(shown.labels, &shown.what)?;
        }
        Ok(())
    }

    /// Where the session keeps its log.
    #[must_use]
    pub fn log_dir(state: &StateDir, session: portcullis::SessionId) -> PathBuf {
        state.session(session).join("log")
    }
}

/// Masks are state, unless they were given another place.
fn with_masks(jails: JailOptions, state: &StateDir) -> JailOptions {
    let masks_dir = jails.masks_dir.or_else(|| Some(state.views()));
    JailOptions { masks_dir, ..jails }
}

fn open_log(
    state: &StateDir,
    own: &Path,
    session: portcullis::SessionId,
    options: LogOptions,
) -> Result<Log, Error> {
    let key = load_or_create_key(state.root()).map_err(|error| MonitorError::State {
        what: "cannot open the key of the log",
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(Log::create(&own.join("log"), session, options, key).map_err(MonitorError::from)?)
}
