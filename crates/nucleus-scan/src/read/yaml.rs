//! YAML by events: anchors are not expanded beyond the limit, and what stands before a fault is kept.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::lines::LineIndex;
use super::node::{Builder, Document, Kind, Node};

/// The longest stretch of brackets within brackets the scanner is given.
const MAX_FLOW_DEPTH: usize = super::MAX_DEPTH;

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
    /// Scalars that carry an anchor; what an alias to a container means is left open.
    anchors: HashMap<usize, Kind>,
    open: Vec<usize>,
    /// Bytes that aliases have repeated so far.
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
                self.open.pop();
                self.build.close(span.end);
            }
            Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => {}
        }
    }

    /// What an alias stands for. FAIL-CLOSED: a text whose aliases come to more than itself is a fault, and read no further.
    fn alias(&mut self, anchor: usize, span: Range<usize>) {
        let kind = self.anchors.get(&anchor).unwrap_or(&Kind::Null);
        if let Kind::Text(held) | Kind::Number(held) = kind {
            self.repeated += held.len();
        }
        if self.repeated > self.text.len() {
            let what = "aliases repeat more text than the file has".to_owned();
            return self.build.refuse(span.start, what);
        }
        let kind = kind.clone();
        self.put(kind, span);
    }

    fn open_container(&mut self, event: &Event<'_>, at: usize) {
        self.open.push(at);
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
            self.anchors.insert(anchor, kind.clone());
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
    fn aliases_of_scalars_are_resolved_and_of_containers_are_not() {
        let document = read_yaml("a: &x hello\nb: *x\nc: &y [1]\nd: *y\n");
        let kind = |key: &str| document.root.get(key).unwrap().value.kind.clone();
        assert_eq!(kind("b"), Kind::Text("hello".to_owned()));
        assert_eq!(kind("d"), Kind::Null);
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
