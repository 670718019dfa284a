//! Gives stated keys their meaning: levels, scopes, declarations, budget and time.

use std::ops::Range;

use portcullis::envelope::Section;
use portcullis::glob::PathPattern;
use portcullis::host::HostRule;
use portcullis::scope::{Conjunction, Union};
use portcullis::text::{GitPattern, TextPattern};
use portcullis::{Level, Operation, OperationSet};

use crate::credential::Credential;
use crate::document::{Document, Entry};
use crate::error::Fault;
use crate::groups::Groups;
use crate::limit::HostLimit;
use crate::value::{Listing, Value};

/// Looks keys up in a text, then in the profile it extends, then in the shipped defaults.
#[derive(Clone, Copy)]
pub(crate) struct Layered<'a> {
    pub(crate) own: &'a Document,
    pub(crate) profile: Option<&'a Document>,
    pub(crate) shipped: Option<&'a Document>,
    pub(crate) groups: &'a Groups,
}

impl<'a> Layered<'a> {
    /// The key as the text or its profile states it.
    pub(crate) fn stated(&self, section: &'static str, key: &'static str) -> Option<&'a Entry> {
        self.own
            .entry(section, key)
            .or_else(|| self.profile?.entry(section, key))
    }

    /// The key as it counts, defaults included.
    pub(crate) fn entry(&self, section: &'static str, key: &'static str) -> Option<&'a Entry> {
        self.stated(section, key)
            .or_else(|| self.shipped?.entry(section, key))
    }

    /// Whether the text or its profile has the section.
    pub(crate) fn has_section(&self, section: &str) -> bool {
        self.own.section(section).is_some()
            || self
                .profile
                .is_some_and(|profile| profile.section(section).is_some())
    }

    pub(crate) fn level(&self, op: Operation) -> Option<Level> {
        match self.entry("capabilities", op.name())?.value {
            Value::Level(level) => Some(level),
            _ => None,
        }
    }

    pub(crate) fn number(&self, section: &'static str, key: &'static str) -> Option<u64> {
        self.entry(section, key)?.number()
    }

    pub(crate) fn word(&self, section: &'static str, key: &'static str) -> Option<&'static str> {
        match self.entry(section, key)?.value {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn text(&self, section: &'static str, key: &'static str) -> Option<&'a str> {
        Some(self.entry(section, key)?.text()?.value)
    }

    /// Where to point: the first of these keys that the text itself states, else what it extends.
    pub(crate) fn place(&self, keys: &[(&'static str, &'static str)]) -> Range<usize> {
        let own = keys
            .iter()
            .find_map(|(section, key)| self.own.entry(section, key));
        own.or_else(|| self.own.entry("", "extends"))
            .map_or(0..0, |entry| entry.span.clone())
    }

    /// The operations that oblige an approval.
    pub(crate) fn approvals(&self) -> OperationSet {
        match self
            .entry("obligations", "approvals")
            .map(|entry| &entry.value)
        {
            Some(Value::Operations(list)) => list.iter().map(|at| at.value).collect(),
            _ => OperationSet::EMPTY,
        }
    }

    pub(crate) fn paths(&self) -> Section<PathPattern> {
        let blocked = ["blocked", "credential_files"];
        Section {
            listed: conjunction(self.entry("paths", "listed").and_then(Entry::paths)),
            blocked: Union::of(blocked.iter().flat_map(|key| self.path_list(key))),
        }
    }

    fn path_list(&self, key: &'static str) -> Vec<PathPattern> {
        patterns(self.entry("paths", key).and_then(Entry::paths))
    }

    pub(crate) fn public(&self) -> Conjunction<PathPattern> {
        conjunction(self.entry("paths", "public").and_then(Entry::paths))
    }

    pub(crate) fn commands(&self) -> Section<portcullis::command::CommandPattern> {
        let entry = |key| self.entry("commands", key).and_then(Entry::commands);
        Section {
            listed: conjunction(entry("listed")),
            blocked: Union::of(patterns(entry("blocked"))),
        }
    }

    pub(crate) fn hosts(&self) -> Section<HostRule> {
        let entry = |key| self.entry("network", key).and_then(Entry::hosts);
        let grouped = self.grouped().into_iter().map(|rule| plain(&rule));
        let listed = match entry("hosts") {
            Some(Listing::Everything) => Conjunction::everything(),
            list => {
                let stated = patterns(list).into_iter().map(|rule| plain(&rule));
                Conjunction::of(stated.chain(grouped))
            }
        };
        Section {
            listed,
            blocked: Union::of(patterns(entry("blocked"))),
        }
    }

    /// The names of the groups that count.
    pub(crate) fn group_names(&self) -> Vec<&'static str> {
        patterns(self.entry("network", "groups").and_then(Entry::groups))
    }

    /// The host rules of the groups.
    fn grouped(&self) -> Vec<HostRule> {
        let names = self.group_names();
        names
            .iter()
            .flat_map(|name| self.groups.rules(name))
            .collect()
    }

    /// What the text and its groups allow hosts in bytes and requests.
    pub(crate) fn limits(&self) -> Vec<HostLimit> {
        let mut limits = patterns(self.entry("network", "limits").and_then(Entry::limits));
        limits.extend(
            self.group_names()
                .iter()
                .flat_map(|name| self.groups.limits(name)),
        );
        limits
    }

    /// The secrets that are bound.
    pub(crate) fn bindings(&self) -> Vec<Credential> {
        patterns(
            self.entry("credentials", "bindings")
                .and_then(Entry::bindings),
        )
    }

    /// The names of secrets that count; all where the text does not say.
    pub(crate) fn used_bindings(&self) -> Option<Vec<String>> {
        let listing = self.entry("credentials", "use").and_then(Entry::names)?;
        Some(
            listing
                .patterns()
                .map(|name| name.as_str().to_owned())
                .collect(),
        )
    }

    /// Whether only artifacts of the lockfiles may come from registries.
    pub(crate) fn is_pinned(&self) -> bool {
        let entry = self.entry("registries", "pinned");
        matches!(entry.map(|entry| &entry.value), Some(Value::Flag(true)))
    }

    /// The host rules for which the declaration holds, without their declarations.
    pub(crate) fn declared_hosts(
        &self,
        holds: impl Fn(&HostRule) -> bool,
    ) -> Conjunction<HostRule> {
        let mut listed = patterns(self.entry("network", "hosts").and_then(Entry::hosts));
        listed.extend(self.grouped());
        Conjunction::of(listed.iter().filter(|rule| holds(rule)).map(plain))
    }

    pub(crate) fn tools(&self) -> Section<TextPattern> {
        let is_shipped_block =
            self.stated("tools", "blocked").is_none() && self.has_section("tools");
        let blocked = if is_shipped_block {
            Vec::new()
        } else {
            self.name_list("tools", "blocked")
        };
        Section {
            listed: conjunction(self.entry("tools", "listed").and_then(Entry::names)),
            blocked: Union::of(blocked),
        }
    }

    pub(crate) fn name_list(&self, section: &'static str, key: &'static str) -> Vec<TextPattern> {
        patterns(self.entry(section, key).and_then(Entry::names))
    }

    pub(crate) fn names(
        &self,
        section: &'static str,
        key: &'static str,
    ) -> Conjunction<TextPattern> {
        Conjunction::of(self.name_list(section, key))
    }

    pub(crate) fn git(&self) -> Section<GitPattern> {
        let commits = commits(
            &self.name_list("git", "repositories"),
            &self.name_list("git", "branches"),
        );
        let remotes = match self.entry("git", "remotes").and_then(Entry::remotes) {
            Some(Listing::Everything) => vec![any_remote()],
            listed => patterns(listed),
        };
        Section {
            listed: Conjunction::of(commits.into_iter().chain(remotes)),
            blocked: self.blocked_branches(),
        }
    }

    /// Blocks the branches for commits, pushes and pull requests alike.
    pub(crate) fn blocked_branches(&self) -> Union<GitPattern> {
        let branches = self.name_list("git", "blocked_branches");
        let pushed = branches.iter().map(|branch| GitPattern::Remote {
            url: TextPattern::new("*"),
            reference: TextPattern::new(format!("refs/heads/{}", branch.as_str())),
        });
        Union::of(
            commits(&[TextPattern::new("*")], &branches)
                .into_iter()
                .chain(pushed),
        )
    }

    /// The model providers and accounts, as `provider` and `provider/account`.
    ///
    /// Without `provider` any: the one named when the session starts is met with it.
    pub(crate) fn models(&self) -> Conjunction<TextPattern> {
        match (
            self.text("model", "provider"),
            self.text("model", "account"),
        ) {
            (None, _) => Conjunction::everything(),
            (Some(provider), account) => Conjunction::of(models(provider, account)),
        }
    }

    /// One name, or nothing.
    pub(crate) fn single(
        &self,
        section: &'static str,
        key: &'static str,
    ) -> Conjunction<TextPattern> {
        Conjunction::of(self.text(section, key).map(TextPattern::new))
    }

    /// Refuses levels and scopes that contradict each other, at these effective levels.
    pub(crate) fn check_levels(&self, level: impl Fn(Operation) -> Level) -> Result<(), Fault> {
        for (operations, section, key) in SCOPES {
            let is_nothing = self.stated(section, key).is_some_and(Entry::is_empty_list);
            let always = operations.iter().find(|op| level(*op) == Level::Always);
            if let (Some(op), true) = (always, is_nothing) {
                return Err(self.nothing_beside_always(op, section, key));
            }
        }
        Ok(())
    }

    /// The listings that the text states and no level looks at.
    pub(crate) fn idle_listings(&self) -> Vec<(&'static str, &'static str)> {
        let is_looked_at = |operations: OperationSet| {
            operations
                .iter()
                .any(|op| self.level(op) == Some(Level::LowRisk))
        };
        let is_idle = |(operations, section, key): &&(OperationSet, &'static str, &'static str)| {
            let is_list = self.own.entry(section, key).is_some_and(Entry::is_list);
            is_list && !is_looked_at(*operations)
        };
        SCOPES
            .iter()
            .filter(is_idle)
            .map(|(_, section, key)| (*section, *key))
            .collect()
    }

    fn nothing_beside_always(
        &self,
        op: Operation,
        section: &'static str,
        key: &'static str,
    ) -> Fault {
        let span = self.place(&[(section, key), ("capabilities", op.name())]);
        Fault::new(span, format!("`{op}` is `always`, so `{key} = []` in [{section}] limits nothing"))
            .label("contradicts the level")
            .help(format!("write `{op} = \"never\"` to deny it, or `\"low_risk\"` to ask for whatever is not listed"))
    }

    /// Refuses `always` where the subjects are outside the workspace and nobody said which.
    pub(crate) fn check_open_ended(&self) -> Result<(), Fault> {
        let outward = [
            (Operation::WebSearch, "network", "hosts"),
            (Operation::WebFetch, "network", "hosts"),
            (Operation::GitPush, "git", "remotes"),
            (Operation::CreatePr, "git", "remotes"),
        ];
        let open = |(op, section, key): &(Operation, &'static str, &'static str)| {
            self.level(*op) == Some(Level::Always) && self.stated(section, key).is_none()
        };
        match outward.into_iter().find(open) {
            None => Ok(()),
            Some((op, section, key)) => {
                let span = self.place(&[("capabilities", op.name())]);
                Err(Fault::new(span, format!("`{op}` is `always`, but [{section}] does not say `{key}`"))
                    .label("would reach anything")
                    .help(format!(
                        "write `\"low_risk\"` and list them in [{section}] `{key}`, or say `{key} = \"everything\"` there"
                    )))
            }
        }
    }

    pub(crate) fn check_account(&self) -> Result<(), Fault> {
        if self.text("model", "account").is_some() && self.text("model", "provider").is_none() {
            let span = self.place(&[("model", "account")]);
            return Err(Fault::new(span, "an account without its provider")
                .label("whose account?")
                .help("state `provider` in [model]"));
        }
        Ok(())
    }
}

/// The operations whose `low_risk` each listing limits.
static SCOPES: [(OperationSet, &str, &str); 6] = [
    (OperationSet::PATHS, "paths", "listed"),
    (OperationSet::of(Operation::RunBash), "commands", "listed"),
    (
        OperationSet::of(Operation::WebSearch).with(Operation::WebFetch),
        "network",
        "hosts",
    ),
    (
        OperationSet::of(Operation::GitCommit),
        "git",
        "repositories",
    ),
    (OperationSet::of(Operation::GitCommit), "git", "branches"),
    (
        OperationSet::of(Operation::GitPush).with(Operation::CreatePr),
        "git",
        "remotes",
    ),
];

/// FAIL-CLOSED: what is not stated anywhere lists nothing.
fn conjunction<P: PartialEq + Clone>(listing: Option<&Listing<P>>) -> Conjunction<P> {
    match listing {
        Some(Listing::Everything) => Conjunction::everything(),
        Some(list) => Conjunction::of(list.patterns()),
        None => Conjunction::nothing(),
    }
}

fn patterns<P: Clone>(listing: Option<&Listing<P>>) -> Vec<P> {
    listing
        .map(|list| list.patterns().collect())
        .unwrap_or_default()
}

/// Each branch in each repository.
pub(crate) fn commits(repositories: &[TextPattern], branches: &[TextPattern]) -> Vec<GitPattern> {
    let each = |repository: &TextPattern| {
        let repository = repository.clone();
        branches.iter().map(move |branch| GitPattern::Commit {
            repository: repository.clone(),
            branch: branch.clone(),
        })
    };
    repositories.iter().flat_map(each).collect()
}

/// Every reference of every remote.
pub(crate) fn any_remote() -> GitPattern {
    GitPattern::Remote {
        url: TextPattern::new("*"),
        reference: TextPattern::new("*"),
    }
}

/// The names under which a provider, or one account of it, is called.
pub(crate) fn models(provider: &str, account: Option<&str>) -> Vec<TextPattern> {
    match account {
        Some(account) => vec![TextPattern::new(format!("{provider}/{account}"))],
        None => vec![
            TextPattern::new(provider),
            TextPattern::new(format!("{provider}/*")),
        ],
    }
}

/// The same routes, without trust and as a sink: what a listing compares.
pub(crate) fn plain(rule: &HostRule) -> HostRule {
    rule.clone()
        .with_trust(false)
        .with_sink(true)
        .unwrap_or_else(|_| rule.clone())
}
