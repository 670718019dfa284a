//! Jobs of a pipeline, with the templates they extend.

use crate::model::Evidence;
use crate::read::{At, SourceFile};
use crate::rules::report::shown_at;
use crate::rules::workflow::step::runs_agent;

/// Keys at the top that are no jobs.
const RESERVED: &[&str] = &[
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
];

/// The most templates a job extends, one through the other: the limit of GitLab.
const MAX_TEMPLATES: usize = 11;

/// Commands with which a job changes the project, its issues or its merge requests.
const WRITES: &[&str] = &[
    "git push",
    "glab mr",
    "glab issue",
    "glab api",
    "mcp__gitlab",
    "PRIVATE-TOKEN",
    "--method POST",
];

/// One job or template.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// Itself, the templates it extends in falling precedence, what is the default for all jobs, and the top.
    parts: Vec<At<'a>>,
    file: &'a SourceFile,
}

/// Every job and template of every document of a file.
pub(super) fn jobs(file: &SourceFile) -> Vec<Job<'_>> {
    let documents = file.top().map(|top| top.items()).unwrap_or_default();
    let of_one = |top| of_document(file, top);
    documents.iter().flat_map(of_one).collect()
}

fn of_document<'a>(file: &'a SourceFile, top: &At<'a>) -> Vec<Job<'a>> {
    let own = top.entries().into_iter();
    own.filter(|at| at.is_map() && !RESERVED.contains(&at.key()))
        .map(|at| Job {
            parts: parts(top, at),
            file,
        })
        .collect()
}

fn parts<'a>(top: &At<'a>, own: At<'a>) -> Vec<At<'a>> {
    let mut parts = vec![own];
    let mut next = 0;
    while let Some(part) = parts.get(next).filter(|_| next < MAX_TEMPLATES) {
        let extends = part
            .get("extends")
            .map(|at| at.one_or_many())
            .unwrap_or_default();
        for name in extends.iter().rev().filter_map(At::text) {
            let is_there = parts.iter().any(|part| part.key() == name);
            parts.extend(top.get(name).filter(|at| at.is_map() && !is_there));
        }
        next += 1;
    }
    parts.extend(top.get("default"));
    parts.push(top.clone());
    parts
}

/// The scripts that stand in a job or template itself, item by item.
pub(super) fn scripts<'a>(part: &At<'a>) -> Vec<At<'a>> {
    ["before_script", "script", "after_script"]
        .iter()
        .filter_map(|key| part.get(key))
        .flat_map(|script| match script.is_list() {
            true => script.leaves(),
            false => vec![script],
        })
        .filter(|line| line.text().is_some())
        .collect()
}

impl<'a> Job<'a> {
    pub(super) fn id(&self) -> &'a str {
        self.own().key()
    }

    /// Where it stands itself.
    pub(super) fn own(&self) -> &At<'a> {
        &self.parts[0]
    }

    /// Itself and everything it is made of.
    pub(super) fn parts(&self) -> &[At<'a>] {
        &self.parts
    }

    /// Whether it never runs by itself.
    pub(super) fn is_template(&self) -> bool {
        self.id().starts_with('.')
    }

    /// A key as it counts for the job.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        self.parts.iter().find_map(|part| part.get(key))
    }

    /// The scripts as they count for the job.
    pub(super) fn scripts(&self) -> Vec<At<'a>> {
        self.parts.iter().flat_map(scripts).collect()
    }

    /// Whether one of its scripts puts an agent to work.
    pub(super) fn runs_agent(&self) -> bool {
        let mut scripts = self.scripts().into_iter();
        scripts.any(|script| runs_agent(self.file, &script))
    }

    /// The first of some words in what the job does and is given, with its place.
    pub(super) fn mention(&self, words: &[&str]) -> Option<Evidence> {
        let given = self.parts.iter().filter_map(|part| part.get("variables"));
        let values = given.flat_map(|variables| variables.leaves());
        self.scripts().into_iter().chain(values).find_map(|at| {
            let text = at.text()?;
            let word = words.iter().find(|word| text.contains(**word))?;
            Some(shown_at(at.place_of(word), word))
        })
    }

    /// What it changes the project with.
    pub(super) fn writes(&self) -> Option<Evidence> {
        self.mention(WRITES)
    }
}
