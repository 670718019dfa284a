//! Boundary probes: attempts to leave a jail, made from inside one before a session starts.
//!
//! An attempt that succeeds keeps the session from starting. Each is aimed at
//! something that exists on the host for the purpose, so that an attempt that
//! fails has failed at the wall and not for want of a target.

mod attempts;
mod inside;
mod report;
mod targets;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use nucleus_audit::Probe;
use nucleus_jail::{Access, Exit, JailSpec, Overlay, Stdio, Tree, Upper, View};
use portcullis::envelope::Envelope;

use crate::error::Error;
use crate::executor::Jails;
use targets::Targets;

pub use inside::inside_main;
pub use report::ATTEMPTS;

/// The longest that all attempts together may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Where the program that makes the attempts appears.
const PROGRAM: &str = "/run/nucleus-probe";
/// Where the workspace of the attempts appears.
const WORKSPACE: &str = "/run/nucleus-probe-workspace";

/// The program that makes the attempts: its `main` calls [`inside_main`] with all arguments after `args`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeProgram {
    /// An absolute path on the host.
    pub program: PathBuf,
    /// The arguments before those of the attempts, such as `__probe`.
    pub args: Vec<OsString>,
}

/// Makes every attempt in a jail as commands get it; targets lie in `scratch`, a directory of ours.
///
/// # Errors
/// When the jail cannot be had or a target cannot be set up: no session should start then either.
pub fn run(
    jails: &Jails,
    envelope: &Envelope,
    program: &ProbeProgram,
    scratch: &std::path::Path,
) -> Result<Vec<Probe>, Error> {
    run_in_altered_jail(jails, envelope, program, scratch, &|_, _| {})
}

/// The attempt that is not made without namespaces, where the host's processes are seen.
pub const NOT_WITHOUT_NAMESPACES: &str = "other-process";

/// As [`run`], in a jail without namespaces as the agent of such a session gets it; all but [`NOT_WITHOUT_NAMESPACES`].
///
/// The jail's user must be able to pass to `scratch`, so that nothing but the jail is in its way.
///
/// # Errors
/// As [`run`].
pub fn run_without_namespaces(
    jails: &Jails,
    envelope: &Envelope,
    program: &ProbeProgram,
    scratch: &std::path::Path,
) -> Result<Vec<Probe>, Error> {
    let targets = Targets::new(scratch)
        .map_err(|error| Error::failed("cannot set up the boundary probes", error))?;
    let mut spec = jails.bare_spec(envelope, &[], &[])?;
    let host = found(program)?;
    let workspace = targets.workspace().to_string_lossy().into_owned();
    set_program(
        &mut spec,
        program,
        host.clone(),
        targets.arguments(&workspace),
    );
    spec.views.push(View::Bind {
        inside: host.clone(),
        host,
        access: Access::ReadOnly,
    });
    let mut probes = made(jails, spec, &targets)?;
    probes.retain(|probe| probe.name != NOT_WITHOUT_NAMESPACES);
    Ok(probes)
}

/// As [`run`], in a jail that `alter` has changed, given the directory of the targets.
///
/// **For tests of the probes themselves**: it shows that each gets through where its wall is missing.
///
/// # Errors
/// As [`run`].
pub fn run_in_altered_jail(
    jails: &Jails,
    envelope: &Envelope,
    program: &ProbeProgram,
    scratch: &std::path::Path,
    alter: &dyn Fn(&mut JailSpec, &std::path::Path),
) -> Result<Vec<Probe>, Error> {
    let targets = Targets::new(scratch)
        .map_err(|error| Error::failed("cannot set up the boundary probes", error))?;
    let mut spec = jails.spec(envelope, &[])?;
    prepare(&mut spec, program, &targets)?;
    alter(&mut spec, targets.dir());
    made(jails, spec, &targets)
}

/// Makes the attempts in this jail.
fn made(jails: &Jails, mut spec: JailSpec, targets: &Targets) -> Result<Vec<Probe>, Error> {
    let (stdio, output) = pipes()?;
    spec.stdio = stdio;
    let jail = jails.launcher()?.spawn(spec)?;
    let reader = std::thread::spawn(move || report::read(output));
    let exit = match jail.wait_timeout(LIMIT)? {
        Some(exit) => exit,
        None => {
            jail.kill()?;
            jail.wait()?
        }
    };
    let said = reader.join().unwrap_or_default();
    let finished = matches!(exit, Exit::Code(0));
    Ok(report::probes(
        &said,
        finished,
        &targets.seen_from_outside(),
    ))
}

/// Makes every attempt from a process of the host that `wrap` starts, such as `["unshare", "-n"]`; empty for none.
///
/// **For tests of the probes themselves**: each must get through where no jail is.
///
/// # Errors
/// When a target cannot be set up or the program cannot be started.
pub fn run_outside(
    program: &ProbeProgram,
    scratch: &std::path::Path,
    wrap: &[&str],
) -> Result<Vec<Probe>, Error> {
    let failed = |error| Error::failed("cannot make the attempts outside", error);
    let targets = Targets::new(scratch).map_err(failed)?;
    let workspace = targets.workspace().to_string_lossy().into_owned();
    let mut words = wrap.iter().map(OsString::from).collect::<Vec<_>>();
    words.push(program.program.clone().into());
    words.extend(program.args.clone());
    words.extend(targets.arguments(&workspace));
    let output = std::process::Command::new(&words[0])
        .args(&words[1..])
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let outside = targets.seen_from_outside();
    Ok(report::probes(&said, output.status.success(), &outside))
}

fn prepare(spec: &mut JailSpec, program: &ProbeProgram, targets: &Targets) -> Result<(), Error> {
    let host = found(program)?;
    set_program(spec, program, PROGRAM.into(), targets.arguments(WORKSPACE));
    spec.views.push(View::Bind {
        host,
        inside: PathBuf::from(PROGRAM),
        access: Access::ReadOnly,
    });
    spec.workspace = Some(Overlay {
        inside: PathBuf::from(WORKSPACE),
        lower: Tree {
            path: targets.workspace().to_owned(),
            id: None,
        },
        staged: None,
        mask: None,
        upper: Upper::Tmpfs {
            bytes: 1 << 20,
            inodes: 64,
        },
    });
    Ok(())
}

fn found(program: &ProbeProgram) -> Result<PathBuf, Error> {
    std::fs::canonicalize(&program.program)
        .map_err(|error| Error::failed("cannot find the program of the boundary probes", error))
}

/// The program of the attempts at its path inside, with its arguments.
fn set_program(spec: &mut JailSpec, program: &ProbeProgram, at: PathBuf, args: Vec<OsString>) {
    spec.argv = std::iter::once(at.into_os_string())
        .chain(program.args.clone())
        .chain(args)
        .collect();
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spec.cwd = PathBuf::from("/");
}

fn pipes() -> Result<(Stdio, std::fs::File), Error> {
    let failed = |error: std::io::Error| Error::failed("cannot make a pipe", error);
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
        .map_err(|error| failed(error.into()))?;
    let null = || {
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(failed)
    };
    let stdio = Stdio::Fds {
        stdin: null()?.into(),
        stdout: write,
        stderr: null()?.into(),
    };
    Ok((stdio, std::fs::File::from(read)))
}
