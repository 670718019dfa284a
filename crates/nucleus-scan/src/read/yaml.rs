//! YAML by events: anchors are not expanded beyond the limit, and what stands before a fault is kept.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::lines::LineIndex;
use super::node::{Builder, Document, Kind, Node};

/// The longest stretch of brackets within brackets the scanner is given.
const MAX_FLOW_DEPTH: usize = super::MAX_DEPTH;

/// What aliases may come to in a text that is shorter, in values and bytes together. Real files stay below a tenth of it.
const MAX_REPEATED: usize = 1 << 18;

/// Which documents of a text count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Documents {
    First,
    All,
}

/// Reads the first document of a text.
pub(crate) fn read_yaml(text: &str) -> Document {
    read(text, Documents::First)
}

/// Reads every document of a text; the tree is their list.
pub(crate) fn read_yaml_stream(text: &str) -> Document {
    read(text, Documents::All)
}

fn read(text: &str, documents: Documents) -> Document {
    let lines = LineIndex::new(text);
    let mut reader = Reader {
        text,
        lines: &lines,
        build: Builder::default(),
        anchors: HashMap::new(),
        open: Vec::new(),
        repeated: 0,
        at: (0, 0),
    };
    if let Some(at) = too_deep(text) {
        reader
            .build
            .fault(at, format!("nested deeper than {MAX_FLOW_DEPTH} levels"));
        return reader.build.finish(text.len());
    }
    if documents == Documents::All {
        reader.build.open_list(0);
    }
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentEnd, _)) if documents == Documents::First => break,
            Ok((Event::DocumentEnd, _)) => reader.anchors.clear(),
            Ok((event, span)) => reader.take(event, span),
            Err(error) => {
                let at = reader.byte(error.marker().index());
                reader.build.fault(at, error.info().to_owned());
                break;
            }
        }
        if reader.build.is_refused() {
            break;
        }
    }
    reader.build.finish(text.len())
}

/// Where indentation or brackets go deeper than the limit.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_FLOW_DEPTH {
            return Some(at);
        }
    }
    None
}

struct Reader<'a> {
    text: &'a str,
    lines: &'a LineIndex,
    build: Builder,
    /// What carries an anchor.
    anchors: HashMap<usize, Node>,
    /// The anchors of open containers, 0 where there is none.
    open: Vec<usize>,
    /// Values and bytes that anchors keep and aliases have repeated so far.
    repeated: usize,
    /// The last character offset that was converted, and its byte.
    at: (usize, usize),
}

impl Reader<'_> {
    fn byte(&mut self, index: usize) -> usize {
        if self.at.0 != index {
            self.at = (index, self.lines.byte_of_char(self.text, index));
        }
        self.at.1
    }

    fn span(&mut self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index());
        start..end.max(start)
    }

    fn take(&mut self, event: Event<'_>, span: Span) {
        let span = self.span(span);
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if self.build.wants_key() => {
                self.build.key("?".to_owned(), span.clone());
                self.open_container(&event, span.start);
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                self.open_container(&event, span.start)
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let anchor = self.open.pop().unwrap_or_default();
                let closed = self.build.close(span.end, anchor > 0);
                if let Some(node) = closed {
                    self.keep(anchor, node);
                }
            }
            Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => {}
        }
    }

    /// What an alias stands for, at the place of its anchor where it is a container. FAIL-CLOSED: a text whose aliases come to
    /// more than itself and than any that was written by hand is a fault, and read no further.
    fn alias(&mut self, anchor: usize, span: Range<usize>) {
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            return self.put(Kind::Null, span);
        };
        let size = node.size();
        self.repeated += size.bytes + size.values;
        if self.repeated > self.text.len().max(MAX_REPEATED) {
            let what = "aliases repeat more text than the file has".to_owned();
            return self.build.refuse(span.start, what);
        }
        match node.kind {
            Kind::List(_) | Kind::Map(_) => self.build.repeat(node, &size),
            kind => self.put(kind, span),
        }
    }

    /// Keeps what an anchor names, within what aliases may come to.
    fn keep(&mut self, anchor: usize, node: Node) {
        let size = node.size();
        self.repeated += size.bytes + size.values;
        if self.repeated > self.text.len().max(MAX_REPEATED) {
            let what = "anchors hold more text than the file has".to_owned();
            return self.build.refuse(node.span.start, what);
        }
        self.anchors.insert(anchor, node);
    }

    fn open_container(&mut self, event: &Event<'_>, at: usize) {
        if let Event::MappingStart(anchor, _) | Event::SequenceStart(anchor, _) = event {
            self.open.push(*anchor);
        }
        if matches!(event, Event::MappingStart(..)) {
            self.build.open_map(at);
        } else {
            self.build.open_list(at);
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, span: Range<usize>) {
        let kind = if style == ScalarStyle::Plain {
            plain(text)
        } else {
            Kind::Text(text.to_owned())
        };
        if anchor > 0 {
            let node = Node {
                kind: kind.clone(),
                span: span.clone(),
            };
            self.anchors.insert(anchor, node);
        }
        self.put(kind, span);
    }

    fn put(&mut self, kind: Kind, span: Range<usize>) {
        if self.build.wants_key() {
            let key = match kind {
                Kind::Text(text) | Kind::Number(text) => text,
                Kind::Bool(value) => value.to_string(),
                _ => String::new(),
            };
            return self.build.key(key, span);
        }
        self.build.value(Node { kind, span });
    }
}

/// A plain scalar by the core schema. `on` and `yes` stay text, which is what the forges read.
fn plain(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if text.parse::<f64>().is_ok()
            && text.starts_with(|c: char| c.is_ascii_digit() || c == '-') =>
        {
            Kind::Number(text.to_owned())
        }
        _ => Kind::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{read_yaml, read_yaml_stream};
    use crate::read::Kind;

    #[test]
    fn values_keep_their_place_beyond_ascii() {
        let source =
            "name: \"é😀\"\non:\n  issues:\n    types: [opened]\njobs:\n  a: {runs-on: ubuntu}\n";
        let document = read_yaml(source);
        assert_eq!(document.faults, []);
        let job = &document
            .root
            .get("jobs")
            .unwrap()
            .value
            .get("a")
            .unwrap()
            .value;
        assert_eq!(
            &source[job.get("runs-on").unwrap().value.span.clone()],
            "ubuntu"
        );
        assert!(document.root.get("on").is_some());
    }

    #[test]
    fn aliases_stand_for_what_their_anchor_names() {
        let document = read_yaml("a: &x hello\nb: *x\nc: &y [1]\nd: *y\ne: *x\n");
        let value = |key: &str| document.root.get(key).unwrap().value.clone();
        assert_eq!(value("b").kind, Kind::Text("hello".to_owned()));
        assert_eq!(value("d"), value("c"));
        assert_eq!(value("e").kind, value("b").kind);
        assert_eq!(read_yaml("a: &x [*x]\n").faults, []);
    }

    #[test]
    fn a_map_holds_what_is_merged_into_it_unless_it_says_otherwise() {
        let source = "x: &x {a: 1, b: 2}\ny: &y {c: 3}\none: {<<: *x, b: 4}\nmany:\n  <<: [*x, *y]\n  d: 5\n";
        let document = read_yaml(source);
        let number = |map: &str, key: &str| {
            let map = &document.root.get(map).unwrap().value;
            map.get(key).map(|entry| entry.value.kind.clone())
        };
        let is = |text: &str| Some(Kind::Number(text.to_owned()));
        assert_eq!((number("one", "a"), number("one", "b")), (is("1"), is("4")));
        assert_eq!(
            (number("many", "c"), number("many", "d")),
            (is("3"), is("5"))
        );
        assert_eq!(number("one", "c"), None);
        let keys: Vec<&str> = document
            .root
            .get("one")
            .unwrap()
            .value
            .entries()
            .iter()
            .map(|entry| entry.key.as_str())
            .collect();
        assert_eq!(keys, ["b", "a"]);
    }

    #[test]
    fn aliases_of_aliases_are_refused_before_they_fill_the_memory() {
        let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for nth in 1..20 {
            let ten = format!("*a{}, ", nth - 1).repeat(10);
            laughs.push_str(&format!("a{nth}: &a{nth} [{ten}]\n"));
        }
        let nested = (0..300).fold("x".to_owned(), |inner, nth| format!("&b{nth} [{inner}]"));
        for text in [laughs, nested] {
            assert_ne!(read_yaml(&text).faults, []);
        }
        let deep = format!(
            "a: &a {}1{}\nb: {}*a{}\n",
            "[".repeat(60),
            "]".repeat(60),
            "[".repeat(60),
            "]".repeat(60)
        );
        assert!(read_yaml(&deep).faults[0].what.contains("nested deeper"));
    }

    #[test]
    fn aliases_that_repeat_more_than_the_file_has_are_refused() {
        let many = format!(
            "a: &x {}\nb:\n{}",
            "y".repeat(1_000),
            "- *x\n".repeat(1_000)
        );
        let document = read_yaml(&many);
        assert!(
            document
                .faults
                .iter()
                .any(|fault| fault.what.contains("aliases"))
        );
        assert_eq!(read_yaml("a: &x yes\nb: [*x, *x, *x]\n").faults, []);
    }

    #[test]
    fn a_stream_is_the_list_of_its_documents_and_anchors_end_with_each() {
        let document = read_yaml_stream("a: &x 1\n---\nb: 2\n---\nc: [\n");
        let Kind::List(documents) = &document.root.kind else {
            panic!("a list: {document:?}")
        };
        assert_eq!(documents.len(), 3);
        assert!(documents[0].get("a").is_some() && documents[1].get("b").is_some());
        assert_ne!(document.faults, []);
        assert_eq!(read_yaml_stream("a: 1\n---\n- b\n").faults, []);
    }

    #[test]
    fn a_fault_keeps_what_stands_before_it() {
        let document = read_yaml("a: 1\nb: \"open\nc: [\n");
        assert_ne!(document.faults, []);
        assert!(document.root.get("a").is_some());
    }

    #[test]
    fn deep_nesting_is_refused_with_a_fault() {
        for text in [
            "[".repeat(100_000),
            "- ".repeat(5_000),
            (0..3_000)
                .map(|depth| format!("{}a:\n", " ".repeat(depth)))
                .collect(),
        ] {
            assert!(
                read_yaml(&text)
                    .faults
                    .iter()
                    .any(|fault| fault.what.contains("nested deeper")),
                "{:?}",
                read_yaml(&text).faults
            );
        }
        assert_eq!(read_yaml("- - - a\n").faults, []);
    }
}
