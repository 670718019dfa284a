//! Walks a tree and remembers the way, so that every value found has its place.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::lines::LineIndex;
use super::node::{Document, Entry, Kind, Node};
use crate::client::Client;
use crate::discover::FileKind;
use crate::model::{FileName, Literal, Place, Scope};

/// A file that was read, with what is known of it from its name.
#[derive(Debug)]
pub(crate) struct SourceFile {
    pub(crate) name: Arc<FileName>,
    pub(crate) text: String,
    pub(crate) lines: LineIndex,
    pub(crate) kind: FileKind,
    pub(crate) client: Client,
    pub(crate) scope: Scope,
    /// The root it was found beneath.
    pub(crate) root: PathBuf,
    /// The root as shown.
    pub(crate) root_shown: String,
    /// The tree, for files that have one.
    pub(crate) document: Option<Document>,
}

impl SourceFile {
    /// The place of some bytes.
    pub(crate) fn place(&self, span: Range<usize>, pointer: &str) -> Place {
        let end = span.end.min(self.text.len());
        let start = span.start.min(end);
        let (line, column) = self.lines.position(&self.text, start);
        let (end_line, end_column) = self.lines.position(&self.text, end);
        Place {
            file: Arc::clone(&self.name),
            line,
            column,
            end_line,
            end_column,
            span: (start..end).into(),
            pointer: pointer.to_owned(),
        }
    }

    /// Where a part of what stands at a place stands; the place itself where it cannot be found, as behind an escape.
    pub(crate) fn place_in(&self, outer: &Place, part: &str) -> Place {
        let span: Range<usize> = outer.span.into();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        match raw.find(part) {
            Some(at) if !part.is_empty() => self.place(
                span.start + at..span.start + at + part.len(),
                &outer.pointer,
            ),
            _ => outer.clone(),
        }
    }

    /// A search for parts of what stands at a place, one after the other.
    pub(crate) fn finder<'a>(&'a self, outer: &'a Place) -> Finder<'a> {
        Finder {
            file: self,
            outer,
            from: 0,
            misses: 0,
        }
    }

    /// The root of its tree.
    pub(crate) fn top(&self) -> Option<At<'_>> {
        self.document.as_ref().map(|document| At {
            file: self,
            node: &document.root,
            key: "",
            key_span: 0..0,
            pointer: String::new(),
        })
    }
}

/// The most parts that are looked for in vain: each look is as long as the rest of the text.
const MAX_MISSES: usize = 64;

/// Finds parts of a text in the order in which they stand, in time linear in the text.
#[derive(Debug)]
pub(crate) struct Finder<'a> {
    file: &'a SourceFile,
    outer: &'a Place,
    from: usize,
    misses: usize,
}

impl Finder<'_> {
    /// Where the next part stands, behind those found before; the whole where it cannot be found, as behind an escape.
    pub(crate) fn next(&mut self, part: &str) -> Place {
        if part.is_empty() || self.misses >= MAX_MISSES {
            return self.outer.clone();
        }
        let span: Range<usize> = self.outer.span.into();
        let rest = self.file.text.get(span.start + self.from..span.end);
        let Some(at) = rest.and_then(|rest| rest.find(part)) else {
            self.misses += 1;
            return self.outer.clone();
        };
        let start = self.from + at;
        self.from = start + part.len();
        self.file.place(
            span.start + start..span.start + self.from,
            &self.outer.pointer,
        )
    }
}

/// A value within its file.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a SourceFile,
    pub(crate) node: &'a Node,
    key: &'a str,
    key_span: Range<usize>,
    pointer: String,
}

impl<'a> At<'a> {
    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<At<'a>> {
        self.node.get(key).map(|entry| self.child(entry))
    }

    fn child(&self, entry: &'a Entry) -> At<'a> {
        At {
            file: self.file,
            node: &entry.value,
            key: &entry.key,
            key_span: entry.key_span.clone(),
            pointer: extended(&self.pointer, &entry.key),
        }
    }

    /// The value under the first of several keys that is there.
    pub(crate) fn get_any(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The value under a path of keys.
    pub(crate) fn path(&self, keys: &[&str]) -> Option<At<'a>> {
        keys.iter().try_fold(self.clone(), |at, key| at.get(key))
    }

    /// The values of a map, in the order of the file; none for anything else.
    pub(crate) fn entries(&self) -> Vec<At<'a>> {
        let entries = self.node.entries();
        entries.into_iter().map(|entry| self.child(entry)).collect()
    }

    /// The values of a list; none for anything else.
    pub(crate) fn items(&self) -> Vec<At<'a>> {
        let Kind::List(items) = &self.node.kind else {
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(nth, node)| At {
                file: self.file,
                node,
                key: "",
                key_span: node.span.start..node.span.start,
                pointer: format!("{}/{nth}", self.pointer),
            })
            .collect()
    }

    /// The items of a list, or the value itself where one text stands for a list of one.
    pub(crate) fn one_or_many(&self) -> Vec<At<'a>> {
        match &self.node.kind {
            Kind::List(_) => self.items(),
            Kind::Text(_) => vec![self.clone()],
            _ => Vec::new(),
        }
    }

    pub(crate) fn key(&self) -> &'a str {
        self.key
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar, numbers and truth values as written.
    pub(crate) fn scalar(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text),
            Kind::Bool(true) => Some("true"),
            Kind::Bool(false) => Some("false"),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        match &self.node.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Kind::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.node.kind, Kind::Map(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.kind, Kind::List(_))
    }

    /// Where the value stands.
    pub(crate) fn place(&self) -> Place {
        self.file.place(self.node.span.clone(), &self.pointer)
    }

    /// Where key and value stand; the value alone for an item.
    pub(crate) fn entry_place(&self) -> Place {
        let start = if self.key.is_empty() {
            self.node.span.start
        } else {
            self.key_span.start
        };
        self.file
            .place(start..self.node.span.end.max(start), &self.pointer)
    }

    /// Where a part of a text stands in the file; the whole value where it cannot be found, as behind an escape.
    pub(crate) fn place_of(&self, part: &str) -> Place {
        self.file.place_in(&self.place(), part)
    }

    /// The scalar as a literal under its own key; empty for containers.
    pub(crate) fn literal(&self) -> Literal {
        self.literal_as(self.key)
    }

    /// The scalar as a literal that is assigned to a name of the caller's.
    pub(crate) fn literal_as(&self, key: &str) -> Literal {
        Literal::new(key, self.scalar().unwrap_or_default(), self.place())
    }

    /// The entry as `key: value`, for settings that are evidence by themselves.
    pub(crate) fn setting(&self) -> Literal {
        Literal::new(
            self.key,
            self.scalar().unwrap_or_default(),
            self.entry_place(),
        )
    }

    /// Every scalar beneath, depth first.
    pub(crate) fn leaves(&self) -> Vec<At<'a>> {
        let mut out = Vec::new();
        let mut todo = vec![self.clone()];
        while let Some(at) = todo.pop() {
            let mut inner = at.entries();
            inner.extend(at.items());
            if inner.is_empty() && at.scalar().is_some() {
                out.push(at);
            }
            todo.extend(inner.into_iter().rev());
        }
        out
    }
}

/// The longest pointer, in bytes: every value carries its own, and real keys are a tenth of it.
const MAX_POINTER_BYTES: usize = 512;

/// The pointer to a value under a key; that of what holds it where it would be too long.
fn extended(pointer: &str, key: &str) -> String {
    if pointer.len() + key.len() > MAX_POINTER_BYTES {
        return pointer.to_owned();
    }
    format!("{pointer}/{}", escape(key))
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
