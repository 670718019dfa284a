//! Steps of a job, and which of them run an agent.

use crate::read::{At, SourceFile};
use crate::rules::command::starts_agent;
use crate::rules::line::script;

use super::local::Local;

/// One step.
#[derive(Debug)]
pub(super) struct Step<'a> {
    pub(super) at: At<'a>,
    pub(super) uses: Option<At<'a>>,
    pub(super) run: Option<At<'a>>,
    pub(super) is_agent: bool,
}

impl<'a> Step<'a> {
    pub(super) fn read(file: &SourceFile, at: At<'a>, local: &Local) -> Self {
        let uses = at.get("uses").filter(|at| at.text().is_some());
        let run = at.get("run").filter(|at| at.text().is_some());
        let by_action = uses
            .as_ref()
            .and_then(At::text)
            .is_some_and(|uses| names_agent(uses) || local.runs_agent(uses));
        let by_script = run.as_ref().is_some_and(|run| runs_agent(file, run));
        Self {
            is_agent: by_action || by_script,
            at,
            uses,
            run,
        }
    }

    /// The inputs of its action.
    pub(super) fn inputs(&self) -> Vec<At<'a>> {
        self.at
            .get("with")
            .map(|with| with.entries())
            .unwrap_or_default()
    }

    pub(super) fn env(&self) -> Vec<At<'a>> {
        self.at
            .get("env")
            .map(|env| env.entries())
            .unwrap_or_default()
    }

    /// Whether its own text holds one of some words.
    pub(super) fn mentions(&self, words: &[&str]) -> bool {
        let text = self
            .at
            .file
            .text
            .get(self.at.node.span.clone())
            .unwrap_or_default();
        words.iter().any(|word| text.contains(word))
    }
}

/// Whether a script puts an agent to work.
pub(in crate::rules) fn runs_agent(file: &SourceFile, run: &At<'_>) -> bool {
    script(file, &run.literal_as(""))
        .iter()
        .any(|line| starts_agent(line) && !only_asks(&line.argv()))
}

/// `claude --version`, `codex login`: the program, but no agent at work.
fn only_asks(argv: &[&str]) -> bool {
    argv.len() == 1
        || argv[1..].iter().any(|word| {
            matches!(
                *word,
                "--version"
                    | "-v"
                    | "--help"
                    | "login"
                    | "update"
                    | "doctor"
                    | "install"
                    | "config"
                    | "mcp"
                    | "plugin"
            )
        })
}

/// Whether the name of an action or workflow is an agent's.
pub(super) fn names_agent(uses: &str) -> bool {
    const WORDS: &[&str] = &[
        "claude",
        "codex",
        "gemini",
        "opencode",
        "openhands",
        "aider",
        "qwen",
        "goose",
        "cursor",
        "droid",
        "junie",
        "crush",
        "copilot",
        "kiro",
        "amp",
        "cline",
        "openclaw",
    ];
    const NAMES: &[&str] = &[
        "pr-agent",
        "ai-inference",
        "warp-agent",
        "auggie-",
        "agentic-",
        "ai-reviewer",
        "coderabbit",
        "amazon-q",
        "kilocode",
        "coding-agent",
        "openai-pr",
    ];
    let name = uses
        .split('@')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    // The owner alone does not make an action an agent: vendors publish other actions too.
    let own = match name.strip_prefix("./") {
        Some(local) => local
            .trim_start_matches(".github/")
            .trim_start_matches("actions/")
            .trim_start_matches("workflows/")
            .to_owned(),
        None => name
            .split_once('/')
            .map_or(name.clone(), |(_, rest)| rest.to_owned()),
    };
    let helper = [
        "setup-", "install-", "cache-", "-setup", "-usage", "-cost", "notify", "-version",
    ]
    .iter()
    .any(|word| own.contains(word));
    !helper
        && (own
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| WORDS.contains(&word))
            || NAMES.iter().any(|part| own.contains(part))
            || name.starts_with("sst/opencode")
            || name.starts_with("anomalyco/opencode"))
}

/// Whether an action is fixed: a full commit, a digest, or part of the repository.
pub(super) fn is_commit(uses: &str) -> bool {
    let version = uses
        .rsplit_once('@')
        .map(|(_, version)| version.trim())
        .unwrap_or_default();
    uses.starts_with("./")
        || uses.starts_with("$")
        || (uses.starts_with("docker://") && uses.contains("@sha256:"))
        || (version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::{is_commit, names_agent};

    #[test]
    fn agents_are_told_by_the_name_of_the_action() {
        for uses in [
            "anthropics/claude-code-action@v1",
            "someone/claude-code-action@main",
            "openai/codex-action@v1",
            "openai/codex/.github/actions/codex@main",
            "google-github-actions/run-gemini-cli@v0",
            "sst/opencode/github@latest",
            "./.github/actions/claude-pr-action",
            "qodo-ai/pr-agent@main",
            "actions/ai-inference@v1",
            "org/repo/.github/workflows/claude.yml@main",
        ] {
            assert!(names_agent(uses), "{uses}");
        }
        for uses in [
            "actions/checkout@v4",
            "anthropics/other@v1",
            "codecov/codecov-action@v4",
            "someone/setup-claude@v1",
            "LionSR/agent-ci-actions/auto-create-issue-pr@v1",
        ] {
            assert!(!names_agent(uses), "{uses}");
        }
        assert!(
            is_commit("a/b@0123456789012345678901234567890123456789")
                && is_commit("./x")
                && !is_commit("a/b@v1")
                && !is_commit("a/b@0123456")
        );
    }
}
