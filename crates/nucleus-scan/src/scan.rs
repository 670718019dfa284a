//! One scan: walk, read, understand, judge.

mod each;
mod file;
mod guard;
pub(crate) mod load;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discover::{
    Candidate, home_files, known, moved_files, system_files, usual_directory, walk,
};
use crate::model::{Broken, Finding, Scan, Scope};
use crate::project;
use crate::rules::Surroundings;
use crate::suppress;

/// Where to look. Each root is optional; nothing outside them is opened, whatever a link says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Repositories, or single files that are named outright.
    pub projects: Vec<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Directories of the home that are elsewhere; a client that moves one reads nothing at the usual place.
    pub moved: Vec<Moved>,
    /// The root of the system, `/` in life and a directory in tests.
    pub system: Option<PathBuf>,
}

/// A directory of the home that is elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The variable that says so, one of [`MOVING_VARIABLES`](crate::MOVING_VARIABLES); others move nothing.
    pub variable: String,
    /// Where it is.
    pub directory: PathBuf,
}

/// How to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Today as `YYYY-MM-DD`: a suppression that ran out before does not count. Empty: none has run out.
    pub today: String,
}

/// A root while it is scanned.
pub(crate) struct Root {
    /// Canonical: what is opened lies beneath it.
    pub(crate) path: PathBuf,
    pub(crate) scope: Scope,
    /// What shown names start with.
    pub(crate) prefix: String,
    /// The root it is a part of, where it is one of another.
    pub(crate) part_of: Option<PathBuf>,
}

/// Scans the roots. Never fails: what cannot be read is a finding.
#[must_use]
pub fn scan(roots: &Roots, options: &Options) -> Scan {
    let mut scan = Scan::default();
    let mut found = Vec::new();
    let projects: Vec<PathBuf> = roots.projects.iter().map(|path| canonical(path)).collect();
    let above = above_all(&projects);
    for (path, named) in projects.into_iter().zip(&roots.projects) {
        found.push(project_files(path, named, &above, &mut scan));
    }
    found.extend(of_user(roots));
    if let Some(system) = &roots.system {
        let root = Root {
            path: canonical(system),
            scope: Scope::System,
            prefix: "/".to_owned(),
            part_of: None,
        };
        found.push((root, system_files(system)));
    }
    let mut comments = Vec::new();
    for outcome in each::outcomes(&found, options) {
        outcome.join(&mut scan, &mut comments);
    }
    project::judge(&scan.agents, &mut scan.findings);
    suppress::apply(&comments, &mut scan.findings);
    order(&mut scan.findings);
    scan
}

/// The files of the user: in the home, and where its directories were moved.
fn of_user(roots: &Roots) -> Vec<(Root, Vec<Candidate>)> {
    let home = roots.home.as_deref().map(canonical);
    let is_elsewhere = |moved: &&Moved| {
        let usual = usual_directory(&moved.variable);
        usual.is_some_and(|usual| {
            let usual = home.as_ref().map(|home| canonical(&home.join(usual)));
            usual.is_none_or(|usual| usual != canonical(&moved.directory))
        })
    };
    let moved: Vec<&Moved> = roots.moved.iter().filter(is_elsewhere).collect();
    let mut found = Vec::new();
    if let (Some(path), Some(named)) = (&home, &roots.home) {
        let names: Vec<String> = moved.iter().map(|one| one.variable.clone()).collect();
        let root = Root {
            path: path.clone(),
            scope: Scope::User,
            prefix: "~/".to_owned(),
            part_of: None,
        };
        found.push((root, home_files(named, &names)));
    }
    for one in moved {
        let root = Root {
            path: canonical(&one.directory),
            scope: Scope::User,
            prefix: format!("${}/", one.variable),
            part_of: home.clone(),
        };
        found.push((root, moved_files(&one.variable, &one.directory)));
    }
    found
}

/// Worst first, then by file and line.
pub(crate) fn order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.evidence.first().cmp(&b.evidence.first()))
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| a.agent.cmp(&b.agent))
    });
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The deepest directory above all projects, or the only one itself: shown names begin there, so that no two files share one.
fn above_all(projects: &[PathBuf]) -> PathBuf {
    let mut directories = projects.iter().map(|path| match path.parent() {
        Some(parent) if path.is_file() => parent.to_owned(),
        _ => path.clone(),
    });
    let first = directories.next().unwrap_or_default();
    directories.fold(first, |above, directory| {
        let common = above
            .components()
            .zip(directory.components())
            .take_while(|(a, b)| a == b);
        common.map(|(a, _)| a).collect()
    })
}

/// What the names of the files of a directory are shown with.
fn prefix_of(directory: &Path, above: &Path) -> String {
    let rest = directory.strip_prefix(above).unwrap_or(Path::new(""));
    match rest.to_string_lossy().replace('\\', "/") {
        rest if rest.is_empty() => rest,
        rest => format!("{rest}/"),
    }
}

/// The files of a project root; a file that is named outright is a root of its own.
fn project_files(
    path: PathBuf,
    named: &Path,
    above: &Path,
    scan: &mut Scan,
) -> (Root, Vec<Candidate>) {
    if path.is_file() {
        let parent = path.parent().unwrap_or(&path).to_owned();
        let relative = path.strip_prefix(&parent).unwrap_or(&path).to_owned();
        let shown = named.to_string_lossy().replace('\\', "/");
        return (
            Root {
                prefix: prefix_of(&parent, above),
                path: parent,
                scope: Scope::Project,
                part_of: None,
            },
            vec![Candidate {
                relative,
                known: known(&shown),
                is_link: false,
            }],
        );
    }
    let prefix = prefix_of(&path, above);
    let walked = walk(&path);
    scan.entries_walked += walked.entries;
    for why in walked.unreadable {
        let name = Arc::new(crate::model::FileName {
            path: path.clone(),
            shown: ".".to_owned(),
        });
        scan.broken.push(Broken { file: name, why });
    }
    (
        Root {
            path,
            scope: Scope::Project,
            prefix,
            part_of: None,
        },
        walked.files,
    )
}

/// What is the same for every file of a root.
struct Job<'a> {
    root: &'a Root,
    surroundings: Surroundings,
    options: &'a Options,
}
