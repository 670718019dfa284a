//! Pods of this project and workloads of a cluster: expected by the name of a file, told by its content.

use super::kind::{FileKind, Known};
use crate::client::Client;
use crate::read::{Kind, Node, Syntax, read_yaml_stream};

const STREAM: Option<Syntax> = Some(Syntax::YamlStream);

/// Words in the name of a file, or directories above it, that let a manifest of a cluster or a pod be expected.
const WORKLOAD_WORDS: &[&str] = &[
    "agent",
    "agents",
    "cronjob",
    "daemonset",
    "deploy",
    "deployment",
    "job",
    "manifest",
    "pod",
    "podspec",
    "statefulset",
    "workload",
];
const WORKLOAD_DIRECTORIES: &[&str] = &[
    ".nucleus",
    "deploy",
    "deployment",
    "deployments",
    "k8s",
    "kube",
    "kubernetes",
    "manifests",
    "pods",
];

/// A file that may describe a workload; what it is, its content has to say.
pub(super) fn workload(path: &str, name: &str) -> Option<Known> {
    let stem = name
        .strip_suffix(".yaml")
        .or_else(|| name.strip_suffix(".yml"))
        .or_else(|| name.strip_suffix(".json"))?;
    let by_name = || {
        stem.split(['-', '_', '.'])
            .any(|word| WORKLOAD_WORDS.contains(&word.to_ascii_lowercase().as_str()))
    };
    let mut above = path.split('/').rev().skip(1);
    (above.any(|part| WORKLOAD_DIRECTORIES.contains(&part)) || by_name())
        .then(|| Known::new(FileKind::Workload, Client::Container, STREAM))
}

/// What a file that may describe a workload is: a pod of ours, a workload that starts an agent, or nothing of interest.
/// Templates are left out where they are no YAML before they are filled in.
pub(crate) fn settle(known: Known, text: &str) -> Option<Known> {
    if known.kind != FileKind::Workload {
        return Some(known);
    }
    let objects = objects(text.trim_start_matches('\u{feff}'));
    let is_pod = |object: &Object| is_ours(&object.version);
    if objects.iter().any(is_pod) {
        return Some(Known::new(FileKind::PodSpec, Client::Nucleus, STREAM));
    }
    let is_workload = |object: &Object| KINDS.contains(&object.kind.as_str());
    (objects.iter().any(is_workload) && !is_template(text)).then_some(known)
}

/// Kinds of objects that make pods, or hold what does.
const KINDS: &[&str] = &[
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "List",
];

/// What an object of a cluster says it is; empty where it does not.
#[derive(Debug, Default)]
struct Object {
    version: String,
    kind: String,
}

/// The objects of a file: by their lines where keys stand at the left edge, since a template is no YAML yet; else by its tree.
fn objects(text: &str) -> Vec<Object> {
    let by_lines = by_lines(text);
    if !by_lines.is_empty() || !text.contains("apiVersion") {
        return by_lines;
    }
    let document = read_yaml_stream(text);
    let Kind::List(documents) = &document.root.kind else {
        return Vec::new();
    };
    documents.iter().filter_map(object).collect()
}

/// Every version with every kind: which lines are of one document does not matter here.
fn by_lines(text: &str) -> Vec<Object> {
    let top = |key: &str| -> Vec<String> {
        let values = text.lines().filter_map(|line| {
            let rest = line.strip_prefix(key)?.strip_prefix(':')?;
            let word = rest.split('#').next().unwrap_or_default().trim();
            Some(word.trim_matches(['"', '\'']).to_owned())
        });
        values.collect()
    };
    let versions = top("apiVersion");
    if versions.is_empty() {
        return Vec::new();
    }
    let of = |version: String, kind: String| Object { version, kind };
    let mut all: Vec<Object> = versions
        .into_iter()
        .map(|version| of(version, String::new()))
        .collect();
    all.extend(top("kind").into_iter().map(|kind| of(String::new(), kind)));
    all
}

fn object(node: &Node) -> Option<Object> {
    let text = |key: &str| match &node.get(key)?.value.kind {
        Kind::Text(text) => Some(text.clone()),
        _ => None,
    };
    Some(Object {
        version: text("apiVersion")?,
        kind: text("kind").unwrap_or_default(),
    })
}

/// Whether a version of an interface is one of this project's.
pub(crate) fn is_ours(version: &str) -> bool {
    version.starts_with("nucleus/") || version.starts_with("nucleus.")
}

/// Whether a text is a template that has to be filled in first: braces outside comments, and no YAML as it stands.
fn is_template(text: &str) -> bool {
    let has_braces = |line: &str| {
        let comment = line
            .match_indices('#')
            .find(|(at, _)| *at == 0 || line[..*at].ends_with(char::is_whitespace));
        line[..comment.map_or(line.len(), |(at, _)| at)].contains("{{")
    };
    text.lines().any(has_braces) && !read_yaml_stream(text).faults.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::names::known;
    use super::super::sniff::sniff;
    use super::{FileKind, settle};

    #[test]
    fn workloads_are_told_by_name_and_content() {
        let settled = |path: &str, text: &str| {
            known(path)
                .and_then(|known| settle(known, text))
                .map(|known| known.kind)
        };
        let pod = "apiVersion: nucleus/v1\nkind: Pod\n";
        let cluster = "apiVersion: apps/v1\nkind: Deployment\n";
        assert_eq!(settled("agent-pod.yaml", pod), Some(FileKind::PodSpec));
        assert_eq!(settled("k8s/runner.yml", cluster), Some(FileKind::Workload));
        for (path, text) in [
            ("k8s/runner.yml", "apiVersion: v1\nkind: Service\n"),
            (
                "k8s/runner.yml",
                "apiVersion: v1\nkind: Pod\n{{- if .Values.name }}\nname: x\n{{- end }}\n",
            ),
            ("k8s/runner.yml", "kind: Deployment\n"),
            ("src/data.yaml", cluster),
            ("podium.yaml", pod),
        ] {
            assert_eq!(settled(path, text), None, "{path}");
        }
        assert_eq!(
            sniff("x.yaml", pod).map(|known| known.kind),
            Some(FileKind::PodSpec)
        );
    }
}
