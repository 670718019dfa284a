//! Finds the lockfiles of a workspace when a session starts, so that none that it writes counts.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use nucleus_egress::artifacts::{Artifacts, LOCKFILES};

use portcullis::path::RelPath;

use crate::report::Failure;

/// The deepest directory that is looked into.
const MAX_DEPTH: usize = 6;
/// The most lockfiles, and the most bytes of one.
const MAX_FILES: usize = 256;
const MAX_BYTES: u64 = 64 << 20;
/// Directories that others' lockfiles lie in.
const FOREIGN: [&str; 14] = [
    "node_modules",
    "bower_components",
    "jspm_packages",
    "target",
    "vendor",
    "third_party",
    "dist",
    "venv",
    "site-packages",
    "__pypackages__",
    "__pycache__",
    "_npx",
    "Pods",
    "Carthage",
];

/// The artifacts of every lockfile of the workspace, less those that a stranger may have written: a session that
/// saw untrusted content, or whoever left a file that git does not track.
///
/// # Errors
/// FAIL-CLOSED: exit code 125 for a lockfile that cannot be read as one.
pub(crate) fn artifacts(
    workspace: &Path,
    is_untrusted: &dyn Fn(&RelPath) -> bool,
) -> Result<Artifacts, Failure> {
    let mut found = Vec::new();
    look(workspace, 0, &mut found);
    let mut artifacts = Artifacts::default();
    for path in &found {
        let relative = path.strip_prefix(workspace).ok().and_then(Path::to_str);
        // FAIL-CLOSED: a name that cannot be judged is not trusted.
        let judged = relative.and_then(|text| RelPath::parse(text).ok());
        if judged.is_none_or(|path| is_untrusted(&path)) {
            let shown = relative.unwrap_or_default();
            warn(&format!(
                "the lockfile `{shown}` does not count: git does not track it, or untrusted content had a part in it; `nucleus endorse {shown}` trusts it as it is"
            ));
            continue;
        }
        let failed = |why: String| Failure::not_started(format!("`{}`: {why}", path.display()));
        let length = std::fs::metadata(path)
            .map_err(|error| failed(error.to_string()))?
            .len();
        if length > MAX_BYTES {
            return Err(failed(format!("a lockfile has at most {MAX_BYTES} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        artifacts
            .add(&name, &text)
            .map_err(|error| failed(error.to_string()))?;
    }
    if artifacts.has_weak() {
        warn("a lockfile has entries without a SHA-256 or SHA-512 hash: they cannot be installed");
    }
    if artifacts.is_empty() {
        warn(
            "`[registries] pinned` is on and no lockfile of the workspace has hashes: nothing can be installed",
        );
    }
    Ok(artifacts)
}

fn warn(line: &str) {
    anstream::eprintln!(
        "{}: {line}",
        crate::style::paint(crate::style::WARN, "warning")
    );
}

fn look(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    let mut entries: Vec<DirEntry> = entries.flatten().collect();
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link is not followed: it could lead anywhere.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_file() && LOCKFILES.contains(&name.as_str()) && found.len() < MAX_FILES {
            found.push(entry.path());
        }
        let is_own = !name.starts_with('.') && !FOREIGN.contains(&name.as_str());
        if kind.is_dir() && is_own && depth < MAX_DEPTH {
            look(&entry.path(), depth + 1, found);
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis::path::RelPath;

    use super::artifacts;

    #[test]
    fn lockfiles_are_found_below_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let line = |digit: char| format!("a==1 --hash=sha256:{}\n", digit.to_string().repeat(64));
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("requirements.txt", &line('1'));
        put("tools/x/requirements.txt", &line('2'));
        put("node_modules/a/requirements.txt", &line('3'));
        put(".venv/requirements.txt", &line('4'));
        let trusted = |_: &RelPath| false;
        assert_eq!(artifacts(dir.path(), &trusted).unwrap().len(), 2);
        let below = |path: &RelPath| path.to_string().starts_with("tools/");
        assert_eq!(artifacts(dir.path(), &below).unwrap().len(), 1);
        put("Cargo.lock", "not a lockfile");
        assert!(artifacts(dir.path(), &trusted).is_err());
    }
}
