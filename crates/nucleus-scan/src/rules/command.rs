//! What stands in a command line that starts an agent or hands something to it.

use crate::launch::{is_remote_script, run};
use crate::model::{Evidence, Place};
use crate::read::SourceFile;

use super::line::Line;
use super::path;
use super::report::{Report, shown_at};
use super::table::{
    APPROVALS_DISABLED, BROAD_FILESYSTEM_SCOPE, CONTAINER_ISOLATION_WEAKENED,
    CREDENTIAL_PATH_EXPOSURE, REMOTE_INSTALL_SCRIPT, RISKY_AUTO_APPROVE, SANDBOX_WEAKENED,
};

/// Programs that are agents.
const AGENTS: &[&str] = &[
    "claude",
    "codex",
    "gemini",
    "qwen",
    "opencode",
    "cursor-agent",
    "copilot",
    "aider",
    "goose",
    "amp",
    "q",
    "kiro-cli",
    "droid",
    "crush",
    "cline",
    "openclaw",
    "vibe",
    "kimi",
    "claude-code",
    "auggie",
    "kilocode",
];

/// Whether a line starts an agent, by its program or through a runner of packages.
pub(super) fn starts_agent(line: &Line) -> bool {
    let program = line.program();
    let words = line.argv();
    let word = words.get(1).copied().unwrap_or_default();
    let by_name = AGENTS.contains(&program.as_str())
        && (program != "q" || word == "chat")
        && (program != "amp" || !word.is_empty());
    by_name
        || words.iter().any(|word| is_agent_package(word))
            && matches!(
                program.as_str(),
                "npx" | "bunx" | "pnpm" | "pnpx" | "yarn" | "npm" | "bun" | "uvx" | "uv"
            )
            && !words.contains(&"install")
            && !words.contains(&"i")
}

fn is_agent_package(word: &str) -> bool {
    [
        "@anthropic-ai/claude-code",
        "@openai/codex",
        "@google/gemini-cli",
        "opencode-ai",
        "@qwen-code/qwen-code",
        "@github/copilot",
        "@sourcegraph/amp",
        "aider-chat",
        "@charmland/crush",
    ]
    .iter()
    .any(|name| word.starts_with(name))
}

/// Flags that switch prompts or the sandbox off. `is_agent` says whether the words are an agent's by other means.
pub(super) fn flags(line: &Line, is_agent: bool, subject: Option<&str>, report: &mut Report<'_>) {
    let words = line.argv();
    let agent = is_agent || starts_agent(line);
    let program = line.program();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).copied().unwrap_or_default();
        let (name, value) = word
            .split_once('=')
            .filter(|_| word.starts_with("--"))
            .unwrap_or((word, next));
        let value = value.trim_matches(['"', '\'']);
        if is_bypass(name, value, agent, &program) {
            report.add(
                APPROVALS_DISABLED,
                subject,
                "the agent is started with every prompt off",
                vec![line.evidence(at, 2)],
            );
        }
        if is_sandbox_off(name, value, agent) {
            report.add(
                SANDBOX_WEAKENED,
                subject,
                "the agent is started without its sandbox, or with the network open in it",
                vec![line.evidence(at, 2)],
            );
        }
        if agent
            && ((name == "--permission-mode" && value == "acceptEdits")
                || (name == "--approval-mode" && matches!(value, "auto_edit" | "auto-edit")))
        {
            report.add(
                RISKY_AUTO_APPROVE,
                subject,
                "edits run unasked",
                vec![line.evidence(at, 2)],
            );
        }
        if agent && matches!(name, "--add-dir" | "--include-directories") && path::is_broad(value) {
            report.add(
                BROAD_FILESYSTEM_SCOPE,
                subject,
                "the agent is given the whole disk or home",
                vec![line.evidence(at, 2)],
            );
        }
    }
}

fn is_bypass(name: &str, value: &str, agent: bool, program: &str) -> bool {
    let always = name.starts_with("--dangerously-skip")
        || name.starts_with("--dangerously-bypass")
        || name.starts_with("--dangerously-allow")
        || matches!(name, "--skip-permissions-unsafe" | "--trust-all-tools");
    let by_agent = agent
        && (matches!(
            name,
            "--yolo" | "--allow-all-tools" | "--allow-all" | "--yes-always"
        ) || (name == "--permission-mode" && value == "bypassPermissions")
            || (matches!(name, "--ask-for-approval" | "-a") && value == "never")
            || (matches!(name, "--approval-mode")
                && matches!(value, "yolo" | "full-auto" | "auto"))
            || (matches!(name, "-c" | "--config")
                && value.replace([' ', '"'], "") == "approval_policy=never")
            || (name == "-y" && matches!(program, "gemini" | "qwen"))
            || (matches!(name, "--force" | "-f") && program == "cursor-agent"));
    always || by_agent
}

fn is_sandbox_off(name: &str, value: &str, agent: bool) -> bool {
    let bare = value.replace([' ', '"', '\''], "");
    name == "--dangerously-bypass-approvals-and-sandbox"
        || name == "--dangerously-disable-sandbox"
        || (agent
            && matches!(name, "--sandbox" | "-s" | "--sandbox-mode")
            && value == "danger-full-access")
        || (agent
            && matches!(name, "-c" | "--config")
            && matches!(
                bare.as_str(),
                "sandbox_mode=danger-full-access" | "sandbox_workspace_write.network_access=true"
            ))
}

/// A script from the network that goes straight into an interpreter.
pub(super) fn remote_script(
    file: &SourceFile,
    text: &str,
    place: &Place,
    subject: Option<&str>,
    report: &mut Report<'_>,
) -> bool {
    let Some(span) = is_remote_script(text) else {
        return false;
    };
    let part = &text[span];
    let found = shown_at(file.place_in(place, part), part);
    report.add(
        REMOTE_INSTALL_SCRIPT,
        subject,
        "what the network answers is run at once",
        vec![found],
    );
    true
}

/// Options of a container that open the host to it.
pub(super) fn isolation(line: &Line, subject: Option<&str>, report: &mut Report<'_>) {
    let words = line.argv();
    let Some(run) = run(&words) else { return };
    for (at, name, value) in &run.options {
        let found = || {
            vec![line.evidence(
                *at,
                if value.is_empty() || words[*at].contains('=') {
                    1
                } else {
                    2
                },
            )]
        };
        option(name, value, found, subject, report);
    }
}

/// One option, wherever it stands.
pub(super) fn option(
    name: &str,
    value: &str,
    found: impl Fn() -> Vec<Evidence>,
    subject: Option<&str>,
    report: &mut Report<'_>,
) {
    if opens_host(name, value) {
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            subject,
            format!("`{name}` opens the host to the container"),
            found(),
        );
    }
    if matches!(name, "-v" | "--volume" | "--mount") {
        mount(value, found, subject, report);
    }
}

/// A directory of the host that is handed to a container.
pub(super) fn mount(
    value: &str,
    found: impl Fn() -> Vec<Evidence>,
    subject: Option<&str>,
    report: &mut Report<'_>,
) {
    let Some(source) = path::mount_source(value) else {
        return;
    };
    if path::is_docker_socket(source) {
        report.add(
            CONTAINER_ISOLATION_WEAKENED,
            subject,
            "the container can start containers on the host",
            found(),
        );
    } else if path::is_credential(source) {
        report.add(
            CREDENTIAL_PATH_EXPOSURE,
            subject,
            "a directory with credentials is mounted",
            found(),
        );
    } else if path::is_broad(source) {
        report.add(
            BROAD_FILESYSTEM_SCOPE,
            subject,
            "the whole disk or home is mounted",
            found(),
        );
    }
}

fn opens_host(name: &str, value: &str) -> bool {
    match name {
        "--privileged" => value != "false",
        "--network" | "--net" | "--pid" | "--ipc" | "--uts" | "--userns" => value == "host",
        "--cap-add" => matches!(
            value.to_ascii_uppercase().as_str(),
            "ALL" | "SYS_ADMIN" | "CAP_SYS_ADMIN"
        ),
        "--security-opt" => value.contains("unconfined"),
        _ => false,
    }
}
