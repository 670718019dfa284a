//! What confines a session here: the layers that hold, and the probes that tried them.

use std::ffi::OsString;

use nucleus::executor::Jails;
use nucleus::probes::{self, ProbeProgram};
use nucleus::state::StateDir;
use nucleus_audit::{Layer, Probe};
use nucleus_jail::{Jail, LayerState, Reach, Stdio};
use portcullis::Envelope;

use super::place::Place;
use crate::commands::PROBE;
use crate::report::Failure;

/// Builds one jail as a session under a shipped profile would; how many layers it has.
///
/// # Errors
/// The layer that is missing here, with its fix.
pub(crate) fn try_jail() -> Result<usize, Failure> {
    let layers = layers(&super::open::jails(Vec::new(), None), &shipped()?)?;
    Ok(layers
        .iter()
        .filter(|layer| layer.state == "present")
        .count())
}

/// Whether a jail's connections can be led to the proxy when its programs know of none; what the kernel lacks else.
pub(crate) fn try_redirection() -> Result<(), Failure> {
    let jails = super::open::jails(Vec::new(), None);
    let mut jail = built(&jails, &shipped()?, Reach::Redirected)?;
    let taken = jail.take_redirected().map_err(Failure::not_started);
    jail.wait().map_err(|error| failed(&error))?;
    taken.map(|_sockets| ())
}

/// The layers of a jail as this session builds it, read off a real one.
pub(crate) fn layers(jails: &Jails, envelope: &Envelope) -> Result<Vec<Layer>, Failure> {
    let jail = built(jails, envelope, Reach::Nothing)?;
    let layers = jail.enforced().layers.iter().map(|report| {
        let (state, detail) = match &report.state {
            LayerState::Present(how) => ("present", how.clone()),
            LayerState::Missing { reason, .. } if jails.is_without_namespaces() => {
                ("waived", reason.clone())
            }
            LayerState::Missing { reason, fix } => ("missing", format!("{reason}; {fix}")),
            LayerState::NotNeeded => ("not needed", String::new()),
        };
        Layer {
            name: report.layer.name().to_owned(),
            state: state.to_owned(),
            detail,
        }
    });
    let layers = layers.collect();
    jail.wait().map_err(|error| failed(&error))?;
    Ok(layers)
}

/// What a shipped profile says.
fn shipped() -> Result<Envelope, Failure> {
    let shipped = nucleus_spec::profile("fix-issue")
        .ok_or_else(|| Failure::not_started("no profile is shipped"))?;
    let policy = nucleus_spec::parse_policy(&shipped.source()).map_err(Failure::not_started)?;
    Ok(policy.envelope().clone())
}

/// A jail that runs `true`.
fn built(jails: &Jails, envelope: &Envelope, reach: Reach) -> Result<Jail, Failure> {
    let argv = ["true".to_owned()];
    let spec = match jails.is_without_namespaces() {
        true => jails.bare_spec(envelope, &argv, &[]),
        false => jails.spec(envelope, &argv),
    };
    let mut spec = spec.map_err(|error| failed(&error))?;
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spec.stdio = Stdio::Null;
    spec.reach = reach;
    let launcher = jails.launcher().map_err(|error| failed(&error))?;
    launcher.spawn(spec).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::not_started(error).help("`nucleus doctor` names what this host lacks, with the fix")
}

/// What the boundary probes found; one that got through keeps the session from starting.
pub(crate) fn probes(
    jails: &Jails,
    envelope: &Envelope,
    state: &StateDir,
) -> Result<Vec<Probe>, Failure> {
    let program = ProbeProgram {
        program: std::env::current_exe()?.canonicalize()?,
        args: vec![OsString::from(PROBE)],
    };
    if jails.is_without_namespaces() {
        let place = Place::make(jails, state)?;
        return probes::run_without_namespaces(jails, envelope, &program, place.path())
            .map_err(Failure::not_started);
    }
    let scratch = tempfile::Builder::new()
        .prefix("probe-")
        .tempdir_in(state.root())?;
    probes::run(jails, envelope, &program, scratch.path()).map_err(Failure::not_started)
}
