//! YAML by events: anchors are not expanded beyond the limit, and what stands before a fault is kept.

use std::collections::HashMap;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::lines::LineIndex;
use super::node::{Builder, Document, Kind, Node};

/// The longest stretch of brackets within brackets the scanner is given.
const MAX_FLOW_DEPTH: usize = super::MAX_DEPTH;

/// Reads the first document of a text.
pub(crate) fn read_yaml(text: &str) -> Document {
    let lines = LineIndex::new(text);
    let mut reader = Reader {
        text,
        lines: &lines,
        build: Builder::default(),
        anchors: HashMap::new(),
        open: Vec::new(),
        at: (0, 0),
    };
    if let Some(at) = too_deep(text) {
        reader
            .build
            .fault(at, format!("nested deeper than {MAX_FLOW_DEPTH} levels"));
        return reader.build.finish(text.len());
    }
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentEnd, _)) => break,
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
            Event::Alias(anchor) => {
                let kind = self.anchors.get(&anchor).cloned().unwrap_or(Kind::Null);
                self.put(kind, span);
            }
            _ => {}
        }
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
    use super::read_yaml;
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
