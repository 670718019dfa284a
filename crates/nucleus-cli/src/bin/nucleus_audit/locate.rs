//! Finds the log and the key that the command line means.

use std::fs;
use std::path::{Path, PathBuf};

use nucleus_audit::{Boundary, Detail};

use super::outcome::Failure;

/// Which log.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogArg {
    /// A log directory, or a session (at least 4 of its hex digits); without it, the newest run
    #[arg(value_name = "LOG")]
    log: Option<PathBuf>,
}

impl LogArg {
    /// The directory of the log.
    pub(crate) fn dir(&self) -> Result<PathBuf, Failure> {
        match &self.log {
            Some(path) if path.is_dir() => Ok(log_in(path)),
            Some(path) => path
                .to_str()
                .filter(|name| name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .map_or_else(
                    || {
                        Err(Failure::new(format!(
                            "`{}` is no log directory",
                            path.display()
                        )))
                    },
                    session,
                ),
            None => newest(),
        }
    }
}

/// A session's directory holds its log in `log`.
fn log_in(path: &Path) -> PathBuf {
    let inner = path.join("log");
    if inner.join(nucleus_audit::CHECKPOINT_FILE).is_file() {
        inner
    } else {
        path.to_owned()
    }
}

/// `$XDG_STATE_HOME/nucleus`, or the usual place below the home directory.
fn state_dir() -> Result<PathBuf, Failure> {
    let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    named
        .filter(|dir| dir.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
        .map(|dir| dir.join("nucleus"))
        .ok_or_else(|| Failure::new("HOME is not set; name a log directory"))
}

/// The sessions in the state directory with their names.
fn sessions() -> Result<Vec<(String, PathBuf)>, Failure> {
    let dir = state_dir()?.join("sessions");
    let entries = fs::read_dir(&dir)
        .map_err(|error| Failure::new(format!("cannot read `{}`: {error}", dir.display())))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let named = paths.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        Some((name, path))
    });
    Ok(named.collect())
}

/// The one session whose name starts so.
fn session(prefix: &str) -> Result<PathBuf, Failure> {
    let all = sessions()?;
    let mut found = all.iter().filter(|(name, _)| name.starts_with(prefix));
    match (found.next(), found.next()) {
        (Some((_, path)), None) => Ok(log_in(path)),
        (None, _) => Err(Failure::new(format!("no session starts with `{prefix}`"))),
        (Some(_), Some(_)) => Err(Failure::new(format!(
            "more than one session starts with `{prefix}`"
        ))),
    }
}

/// The newest run, else the newest session of any kind; says which on standard error.
///
/// What the user lands or endorses is a session of its own, and seldom what is asked about.
fn newest() -> Result<PathBuf, Failure> {
    let found = sessions()?.into_iter().filter_map(|(name, path)| {
        let log = log_in(&path);
        let written = fs::metadata(log.join(nucleus_audit::CHECKPOINT_FILE))
            .ok()?
            .modified()
            .ok()?;
        Some((written, name, log))
    });
    let mut all: Vec<_> = found.collect();
    all.sort();
    let run = all.iter().rev().find(|(.., log)| is_run(log));
    let (_, name, log) = run
        .or(all.last())
        .ok_or_else(|| Failure::new("there is no session yet; name a log directory"))?;
    let what = if run.is_some() { "run" } else { "session" };
    anstream::eprintln!("the newest {what}: {name}");
    Ok(log.clone())
}

/// Whether an agent was confined in the session, by its first record.
fn is_run(log: &Path) -> bool {
    let first = nucleus_audit::read(log)
        .ok()
        .and_then(|mut records| records.next()?.ok());
    first.is_some_and(|record| {
        matches!(&record.body.detail, Some(Detail::Start { boundary, layers, .. })
            if *boundary != Boundary::None || !layers.is_empty())
    })
}

/// The public key: the file named, or the user's own.
pub(crate) fn key(named: Option<&Path>) -> Result<nucleus_audit::VerifyingKey, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => nucleus_audit::public_key_path(&state_dir()?),
    };
    nucleus_audit::VerifyingKey::load(&path).map_err(|error| {
        Failure::new(format!(
            "{error}\nhelp: name the public key with `--key FILE`"
        ))
    })
}
