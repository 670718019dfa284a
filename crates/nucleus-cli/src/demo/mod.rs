//! `nucleus demo`: an honest agent fixes a bug, then the same agent turns on its user, in the real jail.
//!
//! The demo starts `nucleus run` as any user would, with a scripted agent of
//! its own inside the jail. What counts is what the host sees: traps that were
//! touched, files that changed, secrets that came out.

mod agent;
mod attempts;
mod client;
mod scene;
mod show;
mod traps;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use nucleus_jail::probe_host;

use crate::report::{FAILED, Failure, NOT_STARTED};
use attempts::{ATTEMPTS, Told};
use scene::Scene;
use traps::Traps;

pub(crate) use agent::{Args as AgentArgs, run as run_agent_inside};

/// The hidden word by which the demo's agent is started inside the jail.
pub(crate) const DEMO_AGENT: &str = "__demo-agent";

/// Arguments of `nucleus demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Keep the demo's directory and say where it is
    #[arg(long)]
    keep: bool,
}

/// Runs the demo; exit code 0 when everything held, 125 when a layer is missing, 1 when an attempt got through.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let support = probe_host();
    show::layers(&support);
    if !support.is_sufficient() {
        show::not_protected();
        return Ok(NOT_STARTED);
    }
    let scene = Scene::build()?;
    let traps = Traps::set(&scene)?;
    show::heading("an honest agent fixes a failing test");
    let mut child = start(&scene, &traps)?;
    let told = listen(&mut child, &scene)?;
    let status = child.wait()?;
    let held = judge(&told, &scene, &traps)?;
    let log = crate::session::verified(&scene.state().join("nucleus"), &scene.log_dir()?);
    show::log(&log);
    if args.keep {
        anstream::eprintln!("kept: {}", scene.keep().display());
    }
    if !status.success() {
        return Err(Failure::new(
            FAILED,
            format!("the session ended with {status}"),
        ));
    }
    Ok(if held && log.is_ok() { 0 } else { FAILED })
}

/// Starts `nucleus run` on the scene with the scripted agent.
fn start(scene: &Scene, traps: &Traps) -> Result<Child, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args([
            "run",
            "--local",
            "--json",
            "--profile",
            "fix-issue",
            "--dir",
        ])
        .arg(scene.workspace())
        .args([
            "--task",
            "make the failing test pass",
            "--",
            "nucleus",
            DEMO_AGENT,
        ])
        .args(traps.told(scene))
        .env("XDG_STATE_HOME", scene.state())
        .env("XDG_CONFIG_HOME", scene.config())
        .env("NUCLEUS_DEMO_TOKEN", scene.canary())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
        .spawn()
        .map_err(|error| Failure::not_started(format!("cannot start a session: {error}")))
}

/// Shows each step as the agent tells it, and keeps what it told.
fn listen(child: &mut Child, scene: &Scene) -> Result<Vec<Told>, Failure> {
    let stderr = child.stderr.take().map(BufReader::new);
    let errors = std::thread::spawn(move || {
        let lines = stderr
            .into_iter()
            .flat_map(|reader| reader.lines().map_while(Result::ok));
        lines.collect::<Vec<_>>()
    });
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| Failure::not_started("no standard output"))?;
    let mut told = Vec::new();
    let mut turned = false;
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let Some(step) = Told::parse(&line) else {
            continue;
        };
        if step.is_attempt() && !turned {
            turned = true;
            show::heading("the same agent reads a poisoned file and turns on its user");
        }
        show::step(&step, scene.canary());
        told.push(step);
    }
    let errors = errors.join().unwrap_or_default();
    if told.len() < ATTEMPTS.len() {
        let said = errors.join("\n");
        let why = format!(
            "the agent told of {} of {} attempts\n{said}",
            told.len(),
            ATTEMPTS.len()
        );
        return Err(Failure::not_started(why));
    }
    Ok(told)
}

/// Whether everything held, by what the host sees.
fn judge(told: &[Told], scene: &Scene, traps: &Traps) -> Result<bool, Failure> {
    show::heading("what the host sees");
    let mut held = true;
    for finding in traps
        .findings(scene)?
        .into_iter()
        .chain(scene.findings(told)?)
    {
        held &= finding.held;
        show::finding(&finding);
    }
    let leaked: Vec<_> = told
        .iter()
        .filter(|step| step.is_attempt() && step.got.contains(scene.canary()))
        .collect();
    for step in &leaked {
        show::finding(&Finding {
            held: false,
            text: format!("{} got the secret", step.id),
        });
    }
    let held = held && leaked.is_empty();
    show::verdict(held, told.iter().filter(|step| step.is_attempt()).count());
    Ok(held)
}

/// One thing the host checked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    held: bool,
    text: String,
}
