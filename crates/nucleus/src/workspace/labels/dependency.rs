//! Knows the directories where tools put other people's code.

/// Names of directories, at any depth, compared without regard to ASCII case.
const NAMES: &[&str] = &[
    "node_modules",
    "bower_components",
    "jspm_packages",
    "vendor",
    ".venv",
    "venv",
    "site-packages",
    "__pypackages__",
    ".tox",
    ".nox",
    ".eggs",
    "_npx",
    ".pnpm-store",
    ".yarn",
    "Pods",
    "Carthage",
    ".bundle",
    "third_party",
    ".gradle",
    ".m2",
];

/// Whether a directory of this name, met anywhere in a path, holds dependencies.
pub(crate) fn is_dependency_name(name: &[u8]) -> bool {
    NAMES
        .iter()
        .any(|known| known.as_bytes().eq_ignore_ascii_case(name))
}

/// Whether the path is a dependency tree or in one.
pub(crate) fn is_dependency(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(is_dependency_name)
}

#[cfg(test)]
mod tests {
    use super::is_dependency;

    #[test]
    fn dependency_trees_are_known_by_whole_names() {
        for path in [
            "node_modules/a/index.js",
            "a/Vendor/b",
            ".venv/bin/python",
            "x/site-packages",
        ] {
            assert!(is_dependency(path.as_bytes()), "{path}");
        }
        for path in ["src/vendor.rs", "node_modules.txt", "inventory/a"] {
            assert!(!is_dependency(path.as_bytes()), "{path}");
        }
    }
}
