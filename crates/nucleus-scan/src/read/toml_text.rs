//! TOML, with best-effort recovery from faults.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Document, Entry, Fault, Kind, Node};

/// Reads a text.
pub(crate) fn read_toml(text: &str) -> Document {
    if let Some(at) = too_deep(text) {
        let what = format!("nested deeper than {} levels", super::MAX_DEPTH);
        return Document {
            root: Node::null(0),
            faults: vec![Fault { at, what }],
        };
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<Fault> = errors
        .iter()
        .take(8)
        .map(|error| Fault {
            at: error.span().map_or(0, |span| span.start),
            what: describe(error.message()),
        })
        .collect();
    let mut left = super::MAX_NODES;
    let root = Node {
        kind: table(root.get_ref(), &mut left, 0),
        span: 0..text.len(),
    };
    if left == 0 {
        faults.push(Fault {
            at: 0,
            what: format!("more than {} values", super::MAX_NODES),
        });
    }
    Document { root, faults }
}

/// The parser's sentence without what it may quote of the text.
fn describe(message: &str) -> String {
    message
        .split(['`', '\n'])
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// Where brackets or dotted keys go deeper than the limit, counted without regard to quotes: real configuration is far from it.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut dots) = (0_usize, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'.' => dots += 1,
            b'\n' | b'"' | b'\'' | b' ' => dots = 0,
            _ => {}
        }
        if depth.max(dots) > super::MAX_DEPTH {
            return Some(at);
        }
    }
    None
}

fn table(table: &DeTable<'_>, left: &mut usize, depth: usize) -> Kind {
    let mut entries: Vec<Entry> = table
        .iter()
        .map_while(|(key, value)| {
            Some(Entry {
                key: key.get_ref().to_string(),
                key_span: key.span(),
                value: node(value, left, depth + 1)?,
            })
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Kind::Map(entries)
}

fn node(value: &Spanned<DeValue<'_>>, left: &mut usize, depth: usize) -> Option<Node> {
    if *left == 0 || depth > super::MAX_DEPTH {
        return None;
    }
    *left -= 1;
    let kind = match value.get_ref() {
        DeValue::String(text) => Kind::Text(text.to_string()),
        DeValue::Integer(number) => Kind::Number(number.as_str().to_owned()),
        DeValue::Float(number) => Kind::Number(number.as_str().to_owned()),
        DeValue::Boolean(value) => Kind::Bool(*value),
        DeValue::Datetime(when) => Kind::Text(when.to_string()),
        DeValue::Array(items) => Kind::List(
            items
                .iter()
                .map_while(|item| node(item, left, depth + 1))
                .collect(),
        ),
        DeValue::Table(inner) => table(inner, left, depth),
    };
    Some(Node {
        kind,
        span: value.span(),
    })
}

#[cfg(test)]
mod tests {
    use super::read_toml;
    use crate::read::Kind;

    #[test]
    fn values_keep_their_place() {
        let source = "[mcp_servers.x]\ncommand = \"npx\"\nargs = [\"a\", \"b\"]\n";
        let document = read_toml(source);
        assert_eq!(document.faults, []);
        let server = &document
            .root
            .get("mcp_servers")
            .unwrap()
            .value
            .get("x")
            .unwrap()
            .value;
        assert_eq!(
            &source[server.get("command").unwrap().value.span.clone()],
            "\"npx\""
        );
    }

    #[test]
    fn a_fault_keeps_the_rest() {
        let document = read_toml("a = 1\nb = \nc = \"x\"\n");
        assert_ne!(document.faults, []);
        assert_eq!(
            document.root.get("c").map(|entry| entry.value.kind.clone()),
            Some(Kind::Text("x".to_owned()))
        );
    }

    #[test]
    fn deep_nesting_is_refused_with_a_fault() {
        for text in [
            format!("a = {}", "[".repeat(100_000)),
            format!("[{}a]", "a.".repeat(100_000)),
        ] {
            let document = read_toml(&text);
            assert!(
                document.faults[0].what.contains("nested deeper"),
                "{:?}",
                document.faults
            );
        }
        assert_eq!(read_toml("a = [[[[1]]]]\n[b.c.d]\n").faults, []);
    }
}
