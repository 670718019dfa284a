//! The permission rules of a family by what they are about: a question costs no more for rules about other things.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::Precedence;
use super::permission::is_bare;
use crate::model::{PermissionRule, ToolKind, Verdict};

/// The most rules with `*` in the name of a tool that are kept for one server. Nobody writes a tenth of them; what is not kept takes
/// no leg away.
const MAX_WILDCARDS: usize = 256;

/// Rules without a pattern; of those that say the same, the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleIndex<'a> {
    /// Every rule, in rising precedence.
    rules: Vec<&'a PermissionRule>,
    about: BTreeMap<Key<'a>, Vec<usize>>,
    /// Rules with `*` in the name of a tool, by the server.
    wildcards: BTreeMap<&'a str, Vec<usize>>,
}

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Kind(&'a ToolKind),
    Server(&'a str),
    Tool(&'a str, &'a str),
}

impl<'a> RuleIndex<'a> {
    pub(crate) fn new(rules: impl Iterator<Item = &'a PermissionRule>) -> Self {
        let mut index = Self {
            rules: rules
                .filter(|rule| is_bare(rule.pattern.as_deref()))
                .collect(),
            ..Self::default()
        };
        let mut said: BTreeSet<(&ToolKind, Verdict, &str)> = BTreeSet::new();
        for (nth, rule) in index.rules.clone().into_iter().enumerate().rev() {
            if said.insert((&rule.tool, rule.verdict, &rule.only_for)) {
                index.add(nth, rule);
            }
        }
        index
    }

    /// Takes rules in falling precedence.
    fn add(&mut self, nth: usize, rule: &'a PermissionRule) {
        let key = match &rule.tool {
            ToolKind::Mcp {
                server,
                tool: Some(tool),
            } if tool.contains('*') => {
                let wildcards = self.wildcards.entry(server).or_default();
                if wildcards.len() < MAX_WILDCARDS {
                    wildcards.push(nth);
                }
                return;
            }
            ToolKind::Mcp {
                server,
                tool: Some(tool),
            } => Key::Tool(server, tool),
            ToolKind::Mcp { server, tool: None } => Key::Server(server),
            other => Key::Kind(other),
        };
        self.about.entry(key).or_default().push(nth);
    }

    /// The rule that settles a question about a kind of tool, among those that `counts` lets speak.
    pub(crate) fn strongest(
        &self,
        precedence: Precedence,
        tool: &ToolKind,
        counts: impl Fn(&PermissionRule) -> bool,
    ) -> Option<&'a PermissionRule> {
        let speaking = self
            .covering(tool)
            .into_iter()
            .filter(|nth| counts(self.rules[*nth]));
        let settling = match precedence {
            // A rule for one sub-agent never takes back what another may do.
            Precedence::Strictest => speaking.max_by_key(|nth| (self.rules[*nth].verdict, *nth)),
            Precedence::Last => speaking.max(),
        };
        settling.map(|nth| self.rules[nth])
    }

    /// The rules about a kind of tool, in no order.
    fn covering(&self, tool: &ToolKind) -> Vec<usize> {
        let of = |key: Key<'_>| -> Vec<usize> { self.about.get(&key).cloned().unwrap_or_default() };
        let mut found = of(Key::Kind(&ToolKind::Any));
        let ToolKind::Mcp { server, tool: name } = tool else {
            if *tool != ToolKind::Any {
                found.extend(of(Key::Kind(tool)));
            }
            return found;
        };
        let mut spelled = spellings(server);
        spelled.insert("*".to_owned());
        for server in &spelled {
            found.extend(of(Key::Server(server)));
            let Some(name) = name else { continue };
            found.extend(of(Key::Tool(server, name)));
            let wildcards = self.wildcards.get(server.as_str()).into_iter().flatten();
            found.extend(wildcards.filter(|nth| fits(self.rules[**nth], name)));
        }
        found
    }
}

/// Whether the name of a tool, with `*` for any characters, is that of this tool.
fn fits(rule: &PermissionRule, name: &str) -> bool {
    matches!(&rule.tool, ToolKind::Mcp { tool: Some(pattern), .. } if super::permission::matches_name(pattern, name))
}

/// How rules may spell the name of a server: as it stands, and with `_` for what a name of a tool cannot hold.
fn spellings(server: &str) -> BTreeSet<String> {
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*') => c,
        _ => '_',
    };
    [server.to_owned(), server.chars().map(plain).collect()].into()
}
