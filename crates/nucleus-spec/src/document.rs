//! Holds what one policy text states, key by key, before it means anything.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::value::{At, Listing, Value};

/// One stated key.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

/// Everything a text states.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    sections: BTreeMap<&'static str, Range<usize>>,
    entries: BTreeMap<(&'static str, &'static str), Entry>,
}

impl Document {
    pub(crate) fn open(&mut self, section: &'static str, span: Range<usize>) {
        self.sections.insert(section, span);
    }

    pub(crate) fn put(&mut self, section: &'static str, key: &'static str, entry: Entry) {
        self.entries.insert((section, key), entry);
    }

    /// Where the section starts, if it is stated.
    pub(crate) fn section(&self, name: &str) -> Option<Range<usize>> {
        self.sections.get(name).cloned()
    }

    pub(crate) fn entry(&self, section: &'static str, key: &'static str) -> Option<&Entry> {
        self.entries.get(&(section, key))
    }
}

/// The fields of one entry of a list.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) span: Range<usize>,
    entries: BTreeMap<&'static str, Entry>,
}

impl Fields {
    pub(crate) fn new(span: Range<usize>) -> Self {
        Self {
            span,
            entries: BTreeMap::new(),
        }
    }

    pub(crate) fn put(&mut self, name: &'static str, entry: Entry) {
        self.entries.insert(name, entry);
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<At<&str>> {
        self.entry(name).and_then(|entry| entry.text())
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        match self.entry(name)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        match self.entry(name)?.value {
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.entry(name).and_then(Entry::number)
    }

    pub(crate) fn texts(&self, name: &str) -> Option<&[At<String>]> {
        match &self.entry(name)?.value {
            Value::Texts(texts) => Some(texts),
            _ => None,
        }
    }
}

impl Entry {
    pub(crate) fn text(&self) -> Option<At<&str>> {
        match &self.value {
            Value::Text(text) => Some(At::new(text, self.span.clone())),
            _ => None,
        }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        match self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is a list with entries, none of which stands for everything.
    pub(crate) fn is_list(&self) -> bool {
        match &self.value {
            Value::Paths(listing) => !listing.items().is_empty(),
            Value::Commands(listing) => !listing.items().is_empty(),
            Value::Hosts(listing) => !listing.items().is_empty(),
            Value::Names(listing) => {
                let names = listing.items();
                !names.is_empty() && names.iter().all(|at| at.value.as_str() != "*")
            }
            Value::Remotes(listing) => !listing.items().is_empty(),
            _ => false,
        }
    }

    /// Whether it is an explicit empty list.
    pub(crate) fn is_empty_list(&self) -> bool {
        match &self.value {
            Value::Operations(items) => items.is_empty(),
            Value::Paths(listing) => listing.is_nothing(),
            Value::Commands(listing) => listing.is_nothing(),
            Value::Hosts(listing) => listing.is_nothing(),
            Value::Names(listing) => listing.is_nothing(),
            Value::Remotes(listing) => listing.is_nothing(),
            _ => false,
        }
    }
}

/// Typed views of stated keys; each is `None` where the key is not stated.
macro_rules! views {
    ($($name:ident: $variant:ident => $type:ty;)*) => {
        impl Entry {
            $(pub(crate) fn $name(&self) -> Option<&Listing<$type>> {
                match &self.value {
                    Value::$variant(listing) => Some(listing),
                    _ => None,
                }
            })*
        }
    };
}

views! {
    paths: Paths => portcullis::glob::PathPattern;
    commands: Commands => portcullis::command::CommandPattern;
    hosts: Hosts => portcullis::host::HostRule;
    limits: Limits => crate::limit::HostLimit;
    groups: Groups => &'static str;
    bindings: Bindings => crate::credential::Credential;
    names: Names => portcullis::text::TextPattern;
    remotes: Remotes => portcullis::text::GitPattern;
}
