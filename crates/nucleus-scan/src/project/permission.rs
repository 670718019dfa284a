//! What the permission rules of a client say of a whole kind of tool, or of one pattern of it.

use super::merge::{Family, Precedence};
use crate::model::{PermissionRule, ToolKind, Verdict};

/// Whether a pattern matches everything.
pub(crate) fn is_bare(pattern: Option<&str>) -> bool {
    pattern.is_none_or(|text| {
        let text = text.trim();
        text.chars().all(|c| matches!(c, '*' | ':' | ' ' | '.')) || text == "domain:*"
    })
}

/// The rule that lets every use of this kind of tool run unasked, if one does and none above it takes that back.
pub(crate) fn allows_all<'a>(family: &Family<'a>, tool: &ToolKind) -> Option<&'a PermissionRule> {
    let about: Vec<&PermissionRule> = family
        .rules()
        .filter(|rule| covers(&rule.tool, tool) && is_bare(rule.pattern.as_deref()))
        .collect();
    strongest(family.precedence(), &about).filter(|rule| rule.verdict == Verdict::Allow)
}

/// Whether this kind of tool is refused altogether.
pub(crate) fn denies_all(family: &Family<'_>, tool: &ToolKind) -> bool {
    let about: Vec<&PermissionRule> = family
        .rules()
        .filter(|rule| {
            rule.only_for.is_empty() && covers(&rule.tool, tool) && is_bare(rule.pattern.as_deref())
        })
        .collect();
    strongest(family.precedence(), &about).is_some_and(|rule| rule.verdict == Verdict::Deny)
}

/// Rules that let a pattern of this kind of tool run unasked, unless the kind or the same pattern is taken back.
pub(crate) fn allowed_patterns<'a>(
    family: &Family<'a>,
    tool: &ToolKind,
) -> Vec<&'a PermissionRule> {
    let taken_back = |allowed: &PermissionRule| {
        let other = |rule: &&PermissionRule| {
            rule.verdict != Verdict::Allow
                && covers(&rule.tool, tool)
                && rule.only_for.is_empty()
                && (rule.pattern == allowed.pattern
                    || family.precedence() == Precedence::Strictest
                        && is_bare(rule.pattern.as_deref()))
        };
        family.rules().any(|rule| other(&rule))
    };
    family
        .rules()
        .filter(|rule| {
            rule.verdict == Verdict::Allow
                && rule.tool == *tool
                && !is_bare(rule.pattern.as_deref())
        })
        .filter(|rule| !taken_back(rule))
        .collect()
}

fn strongest<'a>(
    precedence: Precedence,
    rules: &[&'a PermissionRule],
) -> Option<&'a PermissionRule> {
    match precedence {
        // A rule for one sub-agent never takes back what another may do.
        Precedence::Strictest => rules.iter().copied().max_by_key(|rule| rule.verdict),
        Precedence::Last => rules.last().copied(),
    }
}

/// Whether a rule about `by` is also one about `tool`.
fn covers(by: &ToolKind, tool: &ToolKind) -> bool {
    match (by, tool) {
        (ToolKind::Any, _) => true,
        (ToolKind::Mcp { server, tool: None }, ToolKind::Mcp { server: own, .. }) => {
            server == "*" || server == own
        }
        (
            ToolKind::Mcp {
                server,
                tool: Some(name),
            },
            ToolKind::Mcp {
                server: own,
                tool: Some(asked),
            },
        ) => (server == "*" || server == own) && matches_name(name, asked),
        _ => by == tool,
    }
}

/// A tool's name against a name with `*` for any characters.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    portcullis::TextPattern::new(pattern).matches(name)
}
