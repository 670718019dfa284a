//! Pipelines of GitLab that run an agent.
//!
//! A merge request from a fork runs its pipeline in the fork, with the fork's variables, and is left out. What outsiders reach is a job
//! that takes what they wrote from a trigger, or one that says it runs here for forks.

mod job;
mod reach;

use std::collections::BTreeSet;

use crate::extract::blank;
use crate::model::Agent;
use crate::read::{At, SourceFile};

use super::report::{Report, shown_at};
use super::table::{
    CI_UNTRUSTED_TRIGGER, CI_UNTRUSTED_TRIGGER_WRITE, CONTAINER_ISOLATION_WEAKENED,
};
use super::workflow::{commands, written};
use super::{container, endpoint};
use job::{Job, jobs, scripts};

/// One agent for each job that runs one.
pub(crate) fn agents(file: &SourceFile) -> Vec<Agent> {
    let runs = jobs(file).into_iter().filter(Job::runs_agent);
    runs.map(|job| agent(file, &job)).collect()
}

fn agent(file: &SourceFile, job: &Job<'_>) -> Agent {
    let mut agent = Agent {
        name: job.id().to_owned(),
        place: job.own().entry_place(),
        ..blank(file)
    };
    for script in job.scripts() {
        written(&script, job.runs_agent(), &mut agent);
    }
    agent
}

/// Judges every job that runs an agent, and the templates it is made of.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let jobs = jobs(file);
    let mut judged = BTreeSet::new();
    for job in jobs.iter().filter(|job| job.runs_agent()) {
        if !job.is_template() {
            trigger(job, report);
        }
        for part in job.parts() {
            if judged.insert(part.pointer().to_owned()) {
                inspect(file, part, report);
            }
        }
    }
}

fn trigger(job: &Job<'_>, report: &mut Report<'_>) {
    let Some(open) = reach::reachable(job) else {
        return;
    };
    let rule = match job.writes() {
        Some(_) => CI_UNTRUSTED_TRIGGER_WRITE,
        None => CI_UNTRUSTED_TRIGGER,
    };
    let found = [Some(open.evidence), job.writes()];
    report.add(
        rule,
        Some(job.id()),
        format!(
            "{}, with every variable of the project that is not protected, and nothing in it asks who",
            open.why
        ),
        found.into_iter().flatten().collect(),
    );
}

/// Judges one job or template by what stands in it.
fn inspect(file: &SourceFile, part: &At<'_>, report: &mut Report<'_>) {
    let subject = Some(part.key()).filter(|key| !key.is_empty());
    let image = part.get("image");
    let named = image.as_ref().and_then(|image| image.get("name"));
    container::image(named.or(image), subject, report);
    for service in part
        .get("services")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        docker_in_docker(&service, subject, report);
    }
    for variable in part
        .get("variables")
        .map(|map| map.entries())
        .unwrap_or_default()
    {
        let value = variable.get("value").unwrap_or(variable.clone());
        endpoint::variable(variable.key(), &value, report);
    }
    for script in scripts(part) {
        commands(file, &script, subject, report);
    }
}

fn docker_in_docker(service: &At<'_>, subject: Option<&str>, report: &mut Report<'_>) {
    let at = service.get("name").unwrap_or(service.clone());
    let name = at.text().unwrap_or_default();
    if name.starts_with("docker:") && name.contains("dind") {
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            subject,
            "a privileged container engine runs beside the agent",
            vec![shown_at(at.place(), name)],
        );
    }
}
