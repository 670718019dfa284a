//! Rules about what runs unasked.

use crate::client::Client;
use crate::model::{Agent, Evidence, PermissionRule, RuleId, SHELL_TOOLS, ToolKind, Verdict};

use super::limits::Limits;
use super::report::{Report, setting};
use super::table::{
    APPROVALS_DISABLED, BROAD_FILESYSTEM_SCOPE, CREDENTIAL_PATH_EXPOSURE, INTERPRETER_WILDCARD,
    NETWORK_EGRESS_COMMAND, NO_DENY_RULES, RISKY_AUTO_APPROVE, UNRESTRICTED_SHELL,
    WRITABLE_AGENT_CONFIG,
};
use super::{interpreter, path};

/// Findings that rest on rules that allow: another file of the agent may take them back.
pub(crate) const BY_RULES: &[RuleId] = &[
    UNRESTRICTED_SHELL,
    APPROVALS_DISABLED,
    INTERPRETER_WILDCARD,
    NETWORK_EGRESS_COMMAND,
    BROAD_FILESYSTEM_SCOPE,
    CREDENTIAL_PATH_EXPOSURE,
    WRITABLE_AGENT_CONFIG,
    RISKY_AUTO_APPROVE,
    NO_DENY_RULES,
];

/// Judges the rules that allow, less what other rules take back.
pub(super) fn judge(agent: &Agent, report: &mut Report<'_>) {
    let limits = Limits::of(agent.permissions.rules.iter());
    let live: Vec<&PermissionRule> = (0_usize..)
        .zip(&agent.permissions.rules)
        .filter(|(nth, rule)| {
            rule.verdict == Verdict::Allow && !limits.take_back(agent.client, *nth, rule)
        })
        .map(|(_, rule)| rule)
        .collect();
    let pick = |fits: &dyn Fn(&PermissionRule) -> bool| -> Vec<Evidence> {
        live.iter()
            .filter(|rule| fits(rule))
            .map(|rule| setting(&rule.source))
            .collect()
    };
    report.add(
        UNRESTRICTED_SHELL,
        None,
        "every command runs unasked",
        pick(&|rule| any_command(&limits, rule) && !agent.builtins.leaves_out(SHELL_TOOLS)),
    );
    report.add(
        INTERPRETER_WILDCARD,
        None,
        "programs that run any code are allowed with any arguments",
        pick(&|rule| shell_pattern(rule).is_some_and(interpreter::runs_any_code)),
    );
    report.add(
        NETWORK_EGRESS_COMMAND,
        None,
        "programs that send data anywhere are allowed with any arguments",
        pick(&|rule| shell_pattern(rule).is_some_and(interpreter::sends_anywhere)),
    );
    report.add(
        BROAD_FILESYSTEM_SCOPE,
        None,
        "files of the whole disk or home are in reach",
        pick(&|rule| is_broad(rule)),
    );
    report.add(
        CREDENTIAL_PATH_EXPOSURE,
        None,
        "files with credentials may be read unasked",
        pick(&|rule| reads_credentials(rule)),
    );
    report.add(
        WRITABLE_AGENT_CONFIG,
        None,
        "the agent may rewrite its own rules unasked",
        pick(&|rule| writes_config(rule)),
    );
    report.add(
        RISKY_AUTO_APPROVE,
        None,
        "every tool of every server runs unasked",
        pick(&|rule| matches!(&rule.tool, ToolKind::Mcp { server, tool: None } if server == "*")),
    );
    if agent.permissions.with(Verdict::Deny).next().is_none()
        && agent.client == Client::ClaudeCode
        && agent.permissions.with(Verdict::Ask).next().is_none()
    {
        let reads = pick(&|rule| matches!(rule.tool, ToolKind::Read | ToolKind::Any));
        report.add(
            NO_DENY_RULES,
            None,
            "files are read unasked and none is refused",
            reads,
        );
    }
}

/// The pattern of a rule about commands.
fn shell_pattern(rule: &PermissionRule) -> Option<&str> {
    rule.pattern
        .as_deref()
        .filter(|_| rule.tool == ToolKind::Shell)
}

/// `Bash`, `Bash(*)`, `*`.
fn any_command(limits: &Limits<'_>, rule: &PermissionRule) -> bool {
    let shell = rule.tool == ToolKind::Shell && rule.pattern.is_none();
    (is_any_tool(rule) || shell) && !leave_the_shell_out(limits, rule)
}

fn is_any_tool(rule: &PermissionRule) -> bool {
    rule.tool == ToolKind::Any && rule.pattern.is_none()
}

/// Whether a rule allows every tool and another one speaks of commands.
pub(crate) fn leave_the_shell_out(limits: &Limits<'_>, rule: &PermissionRule) -> bool {
    is_any_tool(rule) && limits.name_the_shell(&rule.only_for)
}

fn is_broad(rule: &PermissionRule) -> bool {
    match (&rule.tool, rule.pattern.as_deref()) {
        (ToolKind::OutsideDirectory, pattern) => pattern.is_none_or(path::is_broad),
        (ToolKind::Read | ToolKind::Write, Some(pattern)) => {
            is_absolute(pattern) && path::is_broad(pattern)
        }
        _ => false,
    }
}

/// A single leading slash is relative to the settings file; two are the root of the disk.
fn is_absolute(pattern: &str) -> bool {
    pattern.starts_with("//")
        || pattern.starts_with('~')
        || pattern.starts_with('$')
        || pattern.get(1..3) == Some(":\\")
        || pattern.get(1..3) == Some(":/")
}

fn reads_credentials(rule: &PermissionRule) -> bool {
    match (&rule.tool, rule.pattern.as_deref()) {
        (ToolKind::Read, Some(pattern)) => path::is_credential(pattern),
        (ToolKind::Shell, Some(pattern)) => {
            let mut words = pattern.split_whitespace();
            let reader = words.next().is_some_and(|first| {
                matches!(
                    first,
                    "cat"
                        | "less"
                        | "head"
                        | "tail"
                        | "more"
                        | "bat"
                        | "type"
                        | "xxd"
                        | "base64"
                        | "strings"
                )
            });
            reader && words.any(path::is_credential)
        }
        _ => false,
    }
}

fn writes_config(rule: &PermissionRule) -> bool {
    const OWN: &[&str] = &[
        ".claude/settings",
        ".claude/hooks",
        ".mcp.json",
        ".cursor/mcp.json",
        ".cursor/hooks",
        ".vscode/mcp.json",
        ".codex/config",
        ".gemini/settings",
        ".claude.json",
        ".kiro/settings",
        ".github/workflows",
    ];
    let Some(pattern) = rule
        .pattern
        .as_deref()
        .filter(|_| rule.tool == ToolKind::Write)
    else {
        return false;
    };
    let whole = matches!(
        pattern
            .trim_start_matches("./")
            .trim_start_matches("~/")
            .trim_start_matches('/')
            .trim_end_matches('*')
            .trim_end_matches('/'),
        ".claude" | ".cursor" | ".codex" | ".gemini" | ".kiro"
    );
    whole || OWN.iter().any(|name| pattern.contains(name))
}
