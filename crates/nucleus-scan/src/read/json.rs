//! JSON with comments and trailing commas, read to the end even where it is cut off.
//!
//! Why not a library: the parsers with positions stop at the first fault, and a client that is more lenient than the scanner would then run what was
//! never checked. Here a fault is reported and reading goes on.

use std::ops::Range;

use super::node::{Builder, Document, Kind, Node};

/// Reads a text; the first value is the document.
pub(crate) fn read_json(text: &str) -> Document {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: bom(text),
        build: Builder::default(),
        seen_root: false,
        comma: Comma::None,
    };
    reader.run();
    let (at, seen) = (reader.at, reader.seen_root);
    let depth = reader.build.depth();
    if !reader.build.is_refused() {
        if depth > 0 {
            reader.build.fault(
                text.len(),
                format!("the file ends inside {depth} open bracket(s)"),
            );
        } else if !seen {
            reader.build.fault(at, "there is no value");
        }
    }
    reader.build.finish(text.len())
}

fn bom(text: &str) -> usize {
    if text.starts_with('\u{feff}') { 3 } else { 0 }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comma {
    /// A value may come: after an opening bracket or a comma.
    None,
    /// A value has come: a comma is due before the next.
    Due,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    build: Builder,
    seen_root: bool,
    comma: Comma,
}

impl Reader<'_> {
    fn run(&mut self) {
        while !self.build.is_refused() {
            self.skip_blank();
            let Some(byte) = self.bytes.get(self.at).copied() else {
                return;
            };
            if self.build.depth() == 0 && self.seen_root {
                self.build.fault(self.at, "there is more after the value");
                return;
            }
            self.step(byte);
        }
    }

    fn step(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.open(byte),
            b'}' | b']' => self.close(byte),
            b',' => {
                self.at += 1;
                self.comma = Comma::None;
            }
            b':' => self.stray("a colon where none belongs"),
            b'"' => self.string(),
            _ => self.word(),
        }
    }

    fn stray(&mut self, what: &str) {
        self.build.fault(self.at, what);
        self.at += 1;
    }

    fn open(&mut self, byte: u8) {
        self.before_value();
        if self.build.wants_key() {
            return self.stray("a bracket where a key belongs");
        }
        if byte == b'{' {
            self.build.open_map(self.at);
        } else {
            self.build.open_list(self.at);
        }
        self.at += 1;
        self.seen_root = true;
        self.comma = Comma::None;
    }

    fn close(&mut self, byte: u8) {
        if self.build.depth() == 0 || self.build.in_map() != (byte == b'}') {
            return self.stray("a closing bracket without its opening one");
        }
        self.at += 1;
        let _ = self.build.close(self.at, false);
        self.comma = Comma::Due;
    }

    fn before_value(&mut self) {
        if self.comma == Comma::Due && self.build.depth() > 0 {
            self.build.fault(self.at, "a comma is missing");
        }
    }

    fn string(&mut self) {
        self.before_value();
        let start = self.at;
        let text = self.quoted();
        let span = start..self.at;
        if self.build.wants_key() {
            return self.key(text, span);
        }
        self.value(Kind::Text(text), span);
    }

    fn key(&mut self, key: String, span: Range<usize>) {
        self.build.key(key, span);
        self.comma = Comma::None;
        self.skip_blank();
        if self.bytes.get(self.at) == Some(&b':') {
            self.at += 1;
        } else {
            self.build.fault(self.at, "a colon is missing after a key");
        }
    }

    fn value(&mut self, kind: Kind, span: Range<usize>) {
        self.build.value(Node { kind, span });
        self.seen_root = true;
        self.comma = Comma::Due;
    }

    /// A quoted text from its opening quote on, escapes resolved.
    fn quoted(&mut self) -> String {
        let mut out = String::new();
        let mut from = self.at + 1;
        self.at = from;
        loop {
            match self.bytes.get(self.at) {
                None | Some(b'\n') => {
                    self.build
                        .fault(self.at, "a text without its closing quote");
                    out.push_str(&self.text[from..self.at]);
                    return out;
                }
                Some(b'"') => {
                    out.push_str(&self.text[from..self.at]);
                    self.at += 1;
                    return out;
                }
                Some(b'\\') => {
                    out.push_str(&self.text[from..self.at]);
                    self.escape(&mut out);
                    from = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self, out: &mut String) {
        self.at += 1;
        let Some(c) = self.text[self.at..].chars().next() else {
            return;
        };
        self.at += c.len_utf8();
        match c {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => out.push(self.unicode()),
            other => out.push(other),
        }
    }

    /// Four hex digits, or eight as a pair of surrogates.
    fn unicode(&mut self) -> char {
        let first = self.hex4();
        if (0xD800..0xDC00).contains(&first) && self.text[self.at..].starts_with("\\u") {
            let back = self.at;
            self.at += 2;
            let second = self.hex4();
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                    .unwrap_or('\u{fffd}');
            }
            self.at = back;
        }
        char::from_u32(first).unwrap_or('\u{fffd}')
    }

    fn hex4(&mut self) -> u32 {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                self.at += 4;
                value
            }
            None => {
                self.build
                    .fault(self.at, "an escape without its four digits");
                0xFFFD
            }
        }
    }

    /// A number, `true`, `false`, `null`, or a word without quotes.
    fn word(&mut self) {
        self.before_value();
        let start = self.at;
        while let Some(byte) = self.bytes.get(self.at) {
            if byte.is_ascii_whitespace()
                || matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"')
            {
                break;
            }
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let span = start..self.at;
        if self.build.wants_key() {
            self.build.fault(start, "a key without quotes");
            let key = word.trim_matches('\'').to_owned();
            return self.key(key, span);
        }
        let kind = match word {
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "null" => Kind::Null,
            _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                Kind::Number(word.to_owned())
            }
            _ => {
                self.build.fault(start, "a word without quotes");
                Kind::Text(word.trim_matches('\'').to_owned())
            }
        };
        self.value(kind, span);
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b if b.is_ascii_whitespace() => self.at += 1,
                b'/' if self.bytes.get(self.at + 1) == Some(&b'/') => self.skip_to("\n"),
                b'/' if self.bytes.get(self.at + 1) == Some(&b'*') => self.skip_to("*/"),
                _ => return,
            }
        }
    }

    fn skip_to(&mut self, end: &str) {
        let from = (self.at + 2).min(self.text.len());
        match self.text[from..].find(end) {
            Some(at) => self.at = from + at + end.len(),
            None => {
                if end == "*/" {
                    self.build.fault(self.at, "a comment without its end");
                }
                self.at = self.text.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read_json;
    use crate::read::{Kind, Node};

    fn text<'a>(node: &'a Node, path: &[&str]) -> Option<&'a str> {
        let mut node = node;
        for key in path {
            node = &node.get(key)?.value;
        }
        match &node.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    #[test]
    fn comments_and_trailing_commas_are_sound() {
        let document = read_json(
            "\u{feff}{ // one\n \"a\": [1, 2,], /* two */ \"b\": \"x\\u00e9\\ud83d\\ude00\\n\", }",
        );
        assert_eq!(document.faults, []);
        assert_eq!(text(&document.root, &["b"]), Some("xé😀\n"));
    }

    #[test]
    fn spans_cover_the_quotes() {
        let source = r#"{"a": {"b": "x"}}"#;
        let document = read_json(source);
        let value = &document
            .root
            .get("a")
            .unwrap()
            .value
            .get("b")
            .unwrap()
            .value;
        assert_eq!(&source[value.span.clone()], "\"x\"");
    }

    #[test]
    fn a_file_that_is_cut_off_gives_what_it_has_and_a_fault() {
        let document = read_json(r#"{"mcpServers": {"x": {"command": "npx", "args": ["a"#);
        assert_eq!(
            text(&document.root, &["mcpServers", "x", "command"]),
            Some("npx")
        );
        assert!(!document.faults.is_empty());
    }

    #[test]
    fn deep_nesting_is_refused_with_a_fault() {
        let document = read_json(&"[".repeat(100_000));
        assert!(
            document.faults[0].what.contains("nested deeper"),
            "{:?}",
            document.faults
        );
        assert_eq!(
            read_json(&format!("{}{}", "[".repeat(90), "]".repeat(90))).faults,
            []
        );
    }

    #[test]
    fn each_kind_of_damage_is_a_fault_and_its_twin_is_none() {
        for (bad, good) in [
            ("{\"a\" 1}", "{\"a\": 1}"),
            ("[1 2]", "[1, 2]"),
            ("{a: 1}", "{\"a\": 1}"),
            ("[x]", "[\"x\"]"),
            ("{]", "{}"),
            ("\"a\nb\"", "\"ab\""),
            ("{} {}", "{}"),
            ("", "null"),
            ("[\"\\u12\"]", "[\"\\u0012\"]"),
            ("[] /*", "[] /**/"),
        ] {
            assert_ne!(read_json(bad).faults, [], "{bad}");
            assert_eq!(read_json(good).faults, [], "{good}");
        }
    }
}
