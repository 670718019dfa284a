//! Which events let a stranger start a job: the triggers, less what the conditions and checks of the workflow refuse.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use crate::model::Place;
use crate::read::{At, SourceFile};

use super::expression::{Expr, FALSE, OPEN, Possible, TRUE, parse, possible};
use super::job::Job;
use super::local::Local;

/// A trigger strangers can pull.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    pub(super) name: &'a str,
    pub(super) place: Place,
    types: Vec<&'a str>,
}

/// Events whose text anybody may write. The events of pull requests from forks carry no secrets and are left out.
const UNTRUSTED: &[&str] = &[
    "issues",
    "issue_comment",
    "pull_request_target",
    "pull_request_review",
    "pull_request_review_comment",
    "discussion",
    "discussion_comment",
];

/// Actions that take triage rights.
const TRUSTED_TYPES: &[&str] = &[
    "labeled",
    "unlabeled",
    "assigned",
    "unassigned",
    "milestoned",
    "demilestoned",
    "pinned",
    "unpinned",
    "locked",
    "unlocked",
    "transferred",
    "review_requested",
    "ready_for_review",
];

/// Words of a check of the asker's rights that runs as a step.
const CHECKS: &[&str] = &[
    "getCollaboratorPermissionLevel",
    "/collaborators/",
    "check-user-permission",
    "actor-permission",
    "require-permission",
    "check-permission",
    "author_association",
    "user-permission",
    "has-write-access",
    "checkMembership",
    "/memberships/",
    "team-membership",
    "is-org-member",
];

/// The untrusted triggers of a workflow.
pub(super) fn events(file: &SourceFile) -> Vec<Event<'_>> {
    let Some(on) = file.top().and_then(|top| top.get_any(&["on", "true"])) else {
        return Vec::new();
    };
    let mut all: Vec<(&str, Place, Vec<&str>)> = on
        .one_or_many()
        .iter()
        .filter_map(|item| Some((item.text()?, item.place(), Vec::new())))
        .collect();
    for entry in on.entries() {
        let types = entry
            .get("types")
            .map(|types| types.one_or_many())
            .unwrap_or_default()
            .iter()
            .filter_map(At::text)
            .collect();
        let place = file.place(
            entry.entry_place().span.start..entry.entry_place().span.start + entry.key().len(),
            entry.pointer(),
        );
        all.push((entry.key(), place, types));
    }
    all.into_iter()
        .filter(|(name, _, types)| {
            UNTRUSTED.contains(name)
                && (types.is_empty() || types.iter().any(|kind| !TRUSTED_TYPES.contains(kind)))
        })
        .map(|(name, place, types)| Event { name, place, types })
        .collect()
}

/// The events by which a stranger reaches a job.
pub(super) fn reachable<'e, 'a>(
    job: &Job<'a>,
    jobs: &Jobs<'_, 'a>,
    events: &'e [Event<'a>],
    local: &Local,
) -> Vec<&'e Event<'a>> {
    let called = job.agents_called();
    let passes_calls = |event: &Event<'_>| {
        called.is_empty() || called.iter().any(|uses| local.lets_through(uses, event))
    };
    events
        .iter()
        .filter(|event| jobs.is_passed(job, event) && passes_calls(event))
        .collect()
}

/// The longest chain of jobs that wait for each other that is followed; what is longer counts as open.
const MAX_CHAIN: usize = 16;

/// The jobs of a workflow by their ids, and which of them a stranger was found to reach by an event.
#[derive(Debug)]
pub(super) struct Jobs<'j, 'a> {
    by_id: HashMap<&'a str, &'j Job<'a>>,
    reached: RefCell<HashMap<(&'a str, &'a str), bool>>,
    /// Those whose text holds a check of the asker's rights.
    checking: HashSet<&'a str>,
}

impl<'j, 'a> Jobs<'j, 'a> {
    pub(super) fn of(jobs: &'j [Job<'a>]) -> Self {
        let checks = |job: &&Job<'_>| job.mentions(CHECKS);
        Self {
            by_id: jobs.iter().rev().map(|job| (job.id, job)).collect(),
            reached: RefCell::default(),
            checking: jobs.iter().filter(checks).map(|job| job.id).collect(),
        }
    }

    /// Whether a stranger reaches a job by an event.
    pub(super) fn is_passed(&self, job: &Job<'a>, event: &Event<'a>) -> bool {
        self.passes(job, event, 0)
    }

    /// Whether a stranger reaches a job; asked once for each job and event.
    fn passes(&self, job: &Job<'a>, event: &Event<'a>, depth: usize) -> bool {
        let key = (job.id, event.name);
        if let Some(known) = self.reached.borrow().get(&key) {
            return *known;
        }
        let found = passes(job, self, event, depth);
        self.reached.borrow_mut().insert(key, found);
        found
    }
}

fn passes<'a>(job: &Job<'a>, jobs: &Jobs<'_, 'a>, event: &Event<'a>, depth: usize) -> bool {
    let condition = job.condition();
    let leaf = |expr: &Expr| leaf(expr, event, job, jobs);
    if condition
        .as_deref()
        .is_some_and(|text| !possible(&parse(text), &leaf).truth)
    {
        return false;
    }
    let regardless = condition.is_some_and(|text| {
        text.contains("always()") || text.contains("!cancelled()") || text.contains("failure()")
    });
    let needed = job.needs();
    let waits = depth > MAX_CHAIN
        || regardless
        || needed.iter().all(|id| {
            let other = jobs.by_id.get(id);
            other.is_none_or(|other| jobs.passes(other, event, depth + 1))
        });
    waits && step_passes(job, &leaf)
}

/// Whether some step that runs the agent is reached: its own condition, and no check before it that fails the job.
fn step_passes(job: &Job<'_>, leaf: &dyn Fn(&Expr) -> Possible) -> bool {
    if !job.runs_agent() || job.steps.is_empty() {
        return true;
    }
    let mut checked = false;
    for step in &job.steps {
        let condition = step.at.get("if").and_then(|at| at.scalar());
        let reached = condition.is_none_or(|text| possible(&parse(text), leaf).truth);
        if step.is_agent && reached && !checked {
            return true;
        }
        checked |= !step.is_agent
            && reached
            && step.mentions(CHECKS)
            && step.mentions(&[
                "exit 1",
                "setFailed",
                "core.setFailed",
                "exit(1)",
                "throw new",
                "check-user-permission",
                "actor-permission",
                "require-permission",
                "process.exit",
            ]);
    }
    false
}

/// What a stranger can make of one comparison, call or path.
fn leaf(expr: &Expr, event: &Event<'_>, job: &Job<'_>, jobs: &Jobs<'_, '_>) -> Possible {
    match expr {
        Expr::Compare(left, right, equal) => compare(left, right, *equal, event, job, jobs),
        Expr::Call(name, arguments) if name == "contains" => contains(arguments, event),
        Expr::Call(name, _) if matches!(name.as_str(), "always" | "success") => TRUE,
        Expr::Call(name, _) if name == "cancelled" => FALSE,
        Expr::Path(path) if path == "true" => TRUE,
        Expr::Path(path) if path == "false" => FALSE,
        Expr::Path(path) if is_checked(path, job, jobs) => FALSE,
        _ => OPEN,
    }
}

fn compare(
    left: &Expr,
    right: &Expr,
    equal: bool,
    event: &Event<'_>,
    job: &Job<'_>,
    jobs: &Jobs<'_, '_>,
) -> Possible {
    let (path, value) = match (left, right) {
        (Expr::Path(path), Expr::Text(value)) | (Expr::Text(value), Expr::Path(path)) => {
            (path.as_str(), value.as_str())
        }
        (Expr::Path(path), Expr::Path(value)) if value == "true" || value == "false" => {
            (path.as_str(), value.as_str())
        }
        (Expr::Path(a), Expr::Path(b)) => return two_paths(a, b, equal, event),
        _ => return OPEN,
    };
    let holds = equals(path, value, event, job, jobs);
    if equal {
        holds
    } else {
        Possible {
            truth: holds.falsehood,
            falsehood: holds.truth,
        }
    }
}

fn two_paths(a: &str, b: &str, equal: bool, event: &Event<'_>) -> Possible {
    let owner =
        [a, b].contains(&"github.repository_owner") && [a, b].iter().any(|path| is_person(path));
    let from_fork = event.name == "pull_request_target"
        && [a, b].contains(&"github.repository")
        && [a, b]
            .iter()
            .any(|path| path.ends_with("head.repo.full_name"));
    match (owner || from_fork, equal) {
        (true, true) => FALSE,
        (true, false) => TRUE,
        _ => OPEN,
    }
}

/// Whether `path == value` can hold for a stranger.
fn equals(
    path: &str,
    value: &str,
    event: &Event<'_>,
    job: &Job<'_>,
    jobs: &Jobs<'_, '_>,
) -> Possible {
    if path == "github.event_name" {
        return if value == event.name { TRUE } else { FALSE };
    }
    if path.ends_with("author_association") {
        return if is_insider(value) { FALSE } else { OPEN };
    }
    if path == "github.event.action" {
        let possible = !TRUSTED_TYPES.contains(&value)
            && (event.types.is_empty() || event.types.contains(&value));
        return if possible { OPEN } else { FALSE };
    }
    if is_person(path)
        || path == "github.event.label.name"
        || path.starts_with("github.event.assignee")
    {
        return FALSE;
    }
    if event.name == "pull_request_target"
        && (path.ends_with("head.repo.full_name")
            || (path.ends_with("head.repo.fork") && value == "false"))
    {
        return FALSE;
    }
    if is_checked(path, job, jobs) {
        FALSE
    } else {
        OPEN
    }
}

/// `contains(list, path)`: a list of insiders, or of people.
fn contains(arguments: &[Expr], event: &Event<'_>) -> Possible {
    let [haystack, needle] = arguments else {
        return OPEN;
    };
    if let Expr::Path(path) = haystack {
        let labels = path.contains("labels.*.name") && event.name == "pull_request_target";
        return if labels { FALSE } else { OPEN };
    }
    let Expr::Path(path) = needle else {
        return OPEN;
    };
    let list = match haystack {
        Expr::Text(list) => list.clone(),
        Expr::Call(name, inner) if name == "fromjson" => match inner.first() {
            Some(Expr::Text(list)) => list.clone(),
            _ => String::new(),
        },
        _ => return OPEN,
    };
    if path.ends_with("author_association") {
        let outsiders = ["NONE", "FIRST_TIMER", "FIRST_TIME_CONTRIBUTOR"]
            .iter()
            .any(|word| list.contains(word));
        return if outsiders { OPEN } else { FALSE };
    }
    if is_person(path) { FALSE } else { OPEN }
}

fn is_insider(association: &str) -> bool {
    matches!(
        association,
        "OWNER" | "MEMBER" | "COLLABORATOR" | "CONTRIBUTOR"
    )
}

/// Who asks, by name.
fn is_person(path: &str) -> bool {
    matches!(
        path,
        "github.actor" | "github.triggering_actor" | "github.actor_id"
    ) || (path.starts_with("github.event.")
        && (path.ends_with(".user.login")
            || path.ends_with("sender.login")
            || path.ends_with(".user.id")
            || path.ends_with("sender.id")))
}

/// An output of a step or job that checks the asker's rights.
fn is_checked(path: &str, job: &Job<'_>, jobs: &Jobs<'_, '_>) -> bool {
    let mut parts = path.split('.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("needs"), Some(id), Some("outputs")) => jobs.checking.contains(id),
        (Some("steps"), Some(id), Some("outputs" | "outcome" | "conclusion")) => {
            job.steps.iter().any(|step| {
                step.at.get("id").and_then(|at| at.text()) == Some(id) && step.mentions(CHECKS)
            })
        }
        _ => false,
    }
}
