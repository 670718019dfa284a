//! The discovery table: names and the directories they count in.

mod around;
mod editor;
mod shape;
mod terminal;

use std::collections::HashMap;
use std::sync::LazyLock;

use self::shape::{Names, Shape};
use super::kind::{FileKind, Known};
use super::workload::workload;
use crate::client::Client;
use crate::model::Scope;

/// Every client with its files.
fn tables() -> impl Iterator<Item = &'static Names> {
    [terminal::NAMES, editor::NAMES, around::NAMES]
        .into_iter()
        .flatten()
}

/// An end of a path, and what it says.
type End = (&'static str, Known);

/// Ends of paths by the name they end with: a walk asks for every entry.
static BY_NAME: LazyLock<HashMap<&str, Vec<End>>> = LazyLock::new(|| {
    let mut rows: HashMap<&str, Vec<End>> = HashMap::new();
    for names in tables() {
        for (end, shape) in names.ends {
            let name = end.rsplit('/').next().unwrap_or(end);
            let row = (*end, said(names, *shape));
            rows.entry(name).or_default().push(row);
        }
    }
    rows
});

/// (a directory anywhere above, end of the name, what they say).
static BENEATH: LazyLock<Vec<(&str, &str, Known)>> = LazyLock::new(|| {
    let rows = tables().flat_map(|names| {
        let row = |row: &(&'static str, &'static str, Shape)| (row.0, row.1, said(names, row.2));
        names.beneath.iter().map(row)
    });
    rows.collect()
});

fn said(names: &Names, (kind, syntax): Shape) -> Known {
    Known::new(kind, names.client, syntax)
}

/// What the path of a file, relative to its root and with forward slashes, says.
pub(crate) fn known(path: &str) -> Option<Known> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut best: Option<(usize, Known)> = None;
    for (end, known) in BY_NAME.get(name).into_iter().flatten() {
        if ends_at_segment(path, end) && best.is_none_or(|(most, _)| end.len() > most) {
            best = Some((end.len(), *known));
        }
    }
    let beneath = BENEATH
        .iter()
        .find(|(directory, end, _)| name.ends_with(end) && contains_at_segment(path, directory));
    if let Some((_, _, known)) =
        beneath.filter(|_| best.is_none_or(|(length, _)| length <= name.len()))
    {
        best = Some((usize::MAX, *known));
    }
    let known = best
        .map(|(_, known)| known)
        .or_else(|| by_pattern(name))
        .or_else(|| workload(path, name))?;
    Some(Known {
        scope: scope_of(path, name, known.kind),
        ..known
    })
}

fn by_pattern(name: &str) -> Option<Known> {
    let dockerfile = name.starts_with("Dockerfile.")
        || name.ends_with(".Dockerfile")
        || name.ends_with(".dockerfile");
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    let compose = is_yaml && (name.starts_with("docker-compose.") || name.starts_with("compose."));
    let (client, shape) = if dockerfile {
        (Client::Container, shape::DOCKERFILE)
    } else if compose {
        (Client::Container, shape::COMPOSE)
    } else if name.ends_with(".gitlab-ci.yml") {
        (Client::Workflow, shape::PIPELINE)
    } else if name.ends_with(".code-workspace") {
        (Client::VsCode, shape::EDITOR)
    } else {
        return None;
    };
    Some(Known::new(shape.0, client, shape.1))
}

fn scope_of(path: &str, name: &str, kind: FileKind) -> Option<Scope> {
    let managed = ["managed-settings.json", "managed-mcp.json"];
    if matches!(kind, FileKind::Workflow | FileKind::Pipeline) {
        Some(Scope::Ci)
    } else if name == "settings.local.json" || name == "CLAUDE.local.md" {
        Some(Scope::Local)
    } else if managed.contains(&path) || path.starts_with(DROP_INS) {
        Some(Scope::System)
    } else {
        None
    }
}

/// Where an administrator keeps parts of Claude Code's settings, merged in the order of their names.
const DROP_INS: &str = "managed-settings.d/";

/// Whether a file is one of several that are laid over the managed settings.
pub(crate) fn is_drop_in(path: &str) -> bool {
    contains_at_segment(path, DROP_INS)
}

fn ends_at_segment(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

fn contains_at_segment(path: &str, directory: &str) -> bool {
    path.find(directory)
        .is_some_and(|at| at == 0 || path.as_bytes()[at - 1] == b'/')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FileKind, known, tables};
    use crate::client::Client;
    use crate::fuzz;
    use crate::model::Scope;
    use crate::read::read_yaml;

    /// A path for each row of the discovery table and each pattern.
    fn paths() -> Vec<String> {
        let rows = tables().flat_map(|names| {
            let ends = names.ends.iter().map(|(end, _)| (*end).to_owned());
            let beneath = names.beneath.iter();
            ends.chain(
                beneath.map(|(directory, end, _)| match directory.ends_with('/') {
                    true => format!("{directory}a{end}"),
                    false => format!("{directory}/a{end}"),
                }),
            )
        });
        let patterns = [
            "Dockerfile.dev",
            "dev.Dockerfile",
            "dev.dockerfile",
            "compose.dev.yaml",
            "docker-compose.dev.yml",
            "build.gitlab-ci.yml",
            "a.code-workspace",
        ];
        rows.chain(patterns.map(str::to_owned)).collect()
    }

    #[test]
    fn every_kind_of_file_has_a_name_to_fuzz() {
        let kinds = |paths: &mut dyn Iterator<Item = String>| -> BTreeSet<FileKind> {
            paths.filter_map(|path| Some(known(&path)?.kind)).collect()
        };
        let fuzzed = kinds(&mut fuzz::NAMES.iter().map(|name| (*name).to_owned()));
        let all = kinds(&mut paths().into_iter());
        assert!(all.is_subset(&fuzzed), "{all:?} {fuzzed:?}");
    }

    #[test]
    fn the_hook_for_commits_runs_on_every_name_that_is_read() {
        let text = include_str!("../../../../.pre-commit-hooks.yaml");
        let document = read_yaml(text);
        let crate::read::Kind::List(hooks) = &document.root.kind else {
            panic!("{document:?}");
        };
        let crate::read::Kind::Text(pattern) = &hooks[0].get("files").unwrap().value.kind else {
            panic!("{document:?}");
        };
        let files = regex::Regex::new(pattern).unwrap();
        let missing: Vec<String> = paths()
            .into_iter()
            .flat_map(|path| [format!("a/b/{path}"), path])
            .filter(|path| !files.is_match(path))
            .collect();
        assert_eq!(missing, [""; 0]);
        for path in [
            "src/main.rs",
            "README.md",
            "a/b.envrc.txt",
            "x.gitlab-ci.yml.txt",
        ] {
            assert!(!files.is_match(path), "{path}");
        }
    }

    #[test]
    fn the_longest_name_counts() {
        for (path, kind, client) in [
            (".mcp.json", FileKind::Settings, Client::Shared),
            ("a/b/.cursor/mcp.json", FileKind::Settings, Client::Cursor),
            (".kiro/settings/mcp.json", FileKind::Settings, Client::Kiro),
            (
                ".github/workflows/claude.yml",
                FileKind::Workflow,
                Client::Workflow,
            ),
            (
                ".claude/settings.local.json",
                FileKind::ClaudeSettings,
                Client::ClaudeCode,
            ),
            (
                ".claude/skills/x/SKILL.md",
                FileKind::Instructions,
                Client::ClaudeCode,
            ),
            (
                "docker-compose.dev.yml",
                FileKind::Compose,
                Client::Container,
            ),
            (".kiro/agents/x.json", FileKind::QAgent, Client::Kiro),
            (
                ".devcontainer/py/devcontainer.json",
                FileKind::Devcontainer,
                Client::Container,
            ),
        ] {
            let found = known(path).unwrap();
            assert_eq!((found.kind, found.client), (kind, client), "{path}");
        }
        for path in [
            "src/main.rs",
            "xmcp.json",
            "settings.json",
            "notes.md",
            "x.github/workflows/a.yml",
            "workflows/a.yml",
        ] {
            assert_eq!(known(path), None, "{path}");
        }
    }

    #[test]
    fn scopes_follow_the_name() {
        assert_eq!(
            known(".claude/settings.local.json").unwrap().scope,
            Some(Scope::Local)
        );
        assert_eq!(known(".claude/settings.json").unwrap().scope, None);
    }
}
