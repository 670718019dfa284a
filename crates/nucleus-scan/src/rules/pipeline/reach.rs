//! Whether an outsider reaches a job, by its rules.

use crate::model::Evidence;
use crate::read::At;
use crate::rules::report::shown_at;

use super::job::Job;

/// Variables in which a trigger hands on what somebody wrote.
const PAYLOADS: &[&str] = &[
    "AI_FLOW_INPUT",
    "AI_FLOW_CONTEXT",
    "TRIGGER_PAYLOAD",
    "NOTE_BODY",
    "COMMENT_BODY",
    "ISSUE_BODY",
    "ISSUE_DESCRIPTION",
    "ISSUE_TITLE",
];

/// Words of a check of who asked.
const CHECKS: &[&str] = &[
    "access_level",
    "/members/",
    "AUTHOR_ASSOCIATION",
    "ALLOWED_USERS",
];

/// Variables of a rule that tell an insider.
const INSIDERS: &[&str] = &[
    "$GITLAB_USER_LOGIN",
    "$GITLAB_USER_ID",
    "$GITLAB_USER_EMAIL",
    "$CI_COMMIT_REF_PROTECTED",
];

/// How an outsider reaches a job.
pub(super) struct Open {
    pub(super) why: &'static str,
    pub(super) evidence: Evidence,
}

/// How an outsider reaches a job, if one does.
pub(super) fn reachable(job: &Job<'_>) -> Option<Open> {
    if job.mention(CHECKS).is_some() {
        return None;
    }
    by_fork(job).or_else(|| by_trigger(job))
}

/// A rule that lets merge requests of other projects in.
fn by_fork(job: &Job<'_>) -> Option<Open> {
    let condition = conditions(job).into_iter().find(|condition| {
        let text = plain(condition);
        text.contains("$CI_MERGE_REQUEST_SOURCE_PROJECT_") && text.contains("!=") && is_open(&text)
    })?;
    Some(Open {
        why: "a merge request from a fork starts this job here",
        evidence: shown_at(condition.place(), condition.text().unwrap_or_default()),
    })
}

/// A trigger that hands on what somebody wrote.
fn by_trigger(job: &Job<'_>) -> Option<Open> {
    let admits = match (job.get("rules"), job.get("only")) {
        (Some(rules), _) => rules_admit(&rules.items()),
        (None, Some(only)) => {
            let refs = only.get("refs").unwrap_or(only);
            let mut refs = refs.one_or_many().into_iter();
            refs.any(|one| one.text() == Some("triggers"))
        }
        (None, None) => workflow_admits(job),
    };
    let evidence = job.mention(PAYLOADS).filter(|_| admits)?;
    Some(Open {
        why: "a trigger starts this job with what somebody wrote",
        evidence,
    })
}

/// Whether the rules for whole pipelines, where there are any, let a trigger in.
fn workflow_admits(job: &Job<'_>) -> bool {
    let rules = job
        .get("workflow")
        .and_then(|workflow| workflow.get("rules"));
    rules.is_none_or(|rules| rules_admit(&rules.items()))
}

/// Whether a trigger passes rules, of which the first that fits counts.
fn rules_admit(rules: &[At<'_>]) -> bool {
    const TRIGGER: &str = "$CI_PIPELINE_SOURCE==\"trigger\"";
    for rule in rules {
        let condition = rule.get("if").map(|at| plain(&at)).unwrap_or_default();
        if runs(rule)
            && is_open(&condition)
            && (condition.is_empty() || condition.contains(TRIGGER))
        {
            return true;
        }
        if !runs(rule) && (condition.is_empty() || condition == TRIGGER) {
            return false;
        }
    }
    false
}

/// The conditions under which a job runs, each a rule's.
fn conditions<'a>(job: &Job<'a>) -> Vec<At<'a>> {
    let rules = job.get("rules").map(|rules| rules.items());
    let rules = rules.unwrap_or_default().into_iter().filter(runs);
    rules.filter_map(|rule| rule.get("if")).collect()
}

/// Whether a rule starts the job without a person who presses a button.
fn runs(rule: &At<'_>) -> bool {
    let when = rule.get("when");
    let when = when.as_ref().and_then(At::text);
    !matches!(when, Some("never" | "manual"))
}

/// A condition without blanks, in one kind of quotes.
fn plain(condition: &At<'_>) -> String {
    let text = condition.text().unwrap_or_default();
    text.replace(char::is_whitespace, "").replace('\'', "\"")
}

/// Whether nothing in a condition asks who is there.
fn is_open(condition: &str) -> bool {
    !INSIDERS.iter().any(|name| condition.contains(name))
}
