//! The state directory: private to the user, one directory for each session and each workspace.
//!
//! ```text
//! <root>/sessions/<session id>/      log/  window.json  exposure  staged/ …
//! <root>/workspaces/<digest>/        live  exposure  labels …
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use portcullis::digest::ContentDigest;
use portcullis::request::SessionId;

/// The root of all state; its directories have mode 0700 and belong to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDir {
    root: PathBuf,
}

impl StateDir {
    /// Where, in the directory of a workspace, its staged changes and labels are.
    pub const VIEW: &str = "workspace";

    /// The file that every session on a workspace holds while it runs; it stays.
    pub(crate) const LIVE: &str = "live";

    /// State below `root`, which is made when it does not exist.
    ///
    /// # Errors
    /// When it cannot be made, belongs to another user or is open to others.
    pub fn open(root: &Path) -> io::Result<Self> {
        make_private(root).map_err(|error| {
            let what = format!(
                "cannot make the state directory `{}`: {error}",
                root.display()
            );
            let help = "set XDG_STATE_HOME to a directory of yours that can be written";
            io::Error::new(error.kind(), format!("{what}\nhelp: {help}"))
        })?;
        check_private(root)?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// `$XDG_STATE_HOME/nucleus`, else `$HOME/.local/state/nucleus`.
    ///
    /// The one place of this crate that reads the environment.
    ///
    /// # Errors
    /// As [`StateDir::open`], and when neither variable is an absolute path.
    pub fn of_user() -> io::Result<Self> {
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let base = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .ok_or_else(|| {
                io::Error::other("neither XDG_STATE_HOME nor HOME is an absolute path")
            })?;
        Self::open(&base.join("nucleus"))
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a session keeps its state; the directory may not exist.
    #[must_use]
    pub fn session(&self, session: SessionId) -> PathBuf {
        self.root.join("sessions").join(session.to_string())
    }

    /// Where masks over what jails are shown are kept; the directory may not exist.
    #[must_use]
    pub fn views(&self) -> PathBuf {
        self.root.join("views")
    }

    /// Makes the directory of a new session.
    ///
    /// # Errors
    /// When it exists or cannot be made.
    pub fn make_session(&self, session: SessionId) -> io::Result<PathBuf> {
        make_private(&self.root.join("sessions"))?;
        let dir = self.session(session);
        DirBuilder::new().mode(0o700).create(&dir)?;
        Ok(dir)
    }

    /// Makes, where needed, the directory that all sessions on the workspace share.
    ///
    /// # Errors
    /// When the workspace has no canonical path or the directory cannot be made.
    pub fn make_workspace(&self, workspace: &Path) -> io::Result<PathBuf> {
        let dir = self.workspace(&fs::canonicalize(workspace)?);
        make_private(&dir)?;
        Ok(dir)
    }

    /// The directory, or the nearest one above it, in which a session has run; links followed.
    ///
    /// # Errors
    /// When the directory has no canonical path.
    pub fn nearest_workspace(&self, dir: &Path) -> io::Result<Option<PathBuf>> {
        let dir = fs::canonicalize(dir)?;
        let has_run = |dir: &&Path| self.workspace(dir).join(Self::LIVE).is_file();
        Ok(dir.ancestors().find(has_run).map(Path::to_owned))
    }

    /// Where the state of a workspace is, by its canonical path.
    fn workspace(&self, canonical: &Path) -> PathBuf {
        use std::os::unix::ffi::OsStrExt as _;
        let digest = ContentDigest::of(canonical.as_os_str().as_bytes());
        self.root.join("workspaces").join(digest.to_string())
    }
}

/// Makes a directory and those above it with mode 0700 where they do not exist.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Checks that a directory is the user's and closed to others.
fn check_private(dir: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(dir)?;
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_dir() || meta.uid() != own || meta.mode() & 0o077 != 0 {
        let text = format!(
            "state directory `{}` must be yours with mode 0700",
            dir.display()
        );
        return Err(io::Error::other(text));
    }
    Ok(())
}

/// Replaces a file's content so that a crash leaves the old bytes or the new ones.
///
/// # Errors
/// When any step fails; the old content is then still there.
pub fn replace_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = file
        .parent()
        .ok_or_else(|| io::Error::other("a file without a directory"))?;
    let temporary = file.with_extension("new");
    let mut handle = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    handle.write_all(bytes)?;
    handle.sync_all()?;
    fs::rename(&temporary, file)?;
    File::open(dir)?.sync_all()
}

/// A session number from the kernel's randomness.
///
/// # Errors
/// When the kernel gives none.
pub fn new_session_id() -> io::Result<SessionId> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(SessionId::from_bytes(bytes))
}
