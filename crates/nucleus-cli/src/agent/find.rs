//! Finds a program on the host and the directories it needs to be seen with.

use std::path::{Path, PathBuf};

use crate::home;

/// A program as found on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where it is, links followed.
    pub(crate) program: PathBuf,
    /// Directories outside the system's own that it needs, each shown read-only at the same path.
    pub(crate) views: Vec<PathBuf>,
    /// The name it is started by.
    pub(crate) start: PathBuf,
}

impl Found {
    /// The version manager whose shim this is, with its root: a shim starts a program that the jail does not see.
    pub(crate) fn shim(&self) -> Option<(String, PathBuf)> {
        let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
        if name(&self.program)? == "rustup" && name(&self.start)? != "rustup" {
            return Some(("rustup".to_owned(), self.start.parent()?.to_owned()));
        }
        let dir = self.start.parent()?;
        let root = dir.parent()?;
        let manager = name(root)?.trim_start_matches('.').to_owned();
        (name(dir)? == "shims" && !manager.is_empty()).then(|| (manager, root.to_owned()))
    }
}

/// What every jail sees already.
const SYSTEM: [&str; 5] = ["/usr", "/bin", "/sbin", "/lib", "/lib64"];

/// The program of that name or path, or `None` when the host has none.
pub(crate) fn find_program(name: &str, path: &std::ffi::OsStr) -> Option<Found> {
    let start = if name.contains('/') {
        std::path::absolute(name)
            .ok()
            .filter(|path| is_program(path))?
    } else {
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|path| is_program(path))?
    };
    let program = start.canonicalize().ok()?;
    let mut views = Vec::new();
    for seen in [&program, &start] {
        let dir = shown(seen);
        if !SYSTEM.iter().any(|system| dir.starts_with(system)) && !views.contains(&dir) {
            views.push(dir);
        }
    }
    Some(Found {
        program,
        views,
        start,
    })
}

/// A regular file that somebody may execute.
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What is shown for a program: its package's directory, or the file alone
/// where that directory would show the user's home.
fn shown(program: &Path) -> PathBuf {
    let dir = package_dir(program);
    let home = std::env::home_dir().and_then(|home| home.canonicalize().ok());
    let is_private = home::own_dirs().iter().any(|own| own.starts_with(&dir));
    if is_private || home.is_some_and(|home| home.starts_with(&dir)) {
        program.to_owned()
    } else {
        dir
    }
}

/// The directory that holds the program and what it loads: the one that holds
/// the outermost `node_modules`, the root of a virtual environment, or its own.
fn package_dir(program: &Path) -> PathBuf {
    let own = program.parent().unwrap_or(Path::new("/"));
    let modules = own
        .ancestors()
        .filter(|dir| dir.file_name().is_some_and(|n| n == "node_modules"));
    let environment = own.parent().filter(|dir| dir.join("pyvenv.cfg").is_file());
    modules.last().or(environment).unwrap_or(own).to_owned()
}

#[cfg(test)]
mod tests {
    use super::find_program;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_linked_package_is_seen_with_its_modules() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let package = root.join("lib/node_modules/@x/agent/bin");
        std::fs::create_dir_all(&package).unwrap();
        std::fs::create_dir(root.join("bin")).unwrap();
        let script = package.join("agent.js");
        std::fs::write(&script, "").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        symlink(&script, root.join("bin/agent")).unwrap();
        let found = find_program("agent", root.join("bin").as_os_str()).unwrap();
        assert_eq!(found.program, script);
        assert_eq!(
            found.views,
            [root.join("lib/node_modules"), root.join("bin")]
        );
        assert!(find_program("other", root.join("bin").as_os_str()).is_none());
    }

    #[test]
    fn a_shim_is_known_as_one_and_the_program_itself_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in [
            ".pyenv/shims/python",
            ".asdf/shims/node",
            ".pyenv/versions/3/bin/python",
            "cargo/bin/rustup",
        ] {
            let file = root.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink("rustup", root.join("cargo/bin/cargo")).unwrap();
        let manager = |name: &str| {
            let path = root.join(name).display().to_string();
            find_program(&path, "".as_ref())
                .unwrap()
                .shim()
                .map(|(manager, _)| manager)
        };
        assert_eq!(manager(".pyenv/shims/python").as_deref(), Some("pyenv"));
        assert_eq!(manager(".asdf/shims/node").as_deref(), Some("asdf"));
        assert_eq!(manager("cargo/bin/cargo").as_deref(), Some("rustup"));
        assert_eq!(manager(".pyenv/versions/3/bin/python"), None);
        assert_eq!(manager("cargo/bin/rustup"), None);
    }

    #[test]
    fn a_system_program_needs_no_view() {
        let found = find_program("sh", "/usr/bin:/bin".as_ref()).unwrap();
        assert!(found.views.is_empty(), "{found:?}");
    }
}
