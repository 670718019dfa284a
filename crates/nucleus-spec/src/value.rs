//! Holds values read from a policy file together with the bytes they came from.

use std::ops::Range;

use portcullis::command::CommandPattern;
use portcullis::glob::PathPattern;
use portcullis::host::HostRule;
use portcullis::text::{GitPattern, TextPattern};
use portcullis::{Level, Operation};

use crate::credential::Credential;
use crate::limit::HostLimit;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

impl<T> At<T> {
    pub(crate) fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// A list, or the word `"everything"`. An empty list is nothing.
#[derive(Clone, Debug)]
pub(crate) enum Listing<P> {
    Everything,
    These(Vec<At<P>>),
}

impl<P: Clone> Listing<P> {
    /// Whether it is an explicit `[]`.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::These(items) if items.is_empty())
    }

    /// The entries; none for everything.
    pub(crate) fn items(&self) -> &[At<P>] {
        match self {
            Self::Everything => &[],
            Self::These(items) => items,
        }
    }

    /// The entries without their places.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = P> + '_ {
        self.items().iter().map(|item| item.value.clone())
    }
}

/// What one key holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Level(Level),
    Operations(Vec<At<Operation>>),
    /// Micro-USD, tokens, milliseconds, a port or a version, as the key says.
    Number(u64),
    Flag(bool),
    Word(&'static str),
    Text(String),
    Texts(Vec<At<String>>),
    Paths(Listing<PathPattern>),
    Commands(Listing<CommandPattern>),
    Hosts(Listing<HostRule>),
    Limits(Listing<HostLimit>),
    Groups(Listing<&'static str>),
    Bindings(Listing<Credential>),
    Names(Listing<TextPattern>),
    Remotes(Listing<GitPattern>),
}
