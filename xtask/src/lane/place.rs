//! Makes a user, a home and a world-readable copy, and takes all three away again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::artifacts::Artifacts;
use super::tool;
use crate::Failure;

/// The binaries that users run.
const BINARIES: [&str; 2] = ["nucleus", "nucleus-audit"];

/// Binds the copy over the repository's path, becomes the user and runs the rest.
///
/// An ancestor of the repository that others cannot enter is covered by an empty directory
/// first (`$3`; `-` where there is none): the user reaches the copy and nothing beside it.
const ENTER: &str = r#"
set -eu
copy=$1 root=$2 closed=$3 directory=$4
shift 4
exec 9<"$copy"
if [ "$closed" != - ]; then
    mount -t tmpfs -o mode=755 nucleus-test "$closed"
    mkdir -p "$root"
fi
mount --bind /proc/self/fd/9 "$root"
exec 9<&-
cd "$directory"
exec "$@"
"#;

/// The user's place in the world; dropping it removes everything.
#[derive(Debug)]
pub(super) struct Place {
    user: String,
    directory: PathBuf,
    root: PathBuf,
}

impl Place {
    /// Makes user, home and copy.
    pub(super) fn make(root: &Path, artifacts: &Artifacts) -> Result<Self, Failure> {
        let id = std::process::id();
        let place = Self {
            user: format!("nucleus-t{id}"),
            directory: std::env::temp_dir().join(format!("nucleus-user-{id}")),
            root: root.to_path_buf(),
        };
        fs::create_dir(&place.directory)?;
        open_to_all(&place.directory)?;
        place.add_user()?;
        place.copy_tree()?;
        place.copy_binaries(artifacts)?;
        Ok(place)
    }

    /// A command that runs `argv` as the user in `directory`, with an environment of its own.
    pub(super) fn command(&self, directory: &Path, argv: &[String]) -> Command {
        let release = self.root.join("target/release");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", release.display());
        let mut command = Command::new("unshare");
        command
            .args([
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                ENTER,
                "sh",
            ])
            .arg(self.copy())
            .arg(&self.root)
            .arg(closed_ancestor(&self.root).unwrap_or_else(|| "-".into()))
            .arg(directory)
            .args([
                "setpriv",
                "--reuid",
                &self.user,
                "--regid",
                &self.user,
                "--init-groups",
            ])
            .args(["--inh-caps=-all", "env", "-i"])
            .arg(format!("HOME={}", self.home().display()))
            .arg(format!("USER={}", self.user))
            .arg(format!("LOGNAME={}", self.user))
            .arg(format!("PATH={path}"))
            .args(["LANG=C.UTF-8", "SHELL=/bin/bash", "NUCLEUS_TEST_LANE=user"])
            .arg(format!("CARGO_MANIFEST_DIR={}", directory.display()))
            .arg(format!("NUCLEUS_BIN={}", release.join("nucleus").display()))
            .args(std::env::var("CI").ok().map(|ci| format!("CI={ci}")))
            .args(argv);
        command
    }

    fn copy(&self) -> PathBuf {
        self.directory.join("tree")
    }

    fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    fn add_user(&self) -> Result<(), Failure> {
        let mut useradd = Command::new("/usr/sbin/useradd");
        useradd.args([
            "--create-home",
            "--user-group",
            "--shell",
            "/bin/bash",
            "--home-dir",
        ]);
        tool(useradd.arg(self.home()).arg(&self.user))
    }

    /// Copies the tracked files, as the index names them and the tree has them.
    fn copy_tree(&self) -> Result<(), Failure> {
        let listed = Command::new("git")
            .args(["-c", "safe.directory=*", "ls-files", "-z"])
            .current_dir(&self.root)
            .output()?;
        if !listed.status.success() {
            let said = String::from_utf8_lossy(&listed.stderr);
            return Err(format!("`git ls-files` failed: {}", said.trim()).into());
        }
        let names = listed
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty());
        for name in names {
            self.copy_one(Path::new(std::str::from_utf8(name)?))?;
        }
        let scratch = self.copy().join("target/tmp");
        fs::create_dir_all(&scratch)?;
        Ok(fs::set_permissions(
            &scratch,
            fs::Permissions::from_mode(0o1777),
        )?)
    }

    fn copy_binaries(&self, artifacts: &Artifacts) -> Result<(), Failure> {
        let release = self.root.join("target/release");
        let binaries = BINARIES.map(|name| release.join(name));
        for path in binaries
            .iter()
            .map(PathBuf::as_path)
            .chain(artifacts.executables())
        {
            self.copy_one(path.strip_prefix(&self.root)?)?;
        }
        tool(
            Command::new("chmod")
                .args(["--recursive", "a+rX"])
                .arg(self.copy()),
        )
    }

    /// Copies one file or symbolic link; a tracked file deleted from the tree is left out.
    fn copy_one(&self, name: &Path) -> Result<(), Failure> {
        let (from, to) = (self.root.join(name), self.copy().join(name));
        let Ok(kind) = from.symlink_metadata() else {
            return Ok(());
        };
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else if kind.is_file() {
            fs::copy(&from, &to)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is named: a left-over user is somebody's to notice.
        let removed = tool(Command::new("/usr/sbin/userdel").arg(&self.user));
        if let Err(failure) = removed {
            println!("could not remove the user: {failure}");
        }
        if let Err(error) = fs::remove_dir_all(&self.directory) {
            println!("could not remove `{}`: {error}", self.directory.display());
        }
    }
}

/// The topmost directory on the way to `path` that others cannot enter.
fn closed_ancestor(path: &Path) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    let is_closed = |directory: &&Path| {
        fs::metadata(directory).is_ok_and(|metadata| metadata.permissions().mode() & 0o001 == 0)
    };
    ancestors.into_iter().find(is_closed).map(Path::to_path_buf)
}

fn open_to_all(directory: &Path) -> Result<(), Failure> {
    Ok(fs::set_permissions(
        directory,
        fs::Permissions::from_mode(0o755),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_closed_ancestor_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        open_to_all(directory.path()).unwrap();
        assert_eq!(closed_ancestor(&inner), None);
        let outer = directory.path().join("outer");
        fs::set_permissions(&outer, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(closed_ancestor(&inner), Some(outer));
    }
}
