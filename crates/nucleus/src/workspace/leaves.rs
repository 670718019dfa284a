//! Tells symbolic links that stay in the workspace from those that leave it.

use std::path::{Component, Path};

/// Whether a link at `link` (relative to the workspace) with this target leads out of the workspace at `root`.
///
/// Judged in the text: an absolute target beneath `root` stays, `..` counts from the link's own directory.
/// FAIL-CLOSED: an empty target leaves.
pub(crate) fn leaves(root: &Path, link: &Path, target: &Path) -> bool {
    let (mut depth, rest) = if target.is_absolute() {
        match target.strip_prefix(root) {
            Ok(rest) => (0, rest),
            Err(_) => return true,
        }
    } else {
        (link.components().count().saturating_sub(1), target)
    };
    for component in rest.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            Component::RootDir | Component::Prefix(_) => return true,
        }
    }
    target.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::leaves;
    use std::path::Path;

    #[test]
    fn targets_are_judged_from_the_links_own_directory() {
        let out = |link: &str, target: &str| {
            leaves(Path::new("/w/s"), Path::new(link), Path::new(target))
        };
        for (link, target) in [
            ("l", "a"),
            ("d/l", "../a"),
            ("l", "/w/s/a"),
            ("a/b/l", "../../c/./d"),
            ("l", "a/../b"),
        ] {
            assert!(!out(link, target), "{link} -> {target} stays");
        }
        for (link, target) in [
            ("l", "../a"),
            ("l", "/etc"),
            ("l", "/w/s2"),
            ("l", "a/../../b"),
            ("d/l", "../../x"),
            ("l", "/w/s/../x"),
            ("l", ""),
        ] {
            assert!(out(link, target), "{link} -> {target} leaves");
        }
    }
}
