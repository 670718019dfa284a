//! Starts programs of the host that no agent can have put there.
//!
//! A `PATH` often leads through a workspace: an active virtual environment, a project's `bin`, the
//! `node_modules/.bin` of whoever started us. What lies there is the agent's, and so is what a program loads
//! from there. Neither is found or seen by what is started here. A workspace is this session's, and every
//! directory in which a session has run.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nucleus::state::StateDir;

/// Variables that make interpreters load more than the program says, wherever that lies.
const LOADERS: [&str; 10] = [
    "LD_AUDIT",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PERL5OPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "VIRTUAL_ENV",
];

/// The host's programs outside every workspace.
#[derive(Clone, Debug)]
pub(crate) struct HostPrograms {
    /// This session's workspace, links followed.
    workspace: PathBuf,
    /// What knows the workspaces of other sessions.
    state: StateDir,
    /// The directories that are searched: absolute, and outside every workspace.
    path: Vec<PathBuf>,
}

impl HostPrograms {
    /// The programs of this process's `PATH` outside this workspace and those that the state knows.
    pub(crate) fn outside(workspace: &Path, state: &StateDir) -> Self {
        Self::of_path(
            &std::env::var_os("PATH").unwrap_or_default(),
            workspace,
            state,
        )
    }

    fn of_path(path: &OsStr, workspace: &Path, state: &StateDir) -> Self {
        let mut own = Self {
            workspace: workspace
                .canonicalize()
                .unwrap_or_else(|_| workspace.to_owned()),
            state: state.clone(),
            path: Vec::new(),
        };
        own.path = std::env::split_paths(path)
            .filter(|dir| dir.is_absolute() && !own.is_agents(dir))
            .collect();
        own
    }

    /// Whether a path, or where its links lead, lies in a workspace, where an agent writes.
    ///
    /// FAIL-CLOSED: what cannot be followed is the agent's; of a path that is not there yet, what is there counts.
    pub(crate) fn is_agents(&self, path: &Path) -> bool {
        let is_outside = |found: PathBuf| {
            !found.starts_with(&self.workspace)
                && matches!(self.state.nearest_workspace(&found), Ok(None))
        };
        path.starts_with(&self.workspace) || !followed(path).is_ok_and(is_outside)
    }

    /// The file of a program, named by itself or by an absolute path.
    ///
    /// # Errors
    /// FAIL-CLOSED: a sentence that says why it is none: not found, named by a relative path, or in a workspace.
    pub(crate) fn find(&self, program: &str) -> Result<PathBuf, String> {
        let named = Path::new(program);
        let found = if named.is_absolute() {
            named.to_owned()
        } else if named.components().count() != 1 || program.contains('/') {
            return Err("the program is named by a relative path".to_owned());
        } else {
            let files = self.path.iter().map(|dir| dir.join(named));
            files
                .into_iter()
                .find(|file| is_executable(file))
                .ok_or_else(|| format!("there is no program `{program}` outside the workspaces"))?
        };
        if self.is_agents(&found) {
            return Err("the program lies in a workspace, where an agent writes".to_owned());
        }
        Ok(found)
    }

    /// A program to start outside every workspace, with the user's environment less what leads into one.
    ///
    /// # Errors
    /// As [`HostPrograms::find`].
    pub(crate) fn command(&self, program: &str) -> Result<Command, String> {
        let mut command = Command::new(self.find(program)?);
        for (name, value) in std::env::vars_os() {
            if LOADERS.iter().any(|loader| name == *loader) || self.leads_inside(&value) {
                command.env_remove(name);
            }
        }
        command
            .env("PATH", self.search_path())
            .current_dir("/")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        Ok(command)
    }

    fn search_path(&self) -> OsString {
        // None of them holds a colon: they were split at those.
        std::env::join_paths(&self.path).unwrap_or_default()
    }

    /// Whether a variable names something in a workspace, alone or in a list.
    fn leads_inside(&self, value: &OsStr) -> bool {
        let (value_bytes, inside) = (value.as_bytes(), self.workspace.as_os_str().as_bytes());
        let is_named = value_bytes
            .windows(inside.len())
            .any(|window| window == inside);
        is_named
            || std::env::split_paths(value).any(|path| path.is_absolute() && self.is_agents(&path))
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Where a path leads, or as much of it as is there.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut there = path;
    loop {
        match there.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !there.is_symlink() => {
                there = there.parent().ok_or(error)?;
            }
            found => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::{Path, PathBuf};

    use super::{HostPrograms, StateDir};

    fn state(dir: &Path) -> StateDir {
        StateDir::open(&dir.join("state")).unwrap()
    }

    fn program(dir: &Path, name: &str) -> PathBuf {
        std::fs::create_dir_all(dir).unwrap();
        let path = dir.join(name);
        std::fs::write(&path, "#!/bin/sh\necho it ran\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_program_of_the_workspace_is_not_found_and_the_hosts_own_is() {
        let (dir, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let workspace = dir.path().canonicalize().unwrap();
        let outside = host.path().canonicalize().unwrap();
        let planted = program(&workspace.join(".venv/bin"), "tool");
        let own = program(&outside.join("bin"), "tool");
        symlink(workspace.join(".venv/bin"), outside.join("linked")).unwrap();
        symlink(&planted, outside.join("bin/link")).unwrap();
        program(&workspace.join(".venv/bin"), "only-there");
        let path = std::env::join_paths([
            PathBuf::from(".venv/bin"),
            workspace.join(".venv/bin"),
            outside.join("linked"),
            outside.join("bin"),
        ]);
        let path: OsString = path.unwrap();
        let programs = HostPrograms::of_path(&path, &workspace, &state(&outside));
        assert_eq!(programs.find("tool"), Ok(own.clone()));
        assert_eq!(programs.find(own.to_str().unwrap()), Ok(own));
        for refused in [
            "only-there",
            "link",
            planted.to_str().unwrap(),
            "./tool",
            "bin/tool",
            "",
            "nowhere",
        ] {
            assert!(programs.find(refused).is_err(), "{refused}");
        }
        // The twin: in no workspace, the same file is a program like any other.
        let elsewhere = HostPrograms::of_path(&path, &outside.join("ws"), &state(&outside));
        assert_eq!(
            elsewhere.find("only-there"),
            Ok(workspace.join(".venv/bin/only-there"))
        );
    }

    #[test]
    fn what_cannot_be_followed_is_taken_for_the_agents() {
        let (dir, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (dir, host) = (
            dir.path().canonicalize().unwrap(),
            host.path().canonicalize().unwrap(),
        );
        let state = state(&host);
        let other = dir.join("other");
        std::fs::create_dir(&other).unwrap();
        let live = state.make_workspace(&other).unwrap().join("live");
        std::fs::write(live, "").unwrap();
        let programs = HostPrograms::of_path("/usr/bin".as_ref(), &dir.join("ws"), &state);
        let (circle, dangling) = (host.join("circle"), host.join("dangling"));
        symlink(&circle, &circle).unwrap();
        symlink(dir.join("ws/bin"), &dangling).unwrap();
        for path in [
            other.join("bin/not-there-yet"),
            circle.join("bin"),
            dangling.join("tool"),
        ] {
            assert!(programs.is_agents(&path), "{}", path.display());
        }
        // The twin: what is not there yet, where no session has run.
        assert!(!programs.is_agents(&host.join("bin/not-there-yet")));
    }

    #[test]
    fn what_leads_into_the_workspace_is_not_passed_on() {
        let (dir, host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let workspace = dir.path().canonicalize().unwrap();
        let path = "/usr/bin:/bin".as_ref();
        let programs = HostPrograms::of_path(path, &workspace, &state(host.path()));
        let inside = workspace.join("x");
        for (value, leads) in [
            (inside.as_os_str().to_owned(), true),
            (format!("/usr/lib:{}", inside.display()).into(), true),
            (format!("--require={}", inside.display()).into(), true),
            ("/usr/lib".into(), false),
            ("words and words".into(), false),
        ] {
            let value: OsString = value;
            assert_eq!(programs.leads_inside(&value), leads, "{value:?}");
        }
        let output = programs
            .command("sh")
            .unwrap()
            .args(["-c", "echo $PATH; pwd"])
            .output();
        let said = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_eq!(said, "/usr/bin:/bin\n/\n");
    }
}
