//! Makes a user, a home and a world-readable copy, and takes all three away again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

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
    /// Makes user, home and a copy of the tracked files, the product's binaries and `tests`.
    pub(super) fn make(root: &Path, tests: &[&Path]) -> Result<Self, Failure> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Ordering::Relaxed)
        );
        let place = Self {
            user: format!("nucleus-{name}"),
            directory: std::env::temp_dir().join(format!("nucleus-user-{name}")),
            root: root.to_path_buf(),
        };
        sweep();
        fs::create_dir(&place.directory)?;
        open_to_all(&place.directory)?;
        place.add_user()?;
        place.copy_tree()?;
        place.copy_binaries(tests)?;
        Ok(place)
    }

    /// The user's name.
    pub(super) fn user(&self) -> &str {
        &self.user
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

    fn copy_binaries(&self, tests: &[&Path]) -> Result<(), Failure> {
        let release = self.root.join("target/release");
        let binaries = BINARIES.map(|name| release.join(name));
        for path in binaries
            .iter()
            .map(PathBuf::as_path)
            .chain(tests.iter().copied())
        {
            if !path.is_file() {
                return Err(format!("`{}` is not built", path.display()).into());
            }
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

/// Removes what a run that was killed could not: users and places of processes long gone.
fn sweep() {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    for user in passwd.lines().filter_map(left_over) {
        let _ = tool(Command::new("/usr/sbin/userdel").arg(user));
        let place = user.replacen("nucleus-", "nucleus-user-", 1);
        let _ = fs::remove_dir_all(std::env::temp_dir().join(place));
    }
}

/// The user of a line of the password file, if this program made it and has ended since.
fn left_over(line: &str) -> Option<&str> {
    let (user, _) = line.split_once(':')?;
    let (process, count) = user.strip_prefix("nucleus-")?.split_once('-')?;
    let is_ours = process.parse::<u32>().is_ok() && count.parse::<u32>().is_ok();
    (is_ours && !Path::new("/proc").join(process).exists()).then_some(user)
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

    #[test]
    fn only_users_of_ended_runs_are_swept() {
        let own = format!("nucleus-{}-0:x:1001:1001::/h:/bin/sh", std::process::id());
        assert_eq!(left_over(&own), None);
        assert_eq!(
            left_over("nucleus-4194999-3:x:1001:"),
            Some("nucleus-4194999-3")
        );
        assert_eq!(left_over("nucleus-agent-3:x:1001:"), None);
        assert_eq!(left_over("root:x:0:0:"), None);
    }

    /// A repository that only root can enter, with a tracked file and built binaries.
    fn closed_repository() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let root = outer.path().join("clone");
        fs::create_dir_all(root.join("target/release")).unwrap();
        fs::write(root.join("tracked"), "tracked").unwrap();
        fs::write(root.join("untracked"), "untracked").unwrap();
        for name in BINARIES {
            fs::write(root.join("target/release").join(name), "").unwrap();
        }
        for args in [&["init", "-q"][..], &["add", "tracked"]] {
            tool(Command::new("git").args(args).current_dir(&root)).unwrap();
        }
        (outer, root)
    }

    fn can_make_users() -> bool {
        rustix::process::geteuid().is_root()
            && Path::new("/usr/sbin/useradd").exists()
            && tool(Command::new("unshare").args(["--mount", "true"])).is_ok()
    }

    #[test]
    fn the_user_sees_the_copy_at_the_repositorys_path_and_nothing_of_root() {
        if !can_make_users() {
            println!(
                "SKIPPED: the_user_sees_the_copy_at_the_repositorys_path_and_nothing_of_root \
                 (missing: root with useradd and mount namespaces)"
            );
            return;
        }
        let (outer, root) = closed_repository();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        let place = Place::make(&root, &[]).unwrap();
        let script = "id -u; id -G; cat tracked; echo; ls untracked ../secret; touch tracked; \
                      touch \"$HOME/mine\" target/tmp/mine && echo; grep Cap /proc/self/status";
        let argv = ["sh", "-c", script].map(str::to_owned);
        let output = place.command(&root, &argv).output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let (user, directory) = (place.user.clone(), place.directory.clone());
        drop(place);

        let mut lines = told.lines();
        assert!(
            lines.next().unwrap().parse::<u32>().unwrap() >= 1000,
            "{told}"
        );
        assert!(
            !lines.next().unwrap().split(' ').any(|group| group == "0"),
            "{told}"
        );
        assert_eq!(lines.next(), Some("tracked"), "{told}");
        assert!(told.contains("CapEff:\t0000000000000000"), "{told}");
        let refused = String::from_utf8(output.stderr).unwrap();
        assert_eq!(refused.lines().count(), 3, "{refused}");
        assert!(!directory.exists());
        assert!(!fs::read_to_string("/etc/passwd").unwrap().contains(&user));
    }

    #[test]
    fn a_binary_that_is_not_built_is_an_error() {
        if !can_make_users() {
            println!(
                "SKIPPED: a_binary_that_is_not_built_is_an_error \
                 (missing: root with useradd and mount namespaces)"
            );
            return;
        }
        let (_outer, root) = closed_repository();
        fs::remove_file(root.join("target/release/nucleus")).unwrap();
        assert!(Place::make(&root, &[]).is_err());
    }
}
