//! Rules about modes, the sandbox, and what a client starts by itself.

use crate::launch::Registry;
use crate::model::{Agent, Literal, SandboxState};

use super::path;
use super::report::{Report, evidence, setting};
use super::table::{
    APPROVALS_DISABLED, BROAD_FILESYSTEM_SCOPE, CREDENTIAL_PATH_EXPOSURE, PROJECT_MCP_AUTO_ENABLE,
    RISKY_AUTO_APPROVE, SANDBOX_WEAKENED, UNRESTRICTED_SHELL,
};

/// Judges the settings of one agent.
pub(super) fn judge(agent: &Agent, report: &mut Report<'_>) {
    let permissions = &agent.permissions;
    let all = |list: &[Literal]| list.iter().map(setting).collect::<Vec<_>>();
    report.add(
        APPROVALS_DISABLED,
        None,
        match agent.is_selected {
            true => "nothing is asked before it runs".to_owned(),
            false => format!(
                "nothing is asked before it runs once this is chosen: {}",
                agent.name
            ),
        },
        all(&permissions.bypass),
    );
    let any_tool = permissions.rules.iter().filter(|rule| {
        rule.verdict == crate::model::Verdict::Allow
            && rule.tool == crate::model::ToolKind::Any
            && rule.pattern.is_none()
    });
    let starred = any_tool
        .map(|rule| setting(&rule.source))
        .collect::<Vec<_>>();
    if report.has(UNRESTRICTED_SHELL) && permissions.bypass.is_empty() {
        report.add(
            APPROVALS_DISABLED,
            None,
            "every tool is allowed in advance",
            starred,
        );
    }
    report.add(
        RISKY_AUTO_APPROVE,
        None,
        "changes to files run unasked",
        all(&permissions.auto_accept),
    );
    report.add(
        PROJECT_MCP_AUTO_ENABLE,
        None,
        "servers of the repository start unasked",
        all(&permissions.project_servers),
    );
    if matches!(
        permissions.sandbox.state,
        SandboxState::Off | SandboxState::Weakened
    ) {
        report.add(
            SANDBOX_WEAKENED,
            None,
            "commands run with the rights of the user, or reach the network",
            all(&permissions.sandbox.because),
        );
    }
    let broad = permissions
        .extra_directories
        .iter()
        .filter(|literal| path::is_broad(literal.raw_unmasked()))
        .map(evidence)
        .collect();
    report.add(
        BROAD_FILESYSTEM_SCOPE,
        None,
        "the whole disk or home is opened",
        broad,
    );
    let secret = permissions
        .extra_directories
        .iter()
        .filter(|literal| path::is_credential(literal.raw_unmasked()))
        .map(evidence)
        .collect();
    report.add(
        CREDENTIAL_PATH_EXPOSURE,
        None,
        "a directory with credentials is opened",
        secret,
    );
    plugins(agent, report);
}

/// Packages a client installs and loads into itself.
fn plugins(agent: &Agent, report: &mut Report<'_>) {
    let unpinned = |literal: &&Literal| {
        crate::launch::npm_spec(literal.raw_unmasked())
            .is_some_and(|package| !package.is_pinned && package.registry == Registry::Npm)
    };
    for literal in agent.plugins.iter().filter(unpinned) {
        let reason = "plugins are fetched without an exact version";
        report.add_unpinned(Some("plugin"), reason, evidence(literal), Registry::Npm);
    }
}
