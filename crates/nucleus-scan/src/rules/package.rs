//! Packages, images and actions that are not pinned, and names that are not the vendor's own.

use crate::launch::{Fetched, Registry, fetched, image_is_pinned, run};

use super::line::Line;
use super::report::Report;
use super::table::UNPINNED_IMAGE;

/// Packages a line fetches without an exact version. `counts` picks which of them matter in this context.
pub(super) fn packages(
    line: &Line,
    subject: Option<&str>,
    report: &mut Report<'_>,
    counts: impl Fn(&Fetched) -> bool,
) {
    for package in fetched(&line.argv()) {
        if !package.is_pinned && counts(&package) {
            let reason = format!(
                "`{}` is fetched without an exact version",
                crate::secret::mask("", &package.name)
            );
            let evidence = line.evidence(package.word, 1);
            report.add_unpinned(subject, reason, evidence, package.registry);
        }
    }
}

/// The image a line runs, if it has no version.
pub(super) fn image(line: &Line, subject: Option<&str>, report: &mut Report<'_>) {
    let words = line.argv();
    let Some(at) = run(&words).and_then(|run| run.image) else {
        return;
    };
    if !image_is_pinned(words[at]) {
        report.add(
            UNPINNED_IMAGE,
            subject,
            format!("the image `{}` has no version", words[at]),
            vec![line.evidence(at, 1)],
        );
    }
}

/// Packages of agents and of their servers, for texts that install other things as well.
pub(super) fn is_of_agents(package: &Fetched) -> bool {
    const NAMES: &[&str] = &[
        "claude",
        "codex",
        "gemini-cli",
        "opencode",
        "mcp",
        "qwen-code",
        "copilot",
        "aider",
        "goose",
        "crush",
        "cursor-agent",
        "openclaw",
        "clawdbot",
        "ampcode",
        "droid",
        "cline",
        "kilocode",
        "kimi",
        "modelcontextprotocol",
        "ccusage",
        "happy-coder",
        "task-master",
    ];
    let name = package.name.to_ascii_lowercase();
    NAMES.iter().any(|word| {
        name.split(['/', '-', '_', '.', '@'])
            .any(|part| part == *word)
            || (word.contains('-') && name.contains(word))
            || (*word == "mcp" && name.contains("mcp"))
    }) || (name.starts_with("@anthropic-ai/")
        || name == "@openai/codex"
        || name.starts_with("@google/gemini")
        || name == "@sourcegraph/amp")
}

/// Tools of a project that are found among its own dependencies before the registry is asked.
pub(super) fn is_project_tool(package: &Fetched) -> bool {
    const NAMES: &[&str] = &[
        "prettier",
        "eslint",
        "tsc",
        "typescript",
        "biome",
        "@biomejs/biome",
        "vitest",
        "jest",
        "stylelint",
        "oxlint",
        "lint-staged",
        "markdownlint",
        "markdownlint-cli",
        "markdownlint-cli2",
        "playwright",
        "turbo",
        "nx",
        "next",
        "vite",
        "tsx",
        "ts-node",
        "mocha",
        "cypress",
        "prisma",
        "svelte-check",
        "vue-tsc",
        "astro",
        "ng",
        "knip",
    ];
    package.registry == Registry::Npm && NAMES.contains(&package.name.as_str())
}
