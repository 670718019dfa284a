//! Finds the log and the key that the command line means.

use std::fs;
use std::path::{Path, PathBuf};

use super::outcome::Failure;

/// Which log.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogArg {
    /// A log directory, or a session (at least 4 of its hex digits); without it, the newest session
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

/// The session whose log was written last.
fn newest() -> Result<PathBuf, Failure> {
    let written = |path: &PathBuf| {
        fs::metadata(path.join(nucleus_audit::CHECKPOINT_FILE))
            .and_then(|meta| meta.modified())
            .ok()
    };
    let logs = sessions()?.into_iter().map(|(_, path)| log_in(&path));
    logs.filter_map(|log| Some((written(&log)?, log)))
        .max()
        .map(|(_, log)| log)
        .ok_or_else(|| Failure::new("there is no session yet; name a log directory"))
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
