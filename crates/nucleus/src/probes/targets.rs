//! What the attempts are aimed at: files, sockets and a process of the host's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// The file that the activation attempt writes.
pub(super) const ACTIVATION: &str = ".envrc";

/// Targets on the host, gone when dropped.
#[derive(Debug)]
pub(super) struct Targets {
    dir: PathBuf,
    workspace: PathBuf,
    token: String,
    tcp: TcpListener,
    _unix: UnixListener,
    _abstract: UnixListener,
}

impl Targets {
    pub(super) fn new(scratch: &Path) -> io::Result<Self> {
        let token = crate::state::new_session_id()?.to_string();
        let dir = scratch.join(format!("probe-{token}"));
        let workspace = dir.join("workspace");
        fs::create_dir_all(&workspace)?;
        let dir = fs::canonicalize(dir)?;
        let workspace = dir.join("workspace");
        // World-readable, so that nothing but the jail keeps the attempt away.
        fs::write(dir.join("canary"), &token)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(dir.join("canary"), fs::Permissions::from_mode(0o644))?;
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        let socket = bind_near(&dir)?;
        fs::set_permissions(dir.join("socket"), fs::Permissions::from_mode(0o777))?;
        Ok(Self {
            _abstract: bind_abstract(&token)?,
            _unix: socket,
            dir,
            workspace,
            token,
            tcp,
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// The arguments of [`super::inside_main`].
    pub(super) fn arguments(&self, workspace_inside: &str) -> Vec<OsString> {
        let port = self.tcp.local_addr().map_or(0, |address| address.port());
        let own_command = fs::read("/proc/self/cmdline").unwrap_or_default();
        vec![
            self.dir.join("canary").into(),
            self.dir.join("socket").into(),
            self.token.clone().into(),
            port.to_string().into(),
            std::process::id().to_string().into(),
            portcullis::ContentDigest::of(&own_command)
                .to_string()
                .into(),
            workspace_inside.into(),
        ]
    }

    /// The attempts that only the outside can judge, and what it saw.
    pub(super) fn seen_from_outside(&self) -> Vec<(&'static str, String)> {
        let is_reached = fs::symlink_metadata(self.workspace.join(ACTIVATION)).is_ok();
        let reached = || ("activation", "the real tree was changed".to_owned());
        is_reached.then(reached).into_iter().collect()
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        // A target that stays behind is a directory with a random number in it.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A socket in the directory, bound by a short relative path: socket paths hold 107 bytes.
fn bind_near(dir: &Path) -> io::Result<UnixListener> {
    let handle = fs::File::open(dir)?;
    let through = format!(
        "/proc/self/fd/{}/socket",
        std::os::fd::AsRawFd::as_raw_fd(&handle)
    );
    UnixListener::bind(through)
}

fn bind_abstract(token: &str) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt as _;
    let name = format!("nucleus-probe-{token}");
    UnixListener::bind_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)
}
