//! Jobs of a workflow.

use crate::model::{Evidence, Place};
use crate::read::{At, SourceFile};
use crate::rules::report::shown_at;

use super::step::{Step, names_agent};

/// One job.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) id: &'a str,
    pub(super) at: At<'a>,
    pub(super) steps: Vec<Step<'a>>,
    top: At<'a>,
    /// The first secret every job of the file is given.
    given_to_all: Option<Evidence>,
}

/// Every job of a file.
pub(super) fn jobs(file: &SourceFile) -> Vec<Job<'_>> {
    let Some(top) = file.top() else {
        return Vec::new();
    };
    let given_to_all = top
        .get("env")
        .and_then(|env| env.leaves().iter().find_map(secret_in));
    let all = top
        .get("jobs")
        .map(|jobs| jobs.entries())
        .unwrap_or_default();
    all.into_iter()
        .map(|at| Job {
            id: at.key(),
            steps: at
                .get("steps")
                .map(|steps| steps.items())
                .unwrap_or_default()
                .into_iter()
                .map(|step| Step::read(file, step))
                .collect(),
            at,
            top: top.clone(),
            given_to_all: given_to_all.clone(),
        })
        .collect()
}

/// The first secret a value is made of.
fn secret_in(leaf: &At<'_>) -> Option<Evidence> {
    let text = leaf.text()?;
    let at = text.find("secrets.")?;
    let name: String = text[at..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        .collect();
    Some(shown_at(leaf.place_of(&name), &name))
}

impl<'a> Job<'a> {
    /// Whether a step, or the workflow it calls, runs an agent.
    pub(super) fn runs_agent(&self) -> bool {
        self.steps.iter().any(|step| step.is_agent)
            || self
                .at
                .get("uses")
                .and_then(|uses| uses.text())
                .is_some_and(names_agent)
    }

    /// The condition, if there is one.
    pub(super) fn condition(&self) -> Option<String> {
        self.at
            .get("if")
            .and_then(|at| at.scalar().map(str::to_owned))
    }

    /// Ids of the jobs it waits for.
    pub(super) fn needs(&self) -> Vec<&'a str> {
        self.at
            .get("needs")
            .map(|needs| needs.one_or_many())
            .unwrap_or_default()
            .iter()
            .filter_map(At::text)
            .collect()
    }

    /// Whether its own text holds one of some words.
    pub(super) fn mentions(&self, words: &[&str]) -> bool {
        let span = self.at.node.span.clone();
        let text = self.at.file.text.get(span).unwrap_or_default();
        words.iter().any(|word| text.contains(word))
    }

    /// The first secret the job is given.
    pub(super) fn secret(&self) -> Option<Evidence> {
        let own = self.at.leaves();
        own.iter()
            .find_map(secret_in)
            .or_else(|| self.given_to_all.clone())
            .or_else(|| {
                self.at
                    .get("secrets")
                    .filter(|at| at.text() == Some("inherit"))
                    .map(|at| shown_at(at.entry_place(), "secrets: inherit"))
            })
    }

    /// A permission that lets the job change the repository, its issues or its pull requests.
    pub(super) fn write_permission(&self) -> Option<(Place, String)> {
        let permissions = self
            .at
            .get("permissions")
            .or_else(|| self.top.get("permissions"))?;
        if permissions.text() == Some("write-all") {
            return Some((
                permissions.entry_place(),
                "permissions: write-all".to_owned(),
            ));
        }
        let writes = ["contents", "issues", "pull-requests"]
            .iter()
            .find_map(|name| {
                permissions
                    .get(name)
                    .filter(|at| at.text() == Some("write"))
            })?;
        Some((writes.entry_place(), format!("{}: write", writes.key())))
    }
}
