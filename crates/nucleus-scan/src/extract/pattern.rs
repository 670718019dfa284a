//! Permission rules as clients write them, in one shape. A pattern ends with ` *` where more arguments may follow.

use crate::model::{Literal, PermissionRule, ToolKind, Verdict};

/// How a client compares a command with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// `*` stands for anything; without it the whole command must be the same.
    Glob,
    /// The rule is what the command begins with.
    Prefix,
}

/// A rule of Claude Code: `Bash(git commit:*)`, `Read(~/x)`, `WebFetch(domain:…)`, `mcp__server__tool`, `*`.
pub(crate) fn claude_rule(verdict: Verdict, source: Literal) -> PermissionRule {
    wrapped(verdict, source, Match::Glob)
}

/// A rule whose command is a prefix: `Shell(git)` of Cursor, `run_shell_command(git)` of Gemini CLI.
pub(super) fn prefix_rule(verdict: Verdict, source: Literal) -> PermissionRule {
    wrapped(verdict, source, Match::Prefix)
}

/// A bare command.
pub(super) fn command_rule(verdict: Verdict, source: Literal, how: Match) -> PermissionRule {
    let pattern = command(source.raw_unmasked(), how);
    PermissionRule {
        verdict,
        tool: ToolKind::Shell,
        pattern,
        source,
        only_for: String::new(),
    }
}

fn wrapped(verdict: Verdict, source: Literal, how: Match) -> PermissionRule {
    let text = source.raw_unmasked().trim();
    let (name, inner) = match text.split_once('(') {
        Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').unwrap_or(rest))),
        None => (text, None),
    };
    let tool = tool(name, inner);
    let pattern = match (&tool, inner) {
        (_, None) | (ToolKind::Mcp { .. }, _) => None,
        (ToolKind::Shell, Some(inner)) => command(inner, how),
        (_, Some(inner)) => (!matches!(inner.trim(), "*" | "**" | "")).then(|| inner.to_owned()),
    };
    PermissionRule {
        verdict,
        tool,
        pattern,
        source,
        only_for: String::new(),
    }
}

/// A command pattern with its wildcard spelled ` *`; `None` where everything fits.
pub(super) fn command(text: &str, how: Match) -> Option<String> {
    let text = text.trim();
    if matches!(text, "" | "*" | "**" | ":*" | ".*" | "/.*/" | "* *") {
        return None;
    }
    let normal = match text.strip_suffix(":*") {
        Some(prefix) => format!("{prefix} *"),
        None => text.to_owned(),
    };
    Some(if how == Match::Prefix && !normal.ends_with('*') {
        format!("{normal} *")
    } else {
        normal
    })
}

fn tool(name: &str, inner: Option<&str>) -> ToolKind {
    if let Some(rest) = name.strip_prefix("mcp__") {
        let (server, tool) = rest
            .split_once("__")
            .map_or((rest, None), |(server, tool)| (server, Some(tool)));
        return mcp(server, tool);
    }
    match name {
        "*" => ToolKind::Any,
        "Bash" | "Shell" | "PowerShell" | "run_shell_command" | "ShellTool" | "shell"
        | "execute_bash" | "bash" | "terminal" | "execute_cmd" | "Terminal" => ToolKind::Shell,
        "Read"
        | "Glob"
        | "Grep"
        | "LS"
        | "GlobTool"
        | "GrepTool"
        | "View"
        | "read_file"
        | "list_directory"
        | "read_many_files"
        | "glob"
        | "search_file_content"
        | "fs_read"
        | "read"
        | "grep"
        | "NotebookRead"
        | "ReadFile" => ToolKind::Read,
        "Edit" | "Write" | "MultiEdit" | "NotebookEdit" | "write_file" | "replace"
        | "edit_file" | "delete_file" | "make_directory" | "fs_write" | "write" | "edit"
        | "WriteFile" | "EditTool" | "Replace" => ToolKind::Write,
        "WebFetch" | "web_fetch" | "fetch" | "webfetch" | "url" => ToolKind::WebFetch,
        "WebSearch" | "google_web_search" | "web_search" | "websearch" => ToolKind::WebSearch,
        "Mcp" | "mcp" => match inner.and_then(|inner| inner.split_once(':')) {
            Some((server, "*")) => mcp(server, None),
            Some((server, tool)) => mcp(server, Some(tool)),
            None => mcp(inner.unwrap_or("*"), None),
        },
        other => ToolKind::Other(other.to_owned()),
    }
}

fn mcp(server: &str, tool: Option<&str>) -> ToolKind {
    ToolKind::Mcp {
        // As the servers' own names are, so that a rule still fits the server it spells.
        server: crate::secret::mask_name(server),
        tool: tool.filter(|tool| *tool != "*").map(str::to_owned),
    }
}
