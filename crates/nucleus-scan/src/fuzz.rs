//! Entry points for fuzzing: total on any text, and what they hold in memory is bounded by the length of the text.

use std::path::Path;

use crate::extract;
use crate::launch::{commands, fetched, is_remote_script, run};
use crate::read::{Document, Kind, Node, Syntax, read_text};
use crate::rules::{self, Report, Surroundings, dockerfile_instructions};
use crate::scan::{Options, load};
use crate::{project, secret, suppress};

/// What one reader made of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Values, words, instructions or ranges.
    pub values: usize,
    /// Bytes of text they hold.
    pub bytes_held: usize,
}

/// A reader by name.
pub type Reader = (&'static str, fn(&str) -> Read);

/// Every reader of foreign text, apart from the rules that use it.
pub const READERS: &[Reader] = &[
    ("JSON with comments", |text| tree(text, Syntax::Json)),
    ("TOML", |text| tree(text, Syntax::Toml)),
    ("YAML", |text| tree(text, Syntax::Yaml)),
    ("YAML stream", |text| tree(text, Syntax::YamlStream)),
    ("workflow", |text| judged(".github/workflows/a.yml", text)),
    ("Dockerfile", dockerfile),
    ("instructions", |text| judged("CLAUDE.md", text)),
    ("rules of commands", |text| {
        judged(".codex/rules/a.rules", text)
    }),
    ("shell", shell),
    ("secrets", secrets),
    ("pipeline", |text| judged(".gitlab-ci.yml", text)),
    ("variables", |text| judged(".envrc", text)),
    ("workspace", |text| judged("a.code-workspace", text)),
];

/// One name of each kind of file: every reader and every family of rules.
pub const NAMES: &[&str] = &[
    ".mcp.json",
    ".claude/settings.json",
    ".codex/config.toml",
    ".codex/rules/a.rules",
    ".gemini/settings.json",
    "opencode.json",
    ".vscode/settings.json",
    ".kiro/agents/a.json",
    ".cursor/hooks.json",
    "CLAUDE.md",
    ".github/workflows/a.yml",
    ".devcontainer/devcontainer.json",
    "Dockerfile",
    "docker-compose.yml",
    "package.json",
    "permissions.toml",
    ".continue/config.yaml",
    ".nucleus/pod.yaml",
    "k8s/agent.yaml",
    ".gitlab-ci.yml",
    ".envrc",
    "a.code-workspace",
    ".github/actions/a/action.yml",
];

/// Reads a text by one of [`READERS`], the last where there are fewer.
#[must_use]
pub fn read_one(nth: usize, text: &str) -> Read {
    let reader = READERS.get(nth).or(READERS.last());
    reader.map(|(_, read)| read(text)).unwrap_or_default()
}

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
    judged(name, text).values
}

fn judged(name: &str, text: &str) -> Read {
    let Some(file) = load::from_text(name, text) else {
        return Read::default();
    };
    let agents = extract::agents(&file);
    let mut report = Report::new(&file);
    let nowhere = Surroundings::of(Path::new("/nonexistent"));
    rules::judge(&file, &agents, &nowhere, &mut report);
    let _ = suppress::comments(&file, &Options::default(), &mut report);
    let mut findings = report.finish();
    project::judge(&agents, &mut findings);
    Read {
        values: findings.len(),
        bytes_held: 0,
    }
}

fn tree(text: &str, syntax: Syntax) -> Read {
    let Document { root, .. } = read_text(text, syntax);
    let mut read = Read::default();
    let mut todo: Vec<&Node> = vec![&root];
    while let Some(node) = todo.pop() {
        read.values += 1;
        match &node.kind {
            Kind::Text(held) | Kind::Number(held) => read.bytes_held += held.len(),
            Kind::List(items) => todo.extend(items),
            Kind::Map(entries) => {
                read.bytes_held += entries.iter().map(|entry| entry.key.len()).sum::<usize>();
                todo.extend(entries.iter().map(|entry| &entry.value));
            }
            Kind::Null | Kind::Bool(_) => {}
        }
    }
    read
}

fn shell(text: &str) -> Read {
    let _ = is_remote_script(text);
    let commands = commands(text);
    for command in &commands {
        let argv = command.argv();
        let _ = (fetched(&argv), run(&argv));
    }
    let words = || commands.iter().flat_map(|command| &command.words);
    Read {
        values: words().count(),
        bytes_held: words().map(String::len).sum(),
    }
}

fn dockerfile(text: &str) -> Read {
    let instructions = dockerfile_instructions(text);
    let _ = judged("Dockerfile", text);
    Read {
        values: instructions.len(),
        bytes_held: instructions.iter().map(|(_, held)| held.len()).sum(),
    }
}

fn secrets(text: &str) -> Read {
    let found = secret::find("TOKEN", text);
    Read {
        values: found.len(),
        bytes_held: found.iter().map(ExactSizeIterator::len).sum(),
    }
}
