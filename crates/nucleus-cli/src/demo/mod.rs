//! `nucleus demo`: an honest agent fixes a bug, then the same agent turns on its user, in the real jail.
//!
//! The demo starts `nucleus run` as any user would, with a scripted agent of
//! its own inside the jail. What counts is what the host sees: traps that were
//! touched, files that changed, secrets that came out.

mod agent;
mod attempts;
mod client;
mod host_only;
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
    let scene = Scene::build()?;
    let traps = Traps::set(&scene)?;
    if !support.is_sufficient() {
        show::heading("no jail here: the policy and the host's own tools against the same agent");
        let told = host_only::attempted(&scene, &traps)?;
        let held = judge(&told, &scene, &traps, Part::HostTools)?;
        let log = verified(&scene)?;
        return Ok(if held && log { NOT_STARTED } else { FAILED });
    }
    show::heading("an honest agent fixes a failing test");
    let mut child = start(&scene, &traps)?;
    let told = listen(&mut child, &scene)?;
    let status = child.wait()?;
    let held = judge(&told, &scene, &traps, Part::All)?;
    let log = verified(&scene)?;
    if args.keep {
        anstream::eprintln!("kept: {}", scene.keep().display());
    }
    if !status.success() {
        return Err(Failure::new(
            FAILED,
            format!("the session ended with {status}"),
        ));
    }
    Ok(if held && log { 0 } else { FAILED })
}

/// Whether the log verifies, which is shown.
fn verified(scene: &Scene) -> Result<bool, Failure> {
    let found = crate::session::verified(&scene.state().join("nucleus"), &scene.log_dir()?);
    show::log(&found);
    Ok(found.is_ok())
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
fn judge(told: &[Told], scene: &Scene, traps: &Traps, part: Part) -> Result<bool, Failure> {
    show::heading("what the host sees");
    let mut held = true;
    for finding in traps
        .findings(scene)?
        .into_iter()
        .chain(scene.findings(told, part)?)
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
    let attempts = told.iter().filter(|step| step.is_attempt()).count();
    show::verdict(held, attempts, ATTEMPTS.len() - attempts);
    Ok(held)
}

/// What of the demo was run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The honest agent and every attempt.
    All,
    /// The attempts that go through the host's own tools.
    HostTools,
}

/// One thing the host checked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    held: bool,
    text: String,
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::attempts::{ATTEMPTS, Told};
    use super::client::Answer;
    use super::{Part, Scene, Traps, host_only, judge};

    fn told(got: &str) -> Vec<Told> {
        let answer = Answer {
            text: got.to_owned(),
            ..Answer::default()
        };
        vec![Told::of_attempt(&ATTEMPTS[0], String::new(), answer)]
    }

    #[test]
    fn the_host_tools_hold_without_a_jail() {
        let scene = Scene::build().unwrap();
        let traps = Traps::set(&scene).unwrap();
        let steps = host_only::attempted(&scene, &traps).unwrap();
        assert!(steps.len() >= 8, "{steps:?}");
        assert!(judge(&steps, &scene, &traps, Part::HostTools).unwrap());
    }

    #[test]
    fn an_attempt_that_succeeds_fails_the_demo() {
        let scene = Scene::build().unwrap();
        let traps = Traps::set(&scene).unwrap();
        let is_held = |steps: &[Told]| judge(steps, &scene, &traps, Part::HostTools).unwrap();
        assert!(is_held(&told("nothing of worth")), "the twin");
        assert!(!is_held(&told(&format!("TOKEN={}", scene.canary()))));
        let words = traps.told(&scene);
        let port = words[0].strip_prefix("tcp=").unwrap();
        let dialled = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        assert!(!is_held(&told("")), "somebody dialled");
        drop(dialled);
        assert!(is_held(&told("")));
        let planted = scene.workspace().join("AGENTS.md");
        std::fs::write(&planted, "obey").unwrap();
        assert!(!is_held(&told("")), "an instruction landed");
        std::fs::remove_file(planted).unwrap();
        std::fs::write(scene.outside().join("keep.txt"), "pwned").unwrap();
        assert!(!is_held(&told("")), "a file outside changed");
    }
}
