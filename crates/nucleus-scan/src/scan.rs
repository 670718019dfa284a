//! One scan: walk, read, understand, judge.

mod load;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::discover::{Known, home_files, known, system_files, walk};
use crate::extract;
use crate::fix;
use crate::model::{Agent, Broken, Finding, Fix, Scan, Scope};
use crate::project;
use crate::read::SourceFile;
use crate::rules::{self, Report, Surroundings};
use crate::suppress::{self, Comment};
use load::Loaded;

/// Where to look. Each root is optional; nothing outside them is opened, whatever a link says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Repositories, or single files that are named outright.
    pub projects: Vec<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The root of the system, `/` in life and a directory in tests.
    pub system: Option<PathBuf>,
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
    pub(crate) prefix: &'static str,
}

/// What is carried from file to file.
#[derive(Default)]
struct State {
    seen: HashSet<PathBuf>,
    comments: Vec<Comment>,
}

/// Scans the roots. Never fails: what cannot be read is a finding.
#[must_use]
pub fn scan(roots: &Roots, options: &Options) -> Scan {
    let mut scan = Scan::default();
    let mut state = State::default();
    for project in &roots.projects {
        let (root, files) = project_files(project, &mut scan);
        one_root(&root, files, options, &mut state, &mut scan);
    }
    if let Some(home) = &roots.home {
        let root = Root {
            path: canonical(home),
            scope: Scope::User,
            prefix: "~/",
        };
        one_root(&root, home_files(home), options, &mut state, &mut scan);
    }
    if let Some(system) = &roots.system {
        let root = Root {
            path: canonical(system),
            scope: Scope::System,
            prefix: "/",
        };
        one_root(&root, system_files(system), options, &mut state, &mut scan);
    }
    scan.findings.extend(project::findings(&scan.agents));
    suppress::apply(&state.comments, &mut scan.findings);
    order(&mut scan.findings);
    scan
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

/// The files of a project root; a file that is named outright is a root of its own.
fn project_files(project: &Path, scan: &mut Scan) -> (Root, Vec<(PathBuf, Option<Known>)>) {
    let path = canonical(project);
    if path.is_file() {
        let parent = path.parent().unwrap_or(&path).to_owned();
        let relative = path.strip_prefix(&parent).unwrap_or(&path).to_owned();
        let shown = project.to_string_lossy().replace('\\', "/");
        return (
            Root {
                path: parent,
                scope: Scope::Project,
                prefix: "",
            },
            vec![(relative, known(&shown))],
        );
    }
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
            prefix: "",
        },
        walked.files,
    )
}

fn one_root(
    root: &Root,
    files: Vec<(PathBuf, Option<Known>)>,
    options: &Options,
    state: &mut State,
    scan: &mut Scan,
) {
    let State { seen, comments } = state;
    let surroundings = Surroundings::of(&root.path);
    for (relative, known) in files {
        match load::load(root, &relative, known, seen) {
            Loaded::File(file) => one_file(&file, &surroundings, options, comments, scan),
            Loaded::Broken(broken, finding) => {
                scan.files_seen.push(Arc::clone(&broken.file));
                scan.broken.push(broken);
                scan.findings.push(*finding);
            }
            Loaded::Nothing => {}
        }
    }
}

fn one_file(
    file: &SourceFile,
    surroundings: &Surroundings,
    options: &Options,
    comments: &mut Vec<Comment>,
    scan: &mut Scan,
) {
    scan.files_seen.push(Arc::clone(&file.name));
    let agents: Vec<Agent> = extract::agents(file);
    let mut report = Report::new(file);
    for fault in file.document.iter().flat_map(|document| &document.faults) {
        let place = file.place(fault.at..fault.at, "");
        report.add(
            rules::UNREADABLE_CONFIG,
            None,
            "the file cannot be understood as a whole; what could be read was checked",
            vec![crate::model::Evidence {
                place,
                shown: fault.what.clone(),
            }],
        );
        scan.broken.push(Broken {
            file: Arc::clone(&file.name),
            why: fault.what.clone(),
        });
    }
    rules::judge(file, &agents, surroundings, &mut report);
    comments.extend(suppress::comments(file, options, &mut report));
    let mut findings = report.finish();
    for finding in &mut findings {
        add_pins(file, finding, surroundings);
    }
    scan.findings.extend(findings);
    scan.agents.extend(agents);
}

fn add_pins(file: &SourceFile, finding: &mut Finding, surroundings: &Surroundings) {
    if finding.rule.0 != "unpinned-package" {
        return;
    }
    let edits = finding
        .evidence
        .iter()
        .filter_map(|evidence| fix::pin(file, evidence, surroundings))
        .collect();
    if let Some(Fix { edits: known, .. }) = &mut finding.fix {
        *known = edits;
    }
}

/// Entry points for fuzzing: total on any text, and linear in it.
pub mod fuzz {
    use super::{Options, Report, Surroundings, extract, load, rules, suppress};
    use crate::read::{Syntax, read_text};

    /// Reads a text in every syntax; returns the number of faults.
    #[must_use]
    pub fn read_all(text: &str) -> usize {
        [Syntax::Json, Syntax::Toml, Syntax::Yaml]
            .into_iter()
            .map(|syntax| read_text(text, syntax).faults.len())
            .sum()
    }

    /// Judges a text as if it stood in a file of that name; returns the number of findings.
    #[must_use]
    pub fn judge_as(name: &str, text: &str) -> usize {
        let Some(file) = load::from_text(name, text) else {
            return 0;
        };
        let agents = extract::agents(&file);
        let mut report = Report::new(&file);
        rules::judge(
            &file,
            &agents,
            &Surroundings::of(std::path::Path::new("/nonexistent")),
            &mut report,
        );
        let _ = suppress::comments(&file, &Options::default(), &mut report);
        report.finish().len()
    }
}
