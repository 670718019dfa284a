//! Jobs of a workflow.

use crate::model::{Evidence, Place};
use crate::read::{At, SourceFile};
use crate::rules::report::shown_at;

use super::local::Local;
use super::step::{Step, names_agent};

/// One job, or the steps of an action.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) id: &'a str,
    pub(super) at: At<'a>,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) is_action: bool,
    /// The workflow it calls runs an agent.
    calls_agent: bool,
    top: At<'a>,
    /// The first secret every job of the file is given.
    given_to_all: Option<Evidence>,
}

/// Every job of a file, the steps of an action as one.
pub(super) fn jobs<'a>(file: &'a SourceFile, local: &Local) -> Vec<Job<'a>> {
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
    let action = top.get("runs").filter(|runs| runs.get("steps").is_some());
    let all = all.into_iter().map(|at| (at, false));
    all.chain(action.map(|at| (at, true)))
        .map(|(at, is_action)| Job {
            id: at.key(),
            is_action,
            calls_agent: at
                .get("uses")
                .and_then(|uses| uses.text())
                .is_some_and(|uses| names_agent(uses) || local.runs_agent(uses)),
            steps: at
                .get("steps")
                .map(|steps| steps.items())
                .unwrap_or_default()
                .into_iter()
                .map(|step| Step::read(file, step, local))
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
        self.calls_agent || self.steps.iter().any(|step| step.is_agent)
    }

    /// The local workflows and actions through which alone it runs an agent; none where it runs one itself.
    pub(super) fn agents_called(&self) -> Vec<&str> {
        let own = self.at.get("uses").filter(|_| self.calls_agent);
        let steps = self.steps.iter().filter(|step| step.is_agent);
        let all: Option<Vec<&str>> = own
            .iter()
            .map(Some)
            .chain(steps.map(|step| step.uses.as_ref()))
            .map(|uses| {
                uses.and_then(|uses| uses.text())
                    .filter(|uses| uses.starts_with("./"))
            })
            .collect();
        all.unwrap_or_default()
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
