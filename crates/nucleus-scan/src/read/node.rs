//! The tree all three syntaxes become.

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

    /// The last value under a key: what every client reads when a key is doubled.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().rev().find(|entry| entry.key == key),
            _ => None,
        }
    }
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

    /// Closes the innermost container, which ends at `end`.
    pub(crate) fn close(&mut self, end: usize) {
        let Some(mut open) = self.open.pop() else {
            return;
        };
        if let (Kind::Map(entries), Some((key, key_span))) = (&mut open.kind, open.key.take()) {
            let at = key_span.end;
            entries.push(Entry {
                key,
                key_span,
                value: Node::null(at),
            });
        }
        self.value(Node {
            kind: open.kind,
            span: open.start..end,
        });
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
            self.close(end);
        }
        Document {
            root: self.root.unwrap_or_else(|| Node::null(0)),
            faults: self.faults,
        }
    }
}
