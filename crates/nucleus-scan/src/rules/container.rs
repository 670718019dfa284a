//! Devcontainers, Dockerfiles and compose files in which an agent lives.

use crate::discover::FileKind;
use crate::launch::image_is_pinned;
use crate::model::Literal;
use crate::read::{At, SourceFile};

use super::line::{Line, script};
use super::report::{Report, evidence, shown_at};
use super::table::{CONTAINER_ISOLATION_WEAKENED, UNPINNED_IMAGE};
use super::{command, package};

/// Words that say an agent is meant.
const AGENT_WORDS: &[&str] = &[
    "claude",
    "codex",
    "gemini-cli",
    "gemini -",
    "opencode",
    "copilot",
    "cursor-agent",
    "mcp",
    "anthropic",
    "qwen-code",
    "block/goose",
    "codename-goose",
    "openai",
    "kilocode",
    "openhands",
    "agentic",
    "coding agent",
    "ai agent",
    "openclaw",
];

/// Names of agents that are parts of ordinary words, and count by themselves.
const AGENT_NAMES: &[&str] = &["aider", "cline"];

/// What the agent called `goose` is started or set up with; a tool for databases has the same name.
const GOOSE_VERBS: &[&str] = &[
    "run",
    "session",
    "web",
    "acp",
    "mcp",
    "serve",
    "configure",
    "provider",
    "model",
];

/// Whether a container file is about an agent at all.
pub(super) fn concerns_agents(file: &SourceFile) -> bool {
    mentions_agents(&file.text)
}

/// Whether a text names an agent.
pub(crate) fn mentions_agents(text: &str) -> bool {
    let lower = text.to_lowercase();
    AGENT_WORDS.iter().any(|word| lower.contains(word)) || names_agent(&lower)
}

/// Whether a text in small letters has the name of an agent as a word of its own.
fn names_agent(lower: &str) -> bool {
    let mut before = "";
    for word in lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if AGENT_NAMES.contains(&word) || (before == "goose" && GOOSE_VERBS.contains(&word)) {
            return true;
        }
        before = word;
    }
    false
}

/// Judges a container file that is about an agent.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    if !concerns_agents(file) {
        return;
    }
    match file.kind {
        FileKind::Devcontainer => devcontainer(file, report),
        FileKind::Compose => compose(file, report),
        _ => super::dockerfile::judge(file, report),
    }
}

fn devcontainer(file: &SourceFile, report: &mut Report<'_>) {
    let Some(top) = file.top() else { return };
    image(top.get("image"), None, report);
    run_args(&top, report);
    for feature in top
        .get("features")
        .map(|features| features.entries())
        .unwrap_or_default()
    {
        if feature.key().contains("docker-outside-of-docker")
            || feature.key().contains("docker-in-docker")
            || feature.key().contains("docker-from-docker")
        {
            report.add(
                CONTAINER_ISOLATION_WEAKENED,
                None,
                "the container can start containers",
                vec![shown_at(feature.entry_place(), feature.key())],
            );
        }
    }
    for mount in top
        .get("mounts")
        .map(|mounts| mounts.items())
        .unwrap_or_default()
    {
        let text = mount.text().or_else(|| {
            mount
                .get("source")
                .and_then(|source| source.text())
                .filter(|_| mount.get("type").and_then(|kind| kind.text()) != Some("volume"))
        });
        let whole = text.map(|text| {
            if mount.text().is_some() {
                text.to_owned()
            } else {
                format!("type=bind,source={text}")
            }
        });
        if let Some(value) = whole {
            command::mount(
                &value,
                || vec![shown_at(mount.place(), &value)],
                None,
                report,
            );
        }
    }
    if let Some(mount) = top.get("workspaceMount") {
        command::mount(
            mount.text().unwrap_or_default(),
            || vec![evidence(&mount.literal_as(""))],
            None,
            report,
        );
    }
    if let Some(privileged) = top.get("privileged").filter(|at| at.truth() == Some(true)) {
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            None,
            "the container is privileged",
            vec![shown_at(privileged.entry_place(), "privileged: true")],
        );
    }
    for capability in top
        .get("capAdd")
        .map(|list| list.items())
        .unwrap_or_default()
    {
        command::option(
            "--cap-add",
            capability.text().unwrap_or_default(),
            || vec![evidence(&capability.literal_as(""))],
            None,
            report,
        );
    }
    for key in [
        "onCreateCommand",
        "updateContentCommand",
        "postCreateCommand",
        "postStartCommand",
        "postAttachCommand",
        "initializeCommand",
    ] {
        for command in lifecycle(top.get(key)) {
            lines(file, &command, key, report);
        }
    }
    for env in ["containerEnv", "remoteEnv"] {
        for entry in top.get(env).map(|env| env.entries()).unwrap_or_default() {
            super::endpoint::in_text(&entry, report);
        }
    }
}

fn run_args(top: &At<'_>, report: &mut Report<'_>) {
    let words = top
        .get("runArgs")
        .map(|list| list.items())
        .unwrap_or_default();
    for (at, word) in words.iter().enumerate() {
        let text = word.text().unwrap_or_default();
        let next = words
            .get(at + 1)
            .and_then(|next| next.text())
            .unwrap_or_default();
        let (name, value) = text
            .split_once('=')
            .unwrap_or((text, if next.starts_with('-') { "" } else { next }));
        command::option(
            name,
            value,
            || vec![shown_at(word.place(), &format!("{text} {value}"))],
            None,
            report,
        );
    }
}

/// A command, a list of words, or a map of either.
fn lifecycle<'a>(at: Option<At<'a>>) -> Vec<At<'a>> {
    let Some(at) = at else { return Vec::new() };
    let mut all = at.entries();
    all.push(at);
    all
}

fn lines(file: &SourceFile, at: &At<'_>, key: &str, report: &mut Report<'_>) {
    if at.is_list() {
        let words: Vec<Literal> = at.items().iter().map(At::literal).collect();
        return super::workload::run(file, &words, Some(key), report);
    }
    let Some(text) = at.text() else { return };
    command::remote_script(file, text, &at.place(), Some(key), report);
    for line in script(file, &at.literal_as("")) {
        each(&line, Some(key), report);
    }
}

/// Judges one command line of a container.
pub(super) fn each(line: &Line, subject: Option<&str>, report: &mut Report<'_>) {
    package::packages(line, subject, report, package::is_of_agents);
    command::flags(line, false, subject, report);
    command::isolation(line, subject, report);
}

/// Judges the name of an image.
pub(super) fn image(at: Option<At<'_>>, subject: Option<&str>, report: &mut Report<'_>) {
    if let Some(at) = at.filter(|at| at.text().is_some_and(|image| !image_is_pinned(image))) {
        report.add(
            UNPINNED_IMAGE,
            subject,
            "the image has no version",
            vec![evidence(&at.literal_as(""))],
        );
    }
}

fn compose(file: &SourceFile, report: &mut Report<'_>) {
    let services = file
        .top()
        .and_then(|top| top.get("services"))
        .map(|services| services.entries())
        .unwrap_or_default();
    for service in services.iter().filter(|service| is_agents(file, service)) {
        let subject = Some(service.key());
        if service.get("build").is_none() {
            image(service.get("image"), subject, report);
        }
        for (key, name) in [
            ("network_mode", "--network"),
            ("pid", "--pid"),
            ("ipc", "--ipc"),
            ("privileged", "--privileged"),
            ("userns_mode", "--userns"),
        ] {
            if let Some(at) = service.get(key) {
                command::option(
                    name,
                    at.scalar().unwrap_or_default(),
                    || {
                        vec![shown_at(
                            at.entry_place(),
                            &format!("{key}: {}", at.scalar().unwrap_or_default()),
                        )]
                    },
                    subject,
                    report,
                );
            }
        }
        for (key, name) in [
            ("volumes", "-v"),
            ("cap_add", "--cap-add"),
            ("security_opt", "--security-opt"),
        ] {
            for at in service
                .get(key)
                .map(|list| list.items())
                .unwrap_or_default()
            {
                let source = at
                    .get("source")
                    .filter(|_| at.get("type").and_then(|kind| kind.text()) == Some("bind"));
                let value = at.text().map(str::to_owned).or_else(|| {
                    source.and_then(|source| {
                        source.text().map(|text| format!("type=bind,source={text}"))
                    })
                });
                if let Some(value) = value {
                    command::option(
                        name,
                        &value,
                        || vec![shown_at(at.place(), &value)],
                        subject,
                        report,
                    );
                }
            }
        }
        for key in ["command", "entrypoint"] {
            if let Some(at) = service.get(key) {
                lines(file, &at, service.key(), report);
            }
        }
    }
}

/// Whether a service is the agent's: by its own words, or the file's when it has one service.
pub(super) fn is_agents(file: &SourceFile, service: &At<'_>) -> bool {
    let text = file
        .text
        .get(service.entry_place().span.start..service.node.span.end)
        .unwrap_or_default();
    let is_repeated = text.contains(['*', '&']);
    mentions_agents(text)
        || mentions_agents(service.key())
        || is_repeated
            && service
                .leaves()
                .iter()
                .any(|leaf| leaf.text().is_some_and(mentions_agents))
}
