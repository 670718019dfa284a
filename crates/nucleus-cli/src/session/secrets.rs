//! Reads the secrets that the policy binds, once, on the host, before anything of a session runs.
//!
//! A value goes from its source into the store of the proxy and nowhere else:
//! no message, record or argument ever holds it.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nucleus_egress::credentials::Credentials;
use nucleus_spec::{Credential, SecretSource};
use zeroize::{Zeroize as _, Zeroizing};

use super::host_program::HostPrograms;
use crate::home;
use crate::report::Failure;

/// The most time for one source: a password manager may ask the user.
const LIMIT: Duration = Duration::from_secs(60);
/// The most bytes of one value.
const MAX_BYTES: u64 = 16 << 10;
/// How often a program is looked after.
const TICK: Duration = Duration::from_millis(10);

/// The values of these bindings.
///
/// A variable that is not set leaves its secret out, with a warning: fewer
/// requests work then, and none more.
///
/// # Errors
/// FAIL-CLOSED: exit code 125 for a source that cannot be read, lies in a workspace, or holds no secret.
pub(crate) fn read(
    bindings: &[Credential],
    programs: &HostPrograms,
) -> Result<Credentials, Failure> {
    let mut bound: Vec<(Credential, Zeroizing<String>)> = Vec::new();
    for binding in bindings {
        let known = bound.iter().find(|(other, _)| other.name == binding.name);
        let value = match known {
            Some((_, value)) => Some(value.clone()),
            None => value(binding, programs)?,
        };
        match value {
            Some(value) => bound.push((binding.clone(), value)),
            None => anstream::eprintln!(
                "{}: `{}` is not used: {} is not set",
                crate::style::paint(crate::style::WARN, "warning"),
                binding.name,
                binding.source
            ),
        }
    }
    Credentials::new(bound).map_err(Failure::not_started)
}

fn value(
    binding: &Credential,
    programs: &HostPrograms,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let failed = |why: String| {
        let what = format!(
            "the secret `{}` cannot be had from {}: {why}",
            binding.name, binding.source
        );
        Failure::not_started(what).help(format!(
            "mend the source, or leave it out with `use` in [credentials]; `{}` is bound in the user's policy",
            binding.name
        ))
    };
    let bytes = match &binding.source {
        SecretSource::Variable(name) => match std::env::var(name) {
            Ok(text) if !text.is_empty() => Zeroizing::new(text.into_bytes()),
            Ok(_) | Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(failed("it is no text".to_owned()));
            }
        },
        SecretSource::File(path) => file(path, programs).map_err(failed)?,
        SecretSource::Keyring(service, user) => keyring(programs, service, user).map_err(failed)?,
        SecretSource::Command(words) => said(programs, words).map_err(failed)?,
    };
    let text = String::from_utf8(bytes.to_vec()).map_err(|error| {
        error.into_bytes().zeroize();
        failed("it is no text".to_owned())
    })?;
    let text = Zeroizing::new(text);
    Ok(Some(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    )))
}

/// Whether a source gives nothing, as far as that is seen without reading it or asking a program.
pub(crate) fn is_absent(source: &SecretSource) -> bool {
    match source {
        SecretSource::Variable(name) => std::env::var_os(name).is_none_or(|value| value.is_empty()),
        SecretSource::File(path) => !expanded(path).is_ok_and(|path| path.is_file()),
        SecretSource::Keyring(..) | SecretSource::Command(_) => false,
    }
}

/// Where the file of a source lies, links followed.
pub(super) fn file_of(source: &SecretSource) -> Option<PathBuf> {
    let SecretSource::File(path) = source else {
        return None;
    };
    let path = expanded(path).ok()?;
    Some(path.canonicalize().unwrap_or(path))
}

fn expanded(path: &str) -> Result<PathBuf, String> {
    Ok(match path.strip_prefix("~/") {
        Some(rest) => home::home().map_err(|error| error.to_string())?.join(rest),
        None => PathBuf::from(path),
    })
}

/// A file of the host, outside every workspace, links followed.
fn file(path: &str, programs: &HostPrograms) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = expanded(path)?;
    let found = path.canonicalize().map_err(|error| error.to_string())?;
    if programs.is_agents(&path) {
        return Err("it lies in a workspace, where an agent writes".to_owned());
    }
    let file = std::fs::File::open(&found).map_err(|error| error.to_string())?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err("it is no regular file".to_owned());
    }
    bounded(file)
}

/// Reads up to the limit; longer is an error.
fn bounded(source: impl std::io::Read) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES as usize + 1));
    let read = source.take(MAX_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    Ok(bytes)
}

/// The system's keyring: the desktop's by `secret-tool`, else the kernel's by `keyctl`.
fn keyring(
    programs: &HostPrograms,
    service: &str,
    user: &str,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let desktop = words(&[
        "secret-tool",
        "lookup",
        "service",
        service,
        "username",
        user,
    ]);
    let why = match said(programs, &desktop) {
        Ok(value) if !value.is_empty() => return Ok(value),
        Ok(_) => "`secret-tool` knows no such entry".to_owned(),
        Err(why) => format!("`secret-tool`: {why}"),
    };
    let named = format!("{service}/{user}");
    let kernel = said(
        programs,
        &words(&["keyctl", "search", "@u", "user", &named]),
    );
    let number = match &kernel {
        Ok(number) => std::str::from_utf8(number).unwrap_or_default().trim(),
        Err(also) => return Err(format!("{why}; `keyctl`: {also}")),
    };
    said(programs, &words(&["keyctl", "pipe", number]))
        .map_err(|also| format!("{why}; `keyctl`: {also}"))
}

/// What a program prints, run outside every workspace, with its time and output bounded. What it says of a failure is not shown.
fn said(programs: &HostPrograms, words: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
    let (program, args) = words.split_first().ok_or("it names no program")?;
    let mut child = programs
        .command(program)?
        .args(args)
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let output = child.stdout.take().ok_or("it has no output")?;
    let reading = std::thread::spawn(move || bounded(output));
    let until = Instant::now() + LIMIT;
    while !reading.is_finished() && Instant::now() < until {
        std::thread::sleep(TICK);
    }
    let is_late = !reading.is_finished();
    if is_late {
        kill(&mut child);
    }
    let value = reading.join().map_err(|_| "it cannot be read".to_owned())?;
    if is_late {
        let _gone = child.wait();
        return Err(format!("it gave no answer in {} s", LIMIT.as_secs()));
    }
    if value.is_err() {
        kill(&mut child);
    }
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < until => std::thread::sleep(TICK),
            _ => {
                kill(&mut child);
                break child.wait().map_err(|error| error.to_string())?;
            }
        }
    };
    let value = value?;
    if status.success() {
        Ok(value)
    } else {
        Err(format!("it ended with {status}"))
    }
}

/// Kills the program and what it started.
fn kill(child: &mut Child) {
    let group = rustix::process::Pid::from_child(child);
    let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    let _gone = child.kill();
}

#[cfg(test)]
mod tests {
    use nucleus_spec::{Layers, Named, Source, resolve};

    use super::{HostPrograms, read};

    fn programs(workspace: &std::path::Path, state: &std::path::Path) -> HostPrograms {
        let state = nucleus::state::StateDir::open(&state.join("state")).unwrap();
        HostPrograms::outside(workspace, &state)
    }

    fn bindings(source: &str) -> Vec<nucleus_spec::Credential> {
        let text = format!(
            "[credentials]\nbindings = [{{ name = \"KEY\", {source}, hosts = [\"api.test\"] }}]"
        );
        let layers = Layers {
            named: Some(Named::File(Source::new("policy.toml", text))),
            ..Layers::default()
        };
        resolve(&layers).unwrap().bindings
    }

    #[test]
    fn a_secret_is_read_from_a_file_or_a_program_of_the_host() {
        let (dir, workspace) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = dir.path().canonicalize().unwrap().join("key");
        std::fs::write(&path, "from-a-file-1234\r\n").unwrap();
        for source in [
            format!("file = \"{}\"", path.display()),
            "command = [\"/bin/echo\", \"from-a-program\"]".to_owned(),
        ] {
            let programs = programs(workspace.path(), dir.path());
            let found = read(&bindings(&source), &programs).unwrap();
            assert_eq!(found.environment()[0].0, "KEY", "{source}");
            assert!(!format!("{found:?}").contains("from-a"), "{found:?}");
        }
    }

    #[test]
    fn what_an_agent_could_have_written_is_no_source() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = dir.path().canonicalize().unwrap();
        let (key, outside) = (workspace.join("key"), tempfile::tempdir().unwrap());
        std::fs::write(&key, "from-the-workspace").unwrap();
        let link = outside.path().canonicalize().unwrap().join("link");
        std::os::unix::fs::symlink(&key, &link).unwrap();
        for source in [
            format!("file = \"{}\"", key.display()),
            format!("file = \"{}\"", link.display()),
            format!("command = [\"{}\"]", key.display()),
            "command = [\"./key\"]".to_owned(),
        ] {
            let programs = programs(&workspace, outside.path());
            let failure = read(&bindings(&source), &programs).unwrap_err();
            assert!(!failure.message().contains("from-the"), "{source}");
        }
    }

    #[test]
    fn a_source_that_fails_says_so_and_shows_nothing() {
        let (workspace, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let programs = programs(workspace.path(), state.path());
        for source in [
            "file = \"/nonexistent/key\"",
            "command = [\"/bin/sh\", \"-c\", \"echo canary-in-a-failure; exit 3\"]",
            "command = [\"/bin/sh\", \"-c\", \"head -c 20000 /dev/zero | tr '\\\\0' a\"]",
            "command = [\"/bin/echo\", \"short\"]",
            "command = [\"/bin/echo\", \"with a space in it\"]",
        ] {
            let failure = read(&bindings(source), &programs).unwrap_err();
            let said = failure.message();
            assert!(said.contains("KEY"), "{said}");
            assert!(
                !said.contains("canary") && !said.contains("with a space"),
                "{said}"
            );
        }
        let unset = read(&bindings("env = \"NUCLEUS_TEST_UNSET\""), &programs).unwrap();
        assert!(unset.is_empty());
    }
}
