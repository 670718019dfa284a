//! Where the user's own files are: configuration and state, by the XDG variables.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The administrator's ceiling.
pub(crate) const CEILING: &str = "/etc/nucleus/policy.toml";

/// The user's configuration directory, `$XDG_CONFIG_HOME/nucleus`.
pub(crate) fn config_dir() -> io::Result<PathBuf> {
    base("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("nucleus"))
}

/// The state directory, `$XDG_STATE_HOME/nucleus`, made with mode 0700 where absent.
///
/// # Errors
/// When it cannot be made, is not a directory of the user's own, or others can enter it.
pub(crate) fn state_dir() -> io::Result<PathBuf> {
    let dir = base("XDG_STATE_HOME", ".local/state")?.join("nucleus");
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)?;
    check_private(&dir)?;
    dir.canonicalize()
}

/// The directories of our own that no jail may see: state and configuration, links followed.
pub(crate) fn own_dirs() -> Vec<PathBuf> {
    let dirs = [
        base("XDG_STATE_HOME", ".local/state"),
        base("XDG_CONFIG_HOME", ".config"),
    ];
    dirs.into_iter()
        .flatten()
        .map(|dir| dir.join("nucleus"))
        .map(|dir| dir.canonicalize().unwrap_or(dir))
        .collect()
}

/// FAIL-CLOSED: state that somebody else could change or read is not used.
fn check_private(dir: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(dir)?;
    let own = rustix_uid();
    if !found.is_dir() || found.uid() != own || found.mode() & 0o077 != 0 {
        let why = format!(
            "`{}` must be a directory of your own with mode 0700; run `chmod 700` on it",
            dir.display()
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

/// The user's own id.
#[cfg(target_os = "linux")]
fn rustix_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The owner of the home directory stands in where there is no Linux call.
#[cfg(not(target_os = "linux"))]
fn rustix_uid() -> u32 {
    home()
        .and_then(std::fs::metadata)
        .map_or(u32::MAX, |found| found.uid())
}

/// The directory that the variable names, or the usual one below the home directory.
///
/// A relative value is ignored, as the XDG specification says.
fn base(variable: &str, usual: &str) -> io::Result<PathBuf> {
    match std::env::var_os(variable).map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => Ok(dir),
        _ => home().map(|home| home.join(usual)),
    }
}

/// The home directory.
pub(crate) fn home() -> io::Result<PathBuf> {
    std::env::home_dir()
        .filter(|dir| dir.is_absolute())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "HOME is not set to an absolute path",
            )
        })
}
