//! Rules about hooks.

use crate::host::address;
use crate::model::{Agent, Hook, HookAction, Literal};
use crate::read::SourceFile;

use super::line::{Line, script};
use super::report::{Report, evidence, shown_at};
use super::table::{DANGEROUS_HOOK, HOOK_RUNS_REPOSITORY_CODE, UNPINNED_PACKAGE};
use super::{command, package};

/// Judges every hook.
pub(super) fn judge(file: &SourceFile, agent: &Agent, report: &mut Report<'_>) {
    for hook in &agent.hooks {
        match &hook.action {
            HookAction::Command(literal) => command_hook(file, hook, literal, report),
            HookAction::Http(url) => {
                if address(url.raw_unmasked()).is_some_and(|address| !address.is_loopback()) {
                    report.add(
                        DANGEROUS_HOOK,
                        Some(&hook.event),
                        "the hook sends what happens to a host outside",
                        vec![evidence(url)],
                    );
                }
            }
            HookAction::Prompt(_) => {}
        }
    }
}

fn command_hook(file: &SourceFile, hook: &Hook, literal: &Literal, report: &mut Report<'_>) {
    let subject = Some(hook.event.as_str());
    let text = literal.raw_unmasked();
    if command::remote_script(file, text, literal.place(), subject, report) {
        report.add(
            DANGEROUS_HOOK,
            subject,
            "the hook runs what the network answers",
            vec![evidence(literal)],
        );
    }
    if answers_for_the_user(hook, text) {
        report.add(
            DANGEROUS_HOOK,
            subject,
            "the hook answers permission requests in place of a person",
            vec![evidence(literal)],
        );
    }
    for line in script(file, literal) {
        one(&line, literal, subject, report);
    }
}

fn one(line: &Line, literal: &Literal, subject: Option<&str>, report: &mut Report<'_>) {
    let before = report.has(UNPINNED_PACKAGE);
    package::packages(line, Some("hooks"), report, |found| {
        !package::is_project_tool(found)
    });
    let fetched = crate::launch::fetched(&line.argv())
        .into_iter()
        .any(|found| !found.is_pinned && !package::is_project_tool(&found));
    if fetched && (report.has(UNPINNED_PACKAGE) || before) {
        report.add(
            DANGEROUS_HOOK,
            subject,
            "the hook runs a package at whatever version the registry has",
            vec![evidence(literal)],
        );
    }
    // To get a key from a server of one's own is what a helper is for.
    if sends(line) && !subject.is_some_and(is_helper) {
        report.add(
            DANGEROUS_HOOK,
            subject,
            "the hook sends data off the machine",
            vec![evidence(literal)],
        );
    }
    command::flags(line, false, subject, report);
    if let Some(at) = repository_file(line) {
        report.add(
            HOOK_RUNS_REPOSITORY_CODE,
            subject,
            "the hook runs a file of the repository",
            vec![shown_at(line.place(at).clone(), line.argv()[at])],
        );
    }
}

/// Whether a command is run for what it prints to the client: a key, a header, a file name.
fn is_helper(event: &str) -> bool {
    event.ends_with("Helper") || event.starts_with("aws") || event.starts_with("gcp")
}

/// A program that sends, and an address that is not this machine's.
fn sends(line: &Line) -> bool {
    let words = line.argv();
    match line.program().as_str() {
        "curl" | "wget" | "iwr" | "invoke-webrequest" | "invoke-restmethod" | "irm" | "http"
        | "xh" => {
            let stated: Vec<_> = words.iter().filter_map(|word| address(word)).collect();
            stated.iter().any(|address| !address.is_loopback())
                || (stated.is_empty() && words.iter().skip(1).any(|word| word.starts_with('$')))
        }
        "nc" | "ncat" | "scp" | "rsync" | "ssh" => {
            words.len() > 1
                && !words
                    .iter()
                    .any(|word| matches!(*word, "localhost" | "127.0.0.1"))
        }
        _ => false,
    }
}

/// A permission event that is answered, or an answer that allows whatever was asked.
fn answers_for_the_user(hook: &Hook, text: &str) -> bool {
    let bare: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '\\'))
        .collect();
    let allows = [
        "permissionDecision:allow",
        "decision:approve",
        "behavior:allow",
        "decision:allow",
        "permission:allow",
    ]
    .iter()
    .any(|answer| bare.contains(answer));
    let unconditional = !["if", "case", "grep", "jq", "[[", "test"]
        .iter()
        .any(|word| {
            text.split(|c: char| c.is_whitespace() || c == ';')
                .any(|part| part == *word)
        });
    let decides = [
        "PreToolUse",
        "PermissionRequest",
        "preToolUse",
        "beforeShellExecution",
        "beforeMCPExecution",
        "BeforeTool",
    ]
    .contains(&hook.event.as_str());
    allows && (unconditional || hook.event == "PermissionRequest") && decides
}

/// The word that names a script within the repository.
fn repository_file(line: &Line) -> Option<usize> {
    let words = line.argv();
    let is_script = |word: &str| {
        [".sh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".ps1"]
            .iter()
            .any(|end| word.ends_with(end))
    };
    let inside = |word: &str| {
        word.starts_with("./")
            || word.starts_with(".claude/")
            || word.contains("CLAUDE_PROJECT_DIR")
            || (!word.starts_with(['/', '~', '$']) && word.contains('/'))
    };
    words
        .iter()
        .position(|word| is_script(word) && inside(word))
}
