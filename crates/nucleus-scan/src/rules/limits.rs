//! The rules that refuse or ask, of one file or of all files of an agent, by what they are about: a long list is no slower to ask than
//! a short one.

use std::collections::{BTreeSet, HashMap};

use crate::client::Client;
use crate::model::{PermissionRule, ToolKind, Verdict};

/// What a rule is about: the kind of tool, the sub-agent, and a pattern or the beginning of one.
type About<'a> = (&'a ToolKind, &'a str, &'a str);

/// Rules that refuse or ask, each with the last of its numbers.
#[derive(Debug, Default)]
pub(crate) struct Limits<'a> {
    whole: HashMap<(&'a ToolKind, &'a str), usize>,
    exact: HashMap<About<'a>, usize>,
    /// Patterns that end with `*`, without it.
    starts: HashMap<About<'a>, usize>,
    /// Lengths of `starts`, in bytes.
    lengths: BTreeSet<usize>,
}

impl<'a> Limits<'a> {
    /// Takes rules in rising precedence; each has its number in that order.
    pub(crate) fn of(rules: impl Iterator<Item = &'a PermissionRule>) -> Self {
        let mut limits = Self::default();
        let counted = rules.enumerate();
        for (nth, rule) in counted.filter(|(_, rule)| rule.verdict != Verdict::Allow) {
            limits.add(nth, rule);
        }
        limits
    }

    fn add(&mut self, nth: usize, rule: &'a PermissionRule) {
        let (tool, only_for) = (&rule.tool, rule.only_for.as_str());
        let Some(pattern) = rule.pattern.as_deref() else {
            return keep_last(&mut self.whole, (tool, only_for), nth);
        };
        keep_last(&mut self.exact, (tool, only_for, pattern), nth);
        if let Some(start) = pattern.strip_suffix('*') {
            keep_last(&mut self.exact, (tool, only_for, start.trim_end()), nth);
            keep_last(&mut self.starts, (tool, only_for, start), nth);
            self.lengths.insert(start.len());
        }
    }

    /// Whether a rule that refuses or asks covers this one, of that number, wholly.
    pub(crate) fn take_back(&self, client: Client, nth: usize, rule: &PermissionRule) -> bool {
        let any = (rule.tool != ToolKind::Any).then_some(&ToolKind::Any);
        // In opencode the last rule that matches counts; in the others a refusal counts wherever it stands.
        let counts = |other: usize| client != Client::OpenCode || other > nth;
        let mut tools = std::iter::once(&rule.tool).chain(any);
        tools.any(|tool| self.about(tool, rule).into_iter().any(counts))
    }

    fn about(&self, tool: &ToolKind, rule: &PermissionRule) -> Vec<usize> {
        let only_for = rule.only_for.as_str();
        let mut found: Vec<usize> = self
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

    /// Whether there is any.
    pub(crate) fn are_there(&self) -> bool {
        !self.whole.is_empty() || !self.exact.is_empty()
    }

    /// Whether a rule of its own says that commands are refused or asked for.
    pub(crate) fn name_the_shell(&self, only_for: &str) -> bool {
        self.whole.contains_key(&(&ToolKind::Shell, only_for))
    }
}

fn keep_last<K: std::hash::Hash + Eq>(map: &mut HashMap<K, usize>, key: K, nth: usize) {
    let last = map.entry(key).or_insert(nth);
    *last = nth.max(*last);
}
