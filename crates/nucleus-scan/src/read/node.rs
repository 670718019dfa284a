//! The tree all three syntaxes become.

use std::collections::HashSet;
use std::ops::Range;

/// A value and the bytes it stands at, quotes included.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key with its value. Keys are kept in the order of the file, doubled ones too.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

/// What a file holds, as far as it could be read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) root: Node,
    /// The first things that were wrong; empty for a sound file.
    pub(crate) faults: Vec<Fault>,
}

/// Something that is wrong with a text. The message never quotes the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) what: String,
}

impl Node {
    pub(crate) fn null(at: usize) -> Self {
        Self {
            kind: Kind::Null,
            span: at..at,
        }
    }

    /// The last value under a key: what every client reads when a key is doubled. What `<<` merges counts where the map has none.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        let Kind::Map(entries) = &self.kind else {
            return None;
        };
        let own = entries.iter().rev().find(|entry| entry.key == key);
        own.or_else(|| {
            let mut merged = merged(entries);
            merged.find_map(|map| map.get(key))
        })
    }

    /// The entries of a map, its own and then those that `<<` merges into it; none for anything else.
    pub(crate) fn entries(&self) -> Vec<&Entry> {
        let Kind::Map(entries) = &self.kind else {
            return Vec::new();
        };
        let own = entries.iter().filter(|entry| entry.key != MERGE);
        let mut all: Vec<&Entry> = own.collect();
        let mut merged = merged(entries).peekable();
        if merged.peek().is_some() {
            let mut keys: HashSet<&str> = all.iter().map(|entry| entry.key.as_str()).collect();
            let more = merged.flat_map(Node::entries);
            all.extend(more.filter(|entry| keys.insert(&entry.key)));
        }
        all
    }

    /// What the value comes to, with all that is in it.
    pub(crate) fn size(&self) -> Size {
        let mut size = Size {
            values: 1,
            ..Size::default()
        };
        let mut add = |inner: &Node, key: usize| {
            let inner = inner.size();
            size.values += inner.values;
            size.bytes += inner.bytes + key;
            size.depth = size.depth.max(inner.depth + 1);
        };
        match &self.kind {
            Kind::List(items) => items.iter().for_each(|item| add(item, 0)),
            Kind::Map(entries) => entries
                .iter()
                .for_each(|entry| add(&entry.value, entry.key.len())),
            Kind::Text(text) | Kind::Number(text) => size.bytes = text.len(),
            Kind::Null | Kind::Bool(_) => {}
        }
        size
    }
}

/// The key under which YAML merges other maps.
const MERGE: &str = "<<";

/// The maps that `<<` merges, the first before the others.
fn merged(entries: &[Entry]) -> impl Iterator<Item = &Node> {
    let values = entries
        .iter()
        .filter(|entry| entry.key == MERGE)
        .map(|entry| &entry.value);
    values.flat_map(|value| match &value.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![value],
    })
}

/// What a value comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// It, and all values in it.
    pub(crate) values: usize,
    /// Bytes of texts and keys.
    pub(crate) bytes: usize,
    /// Levels of containers in it.
    pub(crate) depth: usize,
}

/// Builds a tree from a stream of events without recursion, within the limits.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    pub(crate) faults: Vec<Fault>,
    refused: bool,
}

#[derive(Debug)]
struct Open {
    start: usize,
    key: Option<(String, Range<usize>)>,
    kind: Kind,
}

impl Builder {
    /// Whether a limit was met: nothing more is taken.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    pub(crate) fn fault(&mut self, at: usize, what: impl Into<String>) {
        if self.faults.len() < 8 {
            self.faults.push(Fault {
                at,
                what: what.into(),
            });
        }
    }

    pub(crate) fn refuse(&mut self, at: usize, what: String) {
        if !self.refused {
            self.fault(at, what);
        }
        self.refused = true;
    }

    pub(crate) fn open_map(&mut self, at: usize) {
        self.push_open(at, Kind::Map(Vec::new()));
    }

    pub(crate) fn open_list(&mut self, at: usize) {
        self.push_open(at, Kind::List(Vec::new()));
    }

    fn push_open(&mut self, start: usize, kind: Kind) {
        if self.open.len() >= super::MAX_DEPTH {
            return self.refuse(
                start,
                format!("nested deeper than {} levels", super::MAX_DEPTH),
            );
        }
        self.open.push(Open {
            start,
            key: None,
            kind,
        });
    }

    /// Whether the innermost open container is a map that waits for a key.
    pub(crate) fn wants_key(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| matches!(open.kind, Kind::Map(_)) && open.key.is_none())
    }

    /// Whether the innermost open container is a map.
    pub(crate) fn in_map(&self) -> bool {
        self.open
            .last()
            .is_some_and(|open| matches!(open.kind, Kind::Map(_)))
    }

    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn key(&mut self, key: String, span: Range<usize>) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some((key, span));
        }
    }

    /// Closes the innermost container, which ends at `end`; gives a copy of it where one is wanted.
    pub(crate) fn close(&mut self, end: usize, is_wanted: bool) -> Option<Node> {
        let mut open = self.open.pop()?;
        if let (Kind::Map(entries), Some((key, key_span))) = (&mut open.kind, open.key.take()) {
            let at = key_span.end;
            entries.push(Entry {
                key,
                key_span,
                value: Node::null(at),
            });
        }
        let node = Node {
            kind: open.kind,
            span: open.start..end,
        };
        let copy = is_wanted.then(|| node.clone());
        self.value(node);
        copy
    }

    /// Takes a container that stands elsewhere already.
    pub(crate) fn repeat(&mut self, node: Node, size: &Size) {
        if self.open.len() + size.depth >= super::MAX_DEPTH {
            return self.refuse(
                node.span.start,
                format!("nested deeper than {} levels", super::MAX_DEPTH),
            );
        }
        self.nodes += size.values - 1;
        self.value(node);
    }

    /// Takes a finished value.
    pub(crate) fn value(&mut self, node: Node) {
        self.nodes += 1;
        if self.nodes > super::MAX_NODES {
            return self.refuse(
                node.span.start,
                format!("more than {} values", super::MAX_NODES),
            );
        }
        match self.open.last_mut() {
            None if self.root.is_none() => self.root = Some(node),
            None => {}
            Some(Open {
                kind: Kind::List(items),
                ..
            }) => items.push(node),
            Some(Open {
                kind: Kind::Map(entries),
                key,
                ..
            }) => {
                if let Some((key, key_span)) = key.take() {
                    entries.push(Entry {
                        key,
                        key_span,
                        value: node,
                    });
                }
            }
            Some(_) => {}
        }
    }

    /// Closes what is open and gives the tree.
    pub(crate) fn finish(mut self, end: usize) -> Document {
        while !self.open.is_empty() {
            let _ = self.close(end, false);
        }
        Document {
            root: self.root.unwrap_or_else(|| Node::null(0)),
            faults: self.faults,
        }
    }
}
