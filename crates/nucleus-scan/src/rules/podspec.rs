//! Pods of this project: the policy a pod names is projected onto its envelope, and what it runs is judged like any container.

use std::fmt::Write as _;

use nucleus_spec::{Policy, Source, parse_policy, profile};
use portcullis::{Level, Operation};

use crate::discover::is_ours;
use crate::model::{Evidence, Literal};
use crate::read::{At, SourceFile};

use super::container::image;
use super::policy::{REACHES_ALL, idle, trifecta};
use super::report::{Report, shown_at};
use super::surroundings::Surroundings;
use super::table::{
    CONTAINER_ISOLATION_WEAKENED, POLICY_CANNOT_BE_MET, POLICY_COMPLETES_TRIFECTA,
    POLICY_UNREADABLE, SANDBOX_WEAKENED,
};
use super::workload::{objects, run};

/// Keys beneath `spec.network` that open a way out.
const OPENING: &[&str] = &["allow", "dns_allow", "url_allow"];

/// Judges every document of a file by what it says it is: a pod of ours, or an object of a cluster.
pub(super) fn judge(file: &SourceFile, surroundings: &Surroundings, report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    for document in top.items() {
        let version = document.get("apiVersion").and_then(|at| at.text());
        if version.is_some_and(is_ours) {
            pod(file, &document, surroundings, report);
        } else {
            objects(file, document, report);
        }
    }
}

/// Judges one pod.
fn pod(file: &SourceFile, document: &At<'_>, surroundings: &Surroundings, report: &mut Report<'_>) {
    let Some(spec) = document.get("spec").filter(At::is_map) else {
        let found = vec![shown_at(document.place(), "spec")];
        report.add(
            POLICY_UNREADABLE,
            None,
            "a pod without `spec` would not start",
            found,
        );
        return;
    };
    let hosts = opened(&spec);
    network(&hosts, report);
    match stated(file, &spec, surroundings) {
        Ok(stated) => envelope(&spec, &stated, &hosts, report),
        Err((found, why)) => report.add(
            POLICY_UNREADABLE,
            None,
            format!(
                "a session with this policy would not start: {}",
                crate::secret::mask("", &why)
            ),
            vec![found],
        ),
    }
    isolation(&spec, report);
    workload(file, &spec, report);
}

/// The policy of a pod, and where it is named.
struct Stated {
    policy: Policy,
    found: Evidence,
}

/// FAIL-CLOSED: a policy that is neither a known profile nor readable is a finding. Absent, the default profile holds.
fn stated(
    file: &SourceFile,
    spec: &At<'_>,
    surroundings: &Surroundings,
) -> Result<Stated, (Evidence, String)> {
    let Some(policy) = spec.get("policy") else {
        return parsed(
            &profile_text(nucleus_spec::DEFAULT_PROFILE),
            shown_at(spec.place(), "spec"),
        );
    };
    let found = |at: &At<'_>| shown_at(at.entry_place(), at.scalar().unwrap_or("policy"));
    if let Some(path) = policy
        .scalar()
        .map(|_| policy.clone())
        .or_else(|| policy.get("path"))
    {
        let name = path.scalar().unwrap_or_default();
        let text = surroundings.text(&file.name.path, name);
        let text = text.ok_or_else(|| {
            (
                found(&path),
                format!("cannot read the policy `{name}` beside the pod"),
            )
        })?;
        return parsed(&Source::new(name.to_owned(), text.as_str()), found(&path));
    }
    if let Some(name) = policy.get("name") {
        let text = name.scalar().unwrap_or_default();
        let known = profile(text)
            .ok_or_else(|| (found(&name), format!("no profile is called `{text}`")))?;
        return parsed(&known.source(), found(&name));
    }
    match policy
        .path(&["lattice", "capabilities"])
        .or_else(|| policy.get("capabilities"))
    {
        Some(levels) => parsed(
            &Source::new("the policy of the pod", inline(&levels).as_str()),
            found(&levels),
        ),
        None => Err((
            found(&policy),
            "the policy names no profile and grants nothing".to_owned(),
        )),
    }
}

fn profile_text(name: &str) -> Source {
    profile(name).map_or_else(|| Source::new(name, ""), nucleus_spec::Profile::source)
}

fn parsed(source: &Source, found: Evidence) -> Result<Stated, (Evidence, String)> {
    match parse_policy(source) {
        Ok(policy) => Ok(Stated { policy, found }),
        Err(error) => Err((found, error.to_string())),
    }
}

/// Levels of a pod as the text of a policy, so that one parser says what they mean.
///
/// A policy has to say which hosts `always` means; a pod says so beneath `network`, which is judged apart.
fn inline(levels: &At<'_>) -> String {
    let mut text = String::from("[capabilities]\n");
    for level in levels.entries() {
        let key = serde_json::Value::from(level.key());
        let value = serde_json::Value::from(level.scalar().unwrap_or_default());
        let _ = writeln!(text, "{key} = {value}");
    }
    let is_open = |level: &At<'_>| {
        matches!(level.key(), "web_fetch" | "web_search") && level.scalar() == Some("always")
    };
    if levels.entries().iter().any(is_open) {
        text.push_str("[network]\nhosts = \"everything\"\n");
    }
    text
}

fn envelope(spec: &At<'_>, stated: &Stated, hosts: &[At<'_>], report: &mut Report<'_>) {
    let envelope = stated.policy.envelope();
    let legs = trifecta(envelope).filter(|_| !hosts.is_empty());
    if legs.is_some() {
        let mut found = vec![stated.found.clone()];
        found.extend(
            hosts
                .first()
                .map(|host| shown_at(host.place(), host.scalar().unwrap_or_default())),
        );
        report.add(POLICY_COMPLETES_TRIFECTA, None, REACHES_ALL, found);
    }
    let mut without_effect: Vec<Evidence> = idle(&stated.policy)
        .map(|warning| shown_at(stated.found.place.clone(), warning))
        .collect();
    if hosts.is_empty() && envelope.level(Operation::WebFetch) == Level::Always {
        let at = spec
            .get("network")
            .map_or_else(|| stated.found.place.clone(), |at| at.entry_place());
        without_effect.push(shown_at(
            at,
            "web_fetch: no host is allowed under `network`",
        ));
    }
    report.add(
        POLICY_CANNOT_BE_MET,
        None,
        "a rule of the policy has no effect",
        without_effect,
    );
}

/// The hosts and addresses the pod may reach.
fn opened<'a>(spec: &At<'a>) -> Vec<At<'a>> {
    let network = spec.get("network");
    OPENING
        .iter()
        .filter_map(|key| network.as_ref()?.get(key))
        .flat_map(|list| list.one_or_many())
        .collect()
}

/// Hosts that stand for every host.
fn network(hosts: &[At<'_>], report: &mut Report<'_>) {
    let is_all = |host: &&At<'_>| {
        let text = host.text().unwrap_or_default();
        let bare = text.split("://").last().unwrap_or(text);
        matches!(bare.split(['/', ':']).next(), Some("*" | "0.0.0.0" | "**"))
            || bare.starts_with("::/0")
    };
    let found = hosts
        .iter()
        .filter(is_all)
        .map(|host| shown_at(host.place(), host.text().unwrap_or_default()));
    report.add(
        SANDBOX_WEAKENED,
        None,
        "the pod may reach every host",
        found.collect(),
    );
}

fn isolation(spec: &At<'_>, report: &mut Report<'_>) {
    let mode = spec
        .path(&["seccomp", "mode"])
        .or_else(|| spec.get("seccomp"));
    let is_off = |at: &At<'_>| {
        matches!(
            at.scalar(),
            Some("disabled" | "none" | "off" | "false" | "unconfined")
        )
    };
    if let Some(at) = mode.filter(is_off) {
        let found = vec![shown_at(at.entry_place(), "seccomp")];
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            None,
            "the filter of system calls is off",
            found,
        );
    }
    let named = spec.get("image").filter(|at| at.text().is_some());
    image(
        named
            .or_else(|| spec.path(&["image", "oci", "reference"]))
            .or_else(|| spec.path(&["image", "reference"])),
        None,
        report,
    );
}

fn workload(file: &SourceFile, spec: &At<'_>, report: &mut Report<'_>) {
    let Some(workload) = spec.get("workload") else {
        return;
    };
    let words: Vec<Literal> = ["command", "args"]
        .into_iter()
        .filter_map(|key| workload.get(key))
        .flat_map(|at| at.one_or_many())
        .map(|word| word.literal())
        .collect();
    run(file, &words, Some("workload"), report);
}
