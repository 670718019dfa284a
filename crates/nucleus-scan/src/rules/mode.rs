//! Configuration that others on the machine may rewrite, by the modes of its file, its directory and the scripts its hooks run.
//!
//! **Modes only**: access lists and what the kernel does not say of a foreign file system are not seen.

use std::path::{Path, PathBuf};

use crate::discover::FileKind;
use crate::model::{Agent, HookAction, Place};
use crate::read::SourceFile;

use super::line::script;
use super::report::{Report, shown_at};
use super::table::WRITABLE_AGENT_CONFIG;

/// Judges the file, the directory it is in, and every script of its directory tree that a hook runs.
pub(super) fn judge(file: &SourceFile, agents: &[Agent], report: &mut Report<'_>) {
    if !is_configuration(file.kind) {
        return;
    }
    let Ok(path) = file.name.path.canonicalize() else {
        return;
    };
    let start = || file.place(0..0, "");
    one(&path, "the file", start(), report);
    let directory = path
        .parent()
        .filter(|directory| directory.starts_with(&file.root));
    if let Some(directory) = directory {
        one(directory, "the directory of the file", start(), report);
    }
    for (place, script) in scripts(file, agents) {
        one(&script, "a script that a hook runs", place, report);
    }
}

fn is_configuration(kind: FileKind) -> bool {
    !matches!(
        kind,
        FileKind::Workflow
            | FileKind::Pipeline
            | FileKind::Environment
            | FileKind::Devcontainer
            | FileKind::Dockerfile
            | FileKind::Compose
            | FileKind::PackageJson
            | FileKind::Workload
            | FileKind::Unknown
    )
}

fn one(path: &Path, what: &str, place: Place, report: &mut Report<'_>) {
    let Some(who) = writers(path) else { return };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    report.add(
        WRITABLE_AGENT_CONFIG,
        None,
        format!("{what} can be rewritten by {who}"),
        vec![shown_at(place, &format!("{name}: writable by {who}"))],
    );
}

/// Scripts of hooks beneath the root, each once, with the place that names it.
fn scripts(file: &SourceFile, agents: &[Agent]) -> Vec<(Place, PathBuf)> {
    let mut found: Vec<(Place, PathBuf)> = Vec::new();
    for hook in agents.iter().flat_map(|agent| &agent.hooks) {
        let HookAction::Command(literal) = &hook.action else {
            continue;
        };
        for line in script(file, literal) {
            for (at, word) in line.argv().iter().enumerate() {
                let named = beneath(file, word)
                    .filter(|path| !found.iter().any(|(_, known)| known == path));
                found.extend(named.map(|path| (line.place(at).clone(), path)));
            }
        }
    }
    found
}

/// The regular file beneath the root that a word names, however it names the root.
fn beneath(file: &SourceFile, word: &str) -> Option<PathBuf> {
    let plain = [
        "$CLAUDE_PROJECT_DIR",
        "${CLAUDE_PROJECT_DIR}",
        "${CLAUDE_PLUGIN_ROOT}",
        "$HOME",
        "${HOME}",
        "~",
        ".",
    ]
    .iter()
    .find_map(|start| word.strip_prefix(start)?.strip_prefix('/'))
    .unwrap_or(word);
    if plain.is_empty() || plain.starts_with(['-', '$']) {
        return None;
    }
    let path = file.root.join(plain).canonicalize().ok()?;
    (path.starts_with(&file.root) && path.is_file()).then_some(path)
}

/// Who beside the owner may write. A group that is the owner's own does not count, nor a directory in which only owners may replace files.
#[cfg(unix)]
fn writers(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let data = path.metadata().ok()?;
    let (mode, is_own_group) = (data.mode(), data.gid() == data.uid());
    if data.is_dir() && mode & 0o1000 != 0 {
        return None;
    }
    match (mode & 0o002 != 0, mode & 0o020 != 0 && !is_own_group) {
        (true, _) => Some("everybody on this machine"),
        (false, true) => Some("everybody in its group"),
        (false, false) => None,
    }
}

#[cfg(not(unix))]
fn writers(_path: &Path) -> Option<&'static str> {
    None
}
