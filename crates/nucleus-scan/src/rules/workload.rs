//! Workloads of a cluster that start an agent: what their containers share with the node, and what they run.

use crate::model::{Literal, Place};
use crate::read::{At, SourceFile};

use super::container::{each, image, is_agents};
use super::report::{Report, evidence, shown_at};
use super::table::CONTAINER_ISOLATION_WEAKENED;
use super::{command, endpoint};

/// Judges every pod of the file in which an agent runs.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    for document in top.items() {
        objects(file, document, report);
    }
}

/// Judges every pod of one document.
pub(super) fn objects(file: &SourceFile, document: At<'_>, report: &mut Report<'_>) {
    let inner = document.get("items").map(|list| list.items());
    for object in inner.unwrap_or_else(|| vec![document]) {
        if let Some(spec) = pod_spec(&object) {
            pod(file, &spec, report);
        }
    }
}

/// The pod of an object of any kind that makes pods.
fn pod_spec<'a>(object: &At<'a>) -> Option<At<'a>> {
    match object.get("kind")?.text()? {
        "Pod" => object.get("spec"),
        "CronJob" => object.path(&["spec", "jobTemplate", "spec", "template", "spec"]),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            object.path(&["spec", "template", "spec"])
        }
        _ => None,
    }
}

fn pod(file: &SourceFile, spec: &At<'_>, report: &mut Report<'_>) {
    let containers: Vec<At<'_>> = ["initContainers", "containers"]
        .into_iter()
        .filter_map(|key| spec.get(key))
        .flat_map(|list| list.items())
        .filter(|container| is_agents(file, container))
        .collect();
    if containers.is_empty() {
        return;
    }
    for (key, name) in [
        ("hostNetwork", "--network"),
        ("hostPID", "--pid"),
        ("hostIPC", "--ipc"),
    ] {
        if let Some(at) = spec.get(key).filter(|at| at.truth() == Some(true)) {
            let found = || vec![shown_at(at.entry_place(), &format!("{key}: true"))];
            command::option(name, "host", found, None, report);
        }
    }
    for volume in spec
        .get("volumes")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        if let Some(path) = volume.path(&["hostPath", "path"]) {
            let value = format!("type=bind,source={}", path.text().unwrap_or_default());
            command::mount(
                &value,
                || vec![evidence(&path.literal_as(""))],
                None,
                report,
            );
        }
    }
    for container in &containers {
        one(file, container, report);
    }
}

fn one(file: &SourceFile, container: &At<'_>, report: &mut Report<'_>) {
    let name = container.get("name").and_then(|name| name.text());
    image(container.get("image"), name, report);
    security(container, name, report);
    let words: Vec<Literal> = ["command", "args"]
        .into_iter()
        .filter_map(|key| container.get(key))
        .flat_map(|list| list.items())
        .map(|word| word.literal())
        .collect();
    run(file, &words, name, report);
    for variable in container
        .get("env")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        let name = variable.get("name").and_then(|name| name.text());
        if let (Some(name), Some(value)) = (name, variable.get("value")) {
            endpoint::variable(name, &value, report);
        }
    }
}

fn security(container: &At<'_>, name: Option<&str>, report: &mut Report<'_>) {
    let Some(context) = container.get("securityContext") else {
        return;
    };
    if let Some(at) = context
        .get("privileged")
        .filter(|at| at.truth() == Some(true))
    {
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            name,
            "the container is privileged",
            vec![shown_at(at.entry_place(), "privileged: true")],
        );
    }
    let added = context.path(&["capabilities", "add"]);
    for capability in added.map(|list| list.items()).unwrap_or_default() {
        let value = capability.text().unwrap_or_default();
        let found = || vec![evidence(&capability.literal_as(""))];
        command::option("--cap-add", value, found, name, report);
    }
    let profile = context.path(&["seccompProfile", "type"]);
    if let Some(at) = profile.filter(|at| at.text() == Some("Unconfined")) {
        let found = || vec![evidence(&at.literal_as(""))];
        command::option("--security-opt", "unconfined", found, name, report);
    }
}

/// Judges the words a container runs, or the script it hands to a shell.
pub(super) fn run(
    file: &SourceFile,
    words: &[Literal],
    subject: Option<&str>,
    report: &mut Report<'_>,
) {
    let all: Vec<&Literal> = words.iter().collect();
    let texts: Vec<&str> = all.iter().map(|word| word.raw_unmasked()).collect();
    if let Some(at) = crate::launch::shell_script(&texts) {
        let place: &Place = all[at].place();
        command::remote_script(file, texts[at], place, subject, report);
    }
    for line in super::line::argv(file, &all) {
        each(&line, subject, report);
    }
}
