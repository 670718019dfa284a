//! What the permission rules of a client say of a whole kind of tool, or of one pattern of it.

use std::collections::HashSet;

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
    let settling = family
        .index()
        .strongest(family.precedence(), tool, |_| true);
    settling.filter(|rule| rule.verdict == Verdict::Allow)
}

/// Whether this kind of tool is refused altogether.
pub(crate) fn denies_all(family: &Family<'_>, tool: &ToolKind) -> bool {
    let for_all = |rule: &PermissionRule| rule.only_for.is_empty();
    let settling = family.index().strongest(family.precedence(), tool, for_all);
    settling.is_some_and(|rule| rule.verdict == Verdict::Deny)
}

/// Rules that let a pattern of this kind of tool run unasked, unless the kind or the same pattern is taken back; each pattern once.
/// The kind is one of the client's own tools.
pub(crate) fn allowed_patterns<'a>(
    family: &Family<'a>,
    tool: &ToolKind,
) -> Vec<&'a PermissionRule> {
    let against: Vec<Option<&str>> = family
        .rules()
        .filter(|rule| {
            rule.verdict != Verdict::Allow && rule.only_for.is_empty() && is_about(&rule.tool, tool)
        })
        .map(|rule| rule.pattern.as_deref())
        .collect();
    if family.precedence() == Precedence::Strictest && against.iter().any(|one| is_bare(*one)) {
        return Vec::new();
    }
    let against: HashSet<Option<&str>> = against.into_iter().collect();
    let mut seen = HashSet::new();
    family
        .rules()
        .filter(|rule| {
            let pattern = rule.pattern.as_deref();
            rule.verdict == Verdict::Allow
                && rule.tool == *tool
                && !is_bare(pattern)
                && !against.contains(&pattern)
        })
        .filter(|rule| seen.insert(rule.pattern.as_deref()))
        .collect()
}

/// Whether a rule is about a kind of tool of the client's own.
fn is_about(by: &ToolKind, tool: &ToolKind) -> bool {
    *by == ToolKind::Any || by == tool
}

/// A tool's name against a name with `*` for any characters.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    portcullis::TextPattern::new(pattern).matches(name)
}
