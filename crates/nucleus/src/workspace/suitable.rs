//! Refuses directories that must not or cannot be a workspace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::WorkspaceError;
use super::tree::Tree;

/// File systems on which overlays and exchange are known to hold, by their magic numbers (`linux/magic.h`).
const KNOWN: &[(i64, &str)] = &[
    (0xef53, "ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683e, "btrfs"),
    (0x0102_1994, "tmpfs"),
];

/// The canonical path of a directory that may be a workspace.
pub(crate) fn check_root(
    root: &Path,
    state_dir: &Path,
    forbidden: &[PathBuf],
) -> Result<PathBuf, WorkspaceError> {
    let refuse = |why: String, help| WorkspaceError::Unsuitable {
        root: root.to_path_buf(),
        why,
        help,
    };
    let path = root
        .canonicalize()
        .map_err(|error| refuse(error.to_string(), "name an existing directory"))?;
    if !path.is_dir() {
        return Err(refuse("it is not a directory".into(), "name a directory"));
    }
    if path.parent().is_none() {
        return Err(refuse(
            "it is the root of the file system".into(),
            "name a project directory",
        ));
    }
    for other in forbidden.iter().filter_map(|dir| dir.canonicalize().ok()) {
        if other.starts_with(&path) {
            let why = format!("it holds `{}`", other.display());
            return Err(refuse(why, "name a project directory below it"));
        }
    }
    let state = nearest_existing(state_dir);
    if state.starts_with(&path) {
        let why = format!("it holds the state directory `{}`", state_dir.display());
        return Err(refuse(why, "keep the state outside of the workspace"));
    }
    if path.starts_with(&state) && state_dir.exists() {
        let why = format!("it lies in the state directory `{}`", state_dir.display());
        return Err(refuse(why, "keep the state outside of the workspace"));
    }
    Ok(path)
}

/// The canonical path of the directory, or of the nearest one above that exists.
fn nearest_existing(dir: &Path) -> PathBuf {
    dir.ancestors()
        .find_map(|above| {
            let rest = dir.strip_prefix(above).ok()?;
            Some(above.canonicalize().ok()?.join(rest))
        })
        .unwrap_or_else(|| dir.to_path_buf())
}

/// Refuses a file system that is not known to keep the promises of overlay and exchange.
pub(crate) fn check_filesystem(tree: &Tree) -> Result<(), WorkspaceError> {
    let found =
        rustix::fs::fstatfs(tree).map_err(WorkspaceError::io("stat", tree.path().display()))?;
    let magic = found.f_type;
    if KNOWN.iter().any(|(known, _)| *known == magic) {
        return check_names(tree);
    }
    // FAIL-CLOSED: an unknown file system.
    Err(WorkspaceError::Unsuitable {
        root: tree.path().to_path_buf(),
        why: format!("its file system (type {magic:#x}) is not known to hold"),
        help: "use a directory on ext4, xfs, btrfs or tmpfs",
    })
}

/// The mark of a directory that folds names, `FS_CASEFOLD_FL` in `linux/fs.h`.
const CASEFOLD: u32 = 0x4000_0000;

/// Refuses a directory in which a file answers to other spellings of its name.
///
/// Rules, whiteouts and labels go by the bytes of a name; there one file would have several.
fn check_names(tree: &Tree) -> Result<(), WorkspaceError> {
    let failed = WorkspaceError::io("read", tree.path().display());
    let marked = rustix::fs::ioctl_getflags(tree).is_ok_and(|flags| flags.bits() & CASEFOLD != 0);
    let entries = rustix::fs::Dir::read_from(tree).map_err(failed)?;
    let names: BTreeSet<Vec<u8>> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_bytes().to_vec())
        .collect();
    let is_found =
        |name: &[u8]| rustix::fs::statat(tree, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).is_ok();
    if !marked && !folds(&names, is_found) {
        return Ok(());
    }
    Err(WorkspaceError::Unsuitable {
        root: tree.path().to_path_buf(),
        why: "small and capital letters are one name in it".to_owned(),
        help: "use a directory whose file system tells them apart (`lsattr -d` shows no `F`)",
    })
}

/// Whether a name that is not there is found all the same, by the first entry that has letters.
fn folds(names: &BTreeSet<Vec<u8>>, is_found: impl Fn(&[u8]) -> bool) -> bool {
    let other = |name: &[u8]| -> Vec<u8> {
        let flip = |byte: &u8| byte ^ (u8::from(byte.is_ascii_alphabetic()) << 5);
        name.iter().map(flip).collect()
    };
    let absent = names
        .iter()
        .map(|name| other(name))
        .find(|flipped| !names.contains(flipped));
    absent.is_some_and(|flipped| is_found(&flipped))
}

#[cfg(test)]
mod tests {
    use super::{check_root, folds};
    use std::path::Path;

    #[test]
    fn a_name_that_answers_to_another_spelling_is_noticed() {
        let set = |names: &[&str]| names.iter().map(|name| name.as_bytes().to_vec()).collect();
        let names: std::collections::BTreeSet<Vec<u8>> = set(&[".", "..", ".git", "README"]);
        let as_written = |name: &[u8]| names.iter().any(|other| other == name);
        let folding = |name: &[u8]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        assert!(folds(&names, folding));
        assert!(!folds(&names, as_written));
        // Both spellings are files of their own: the next entry decides.
        let both = set(&["a", "A", "b"]);
        assert!(!folds(&both, |name| both.iter().any(|other| other == name)));
        assert!(folds(&both, |name| both
            .iter()
            .any(|other| other.eq_ignore_ascii_case(name))));
        assert!(!folds(&set(&["1"]), |_| true));
    }

    #[test]
    fn the_root_a_home_and_the_state_directory_are_refused_and_a_project_is_not() {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join("project");
        std::fs::create_dir(&project).unwrap();
        let state = home.path().join("state/w");
        let check =
            |root: &Path, state: &Path| check_root(root, state, &[home.path().to_path_buf()]);
        assert!(check(&project, &state).is_ok());
        assert!(
            check(Path::new("/"), &state)
                .unwrap_err()
                .to_string()
                .contains("root of the file system")
        );
        assert!(
            check(home.path(), Path::new("/nonexistent"))
                .unwrap_err()
                .to_string()
                .contains("it holds")
        );
        assert!(
            check(&project, &project.join(".state"))
                .unwrap_err()
                .to_string()
                .contains("state directory")
        );
        assert!(
            check(&project, home.path())
                .unwrap_err()
                .to_string()
                .contains("lies in the state")
        );
        assert!(check(&project.join("none"), &state).is_err());
    }
}
