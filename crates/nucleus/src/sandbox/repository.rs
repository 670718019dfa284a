//! Sees what no single path shows: a repository that is taken apart, one that appears where none was, and what git's settings name.
//!
//! git obeys whatever it takes for a repository. Removing `.git/HEAD` hides the
//! user's own one, so that the next one above counts; a file named `HEAD`
//! outside `.git` can turn any directory into one with settings of its own.

use std::path::Path;

use portcullis::activation::is_activation_link;
use portcullis::path::{PathFault, RelPath};

use super::git_settings::{NamedByGit, UserFiles};
use crate::error::Error;
use crate::workspace::{Change, ChangeKind};

/// The repositories that a set of changes takes apart, and what the settings of others name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repositories {
    /// `.git/` of each, as a prefix of paths.
    taken_apart: Vec<Vec<u8>>,
    /// Each bare repository of the tree that a change reaches into, as a prefix of paths.
    bare: Vec<Vec<u8>>,
    named: NamedByGit,
}

impl Repositories {
    /// What these changes are judged against beside their paths.
    ///
    /// # Errors
    /// FAIL-CLOSED: git's settings that are there and cannot be read.
    pub(crate) fn around(
        root: &Path,
        user: UserFiles<'_>,
        changes: &[Change],
    ) -> Result<Self, Error> {
        let entries = changes.iter().map(|change| change.path.as_bytes());
        Ok(Self {
            bare: bare_repositories(root, changes),
            named: NamedByGit::around(root, user, entries)?,
            ..Self::of(changes)
        })
    }

    /// Those of which these changes remove the `HEAD`.
    fn of(changes: &[Change]) -> Self {
        let removed = changes
            .iter()
            .filter(|change| change.kind == ChangeKind::Delete);
        let taken_apart = removed.filter_map(|change| {
            let path = change.path.as_bytes();
            let dir = path.strip_suffix(b"HEAD")?;
            is_git_dir(dir).then(|| dir.to_vec())
        });
        Self {
            taken_apart: taken_apart.collect(),
            bare: Vec::new(),
            named: NamedByGit::default(),
        }
    }

    /// Whether the change removes part of such a repository, could make a new one, is a link
    /// that leads to an activation path, or touches what git's settings name.
    pub(crate) fn activates(&self, change: &Change) -> bool {
        let path = change.path.as_bytes();
        if self.named.touches(path) && !matches!(change.kind, ChangeKind::Directory { .. }) {
            return true;
        }
        if self.bare.iter().any(|dir| path.starts_with(dir)) {
            return true;
        }
        match &change.kind {
            ChangeKind::Delete => self.taken_apart.iter().any(|dir| path.starts_with(dir)),
            ChangeKind::Write { .. } => makes_repository(path),
            // FAIL-CLOSED: so does a link whose path has no canonical spelling.
            ChangeKind::Symlink { target } => {
                makes_repository(path)
                    || leads_to_activation(path, target)
                    || change
                        .path
                        .rel()
                        .is_none_or(|path| is_activation_link(path).is_some())
            }
            ChangeKind::Directory { .. } | ChangeKind::Mode { .. } => false,
        }
    }
}

/// The directories of the tree that git takes for a repository although they are
/// not called `.git`, among those above the changes.
fn bare_repositories(root: &Path, changes: &[Change]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut looked: std::collections::HashSet<&Path> = std::collections::HashSet::new();
    for change in changes {
        for dir in change.path.as_path().ancestors().skip(1) {
            if !looked.insert(dir) || dir.components().any(|part| part.as_os_str() == ".git") {
                continue;
            }
            let has = |name: &str| root.join(dir).join(name).symlink_metadata().is_ok();
            if has("HEAD") && (has("objects") || has("refs") || has("commondir")) {
                let mut prefix = dir.as_os_str().as_encoded_bytes().to_vec();
                if !prefix.is_empty() {
                    prefix.push(b'/');
                }
                found.push(prefix);
            }
        }
    }
    found
}

/// Whether the link's target, read from where the link stands, is something the
/// host runs or obeys, lies in a git directory, or is above such a thing.
///
/// FAIL-CLOSED: so is a target without a canonical spelling. One that leaves the
/// workspace is kept back for that reason already.
fn leads_to_activation(path: &[u8], target: &Path) -> bool {
    let Ok(link) = core::str::from_utf8(path) else {
        return true;
    };
    let Some(target) = target.to_str() else {
        return true;
    };
    if target.starts_with('/') {
        return false;
    }
    let above = link.rsplit_once('/').map_or("", |(above, _)| above);
    match RelPath::parse(format!("{above}/{target}").trim_start_matches('/')) {
        Ok(leads) => is_activation_link(&leads).is_some(),
        Err(error) => error.fault() != PathFault::Escapes,
    }
}

/// Whether the prefix ends in a directory named `.git`, in any spelling of its letters.
fn is_git_dir(prefix: &[u8]) -> bool {
    let lower = prefix.to_ascii_lowercase();
    lower == b".git/" || lower.ends_with(b"/.git/")
}

/// A `HEAD` anywhere but below `.git`, which has its own rules.
fn makes_repository(path: &[u8]) -> bool {
    let mut segments = path.rsplit(|byte| *byte == b'/');
    let is_head = segments
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"HEAD"));
    is_head && !segments.any(|dir| dir.eq_ignore_ascii_case(b".git"))
}

#[cfg(test)]
mod tests {
    use super::{
        Change, ChangeKind, Repositories, bare_repositories, is_git_dir, leads_to_activation,
        makes_repository,
    };

    #[test]
    fn a_head_outside_git_makes_a_repository() {
        for path in ["HEAD", "docs/HEAD", "docs/head", "a.git/HEAD"] {
            assert!(makes_repository(path.as_bytes()), "{path}");
        }
        for path in [
            ".git/HEAD",
            "sub/.git/HEAD",
            ".git/logs/HEAD",
            "src/HEAD.rs",
            "OVERHEAD",
        ] {
            assert!(!makes_repository(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_link_is_judged_by_where_it_leads() {
        let leads = |path: &str, target: &str| {
            leads_to_activation(path.as_bytes(), std::path::Path::new(target))
        };
        for (path, target) in [
            ("notes.txt", ".envrc"),
            ("docs/ci", "../.github/workflows"),
            ("g", ".git"),
            ("a/b", "../.git/config"),
            ("a/b", "x/../../.git/hooks"),
        ] {
            assert!(leads(path, target), "{path} -> {target}");
        }
        for (path, target) in [
            ("a/latest", "v1"),
            ("lib.so", "lib.so.1"),
            ("x", "../outside"),
        ] {
            assert!(!leads(path, target), "{path} -> {target}");
        }
    }

    #[test]
    fn a_bare_repository_of_the_tree_is_found_and_a_directory_is_not() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("fx/repo.git/objects")).unwrap();
        std::fs::create_dir_all(root.path().join("src")).unwrap();
        std::fs::write(root.path().join("fx/repo.git/HEAD"), "ref: refs/heads/main").unwrap();
        let change = |path: &str| Change {
            path: crate::workspace::EntryPath::from_bytes(path.as_bytes()),
            kind: ChangeKind::Delete,
            before: crate::workspace::Before::Absent,
            labels: portcullis::Exposure::NONE,
            origin: crate::workspace::Origin::Tool,
        };
        let inside = [change("fx/repo.git/config"), change("src/main.rs")];
        let found = bare_repositories(root.path(), &inside);
        assert_eq!(found, [b"fx/repo.git/".to_vec()]);
        assert!(bare_repositories(root.path(), &[change("src/main.rs")]).is_empty());
    }

    #[test]
    fn only_a_git_directory_is_taken_apart() {
        for prefix in [".git/", "sub/.git/", ".GIT/"] {
            assert!(is_git_dir(prefix.as_bytes()), "{prefix}");
        }
        for prefix in ["", ".git/logs/", "x.git/", ".git/refs/remotes/origin/"] {
            assert!(!is_git_dir(prefix.as_bytes()), "{prefix}");
        }
        assert_eq!(Repositories::of(&[]), Repositories::default());
    }
}
