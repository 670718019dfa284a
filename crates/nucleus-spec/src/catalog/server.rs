//! One server of the catalog and its tools.

use std::collections::BTreeMap;

use portcullis::{Exposure, OperationSet, Sinks};
use serde_json::Value;

use super::condition::{Condition, Given};
use super::effects::{Effects, Party};
use super::kind::Kind;
use super::launch::Launch;

/// Which files the file tools of a server see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roots {
    /// None of this machine, or only a store of its own.
    None,
    /// Those of the workspace.
    Workspace,
    /// Those below the directories among its arguments.
    Arguments,
    /// Any.
    Unlimited,
}

/// A server that is known.
#[derive(Clone, Debug)]
pub struct ServerEntry {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) publisher: String,
    pub(crate) home: String,
    pub(crate) kind: Kind,
    pub(crate) npm: Vec<String>,
    pub(crate) pypi: Vec<String>,
    pub(crate) images: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) official: BTreeMap<String, Vec<String>>,
    pub(crate) roots: Roots,
    pub(crate) groups: Vec<ToolGroup>,
}

/// Tools with the same effects.
#[derive(Clone, Debug)]
pub struct ToolGroup {
    pub(crate) names: Vec<String>,
    pub(crate) effects: Effects,
    pub(crate) fields: BTreeMap<String, Exposure>,
    pub(crate) only_with: Vec<String>,
    pub(crate) absent_with: Vec<String>,
    pub(crate) cases: Vec<Case>,
}

/// Narrower effects of a group under a condition.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) argument: String,
    pub(crate) condition: Condition,
    pub(crate) without: Vec<String>,
    pub(crate) operations: Option<OperationSet>,
    pub(crate) brings: Option<Exposure>,
    pub(crate) sinks: Option<Sinks>,
}

/// One tool of a server, under one launch of it.
#[derive(Clone, Debug)]
pub struct Tool<'a> {
    groups: Vec<&'a ToolGroup>,
}

impl ServerEntry {
    /// Its name in the catalog.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for people.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Who is meant to publish it.
    #[must_use]
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// Where it is at home, a URL.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.home
    }

    /// What it is about.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Which files its file tools see.
    #[must_use]
    pub fn roots(&self) -> Roots {
        self.roots
    }

    /// The npm packages its publisher ships.
    #[must_use]
    pub fn npm(&self) -> &[String] {
        &self.npm
    }

    /// The `PyPI` packages its publisher ships.
    #[must_use]
    pub fn pypi(&self) -> &[String] {
        &self.pypi
    }

    /// Its groups of tools that are there when it is launched like this.
    pub fn groups<'a>(&'a self, launch: &'a Launch) -> impl Iterator<Item = &'a ToolGroup> {
        self.groups.iter().filter(|group| group.is_there(launch))
    }

    /// All its groups of tools.
    #[must_use]
    pub fn all_groups(&self) -> &[ToolGroup] {
        &self.groups
    }

    /// The tool of this name when the server is launched like this; `None` for one that is not known or not there.
    #[must_use]
    pub fn tool(&self, name: &str, launch: &Launch) -> Option<Tool<'_>> {
        let groups: Vec<&ToolGroup> = self
            .groups
            .iter()
            .filter(|group| group.has(name) && group.is_there(launch))
            .collect();
        (!groups.is_empty()).then_some(Tool { groups })
    }
}

impl ToolGroup {
    /// Its tools.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What a call can do at most.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.effects
    }

    /// Whether the tool is in the group.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    fn is_there(&self, launch: &Launch) -> bool {
        let is_among = |words: &[String]| words.iter().any(|word| launch.has_word(word));
        (self.only_with.is_empty() || is_among(&self.only_with)) && !is_among(&self.absent_with)
    }

    /// What this call can do.
    fn effects_of(&self, arguments: &Value) -> Effects {
        let case = self.cases.iter().find(|case| case.holds(arguments));
        case.map_or(self.effects, |case| Effects {
            operations: case.operations.unwrap_or(self.effects.operations),
            brings: case.brings.unwrap_or(self.effects.brings),
            sinks: case.sinks.unwrap_or(self.effects.sinks),
            ..self.effects
        })
    }
}

impl Case {
    fn holds(&self, arguments: &Value) -> bool {
        let is_absent = |name: &String| given(arguments, name) == Given::Nothing;
        self.condition.holds(given(arguments, &self.argument)) && self.without.iter().all(is_absent)
    }
}

impl Tool<'_> {
    /// What any call of it can do.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.joined(ToolGroup::effects)
    }

    /// What the call with these arguments can do; at most [`Self::effects`].
    #[must_use]
    pub fn effects_of(&self, arguments: &Value) -> Effects {
        self.joined(|group| group.effects_of(arguments))
    }

    /// The labels of one field of its result, at any depth; all of the tool's labels where nothing narrower is known.
    #[must_use]
    pub fn field_labels(&self, field: &str) -> Exposure {
        let of = |group: &&ToolGroup| {
            let known = group.fields.get(field).copied();
            known.unwrap_or(group.effects.brings)
        };
        self.groups
            .iter()
            .map(of)
            .fold(Exposure::NONE, Exposure::join)
    }

    fn joined(&self, effects: impl Fn(&ToolGroup) -> Effects) -> Effects {
        let narrowest = Effects {
            operations: OperationSet::EMPTY,
            brings: Exposure::NONE,
            sinks: Sinks::default(),
            written_by: Party::Vendor,
            read_by: Party::Vendor,
        };
        self.groups
            .iter()
            .map(|group| effects(group))
            .fold(narrowest, Effects::join)
    }
}

fn given<'a>(arguments: &'a Value, name: &str) -> Given<'a> {
    match arguments {
        Value::Null => Given::Nothing,
        Value::Object(fields) => match fields.get(name) {
            None => Given::Nothing,
            Some(Value::String(text)) => Given::Text(text),
            Some(_) => Given::Other,
        },
        _ => Given::Other,
    }
}
