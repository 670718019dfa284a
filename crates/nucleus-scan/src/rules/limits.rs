//! The rules of an agent that refuse or ask, by what they are about: a long list is no slower to ask than a short one.

use std::collections::{BTreeSet, HashMap};

use crate::client::Client;
use crate::model::{Agent, PermissionRule, Place, ToolKind, Verdict};

/// What a rule is about: the kind of tool, the sub-agent, and a pattern or the beginning of one.
type About<'a> = (&'a ToolKind, &'a str, &'a str);

/// Rules that refuse or ask, each with the last place where it stands.
#[derive(Debug, Default)]
pub(super) struct Limits<'a> {
    whole: HashMap<(&'a ToolKind, &'a str), &'a Place>,
    exact: HashMap<About<'a>, &'a Place>,
    /// Patterns that end with `*`, without it.
    starts: HashMap<About<'a>, &'a Place>,
    /// Lengths of `starts`, in bytes.
    lengths: BTreeSet<usize>,
}

impl<'a> Limits<'a> {
    pub(super) fn of(agent: &'a Agent) -> Self {
        let mut limits = Self::default();
        let rules = agent.permissions.rules.iter();
        for rule in rules.filter(|rule| rule.verdict != Verdict::Allow) {
            limits.add(rule);
        }
        limits
    }

    fn add(&mut self, rule: &'a PermissionRule) {
        let (tool, only_for, place) = (&rule.tool, rule.only_for.as_str(), rule.source.place());
        let Some(pattern) = rule.pattern.as_deref() else {
            return keep_last(&mut self.whole, (tool, only_for), place);
        };
        keep_last(&mut self.exact, (tool, only_for, pattern), place);
        if let Some(start) = pattern.strip_suffix('*') {
            keep_last(&mut self.exact, (tool, only_for, start.trim_end()), place);
            keep_last(&mut self.starts, (tool, only_for, start), place);
            self.lengths.insert(start.len());
        }
    }

    /// Whether a rule that refuses or asks covers this one wholly.
    pub(super) fn take_back(&self, agent: &Agent, rule: &PermissionRule) -> bool {
        let any = (rule.tool != ToolKind::Any).then_some(&ToolKind::Any);
        // In opencode the last rule that matches counts; in the others a refusal counts wherever it stands.
        let counts =
            |place: &Place| agent.client != Client::OpenCode || place > rule.source.place();
        let mut tools = std::iter::once(&rule.tool).chain(any);
        tools.any(|tool| self.about(tool, rule).into_iter().any(counts))
    }

    fn about(&self, tool: &ToolKind, rule: &PermissionRule) -> Vec<&'a Place> {
        let only_for = rule.only_for.as_str();
        let mut found: Vec<&Place> = self
            .whole
            .get(&(tool, only_for))
            .copied()
            .into_iter()
            .collect();
        if let Some(pattern) = rule.pattern.as_deref() {
            found.extend(self.exact.get(&(tool, only_for, pattern)));
            let starts = self.lengths.range(..=pattern.len());
            let starts = starts.filter_map(|length| pattern.get(..*length));
            found.extend(starts.filter_map(|start| self.starts.get(&(tool, only_for, start))));
        }
        found
    }

    /// Whether a rule of its own says that commands are refused or asked for.
    pub(super) fn name_the_shell(&self, only_for: &str) -> bool {
        self.whole.contains_key(&(&ToolKind::Shell, only_for))
    }
}

fn keep_last<'a, K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, &'a Place>,
    key: K,
    place: &'a Place,
) {
    let last = map.entry(key).or_insert(place);
    *last = place.max(last);
}
