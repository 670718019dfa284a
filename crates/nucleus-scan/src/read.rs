//! Bytes to one tree with positions, for JSON with comments, TOML and YAML; what cannot be read is a fault beside what could.
//!
//! Every reader takes time linear in the text, never recurses on the text, and stops at the limits below.

mod cursor;
mod json;
mod lines;
mod node;
mod toml_text;
mod yaml;

pub(crate) use cursor::{At, Finder, SourceFile};
pub(crate) use json::read_json;
pub(crate) use lines::LineIndex;
pub(crate) use node::{Document, Kind, Node};
pub(crate) use toml_text::read_toml;
pub(crate) use yaml::{read_yaml, read_yaml_stream};

/// The longest file that is read, in bytes. Real configuration is a hundredth of it; the state file of a busy client a quarter.
pub(crate) const MAX_FILE_BYTES: u64 = 8 << 20;

/// The deepest nesting that is followed. Real configuration stays below 15.
pub(crate) const MAX_DEPTH: usize = 100;

/// The most values of one file that are kept, which bounds memory to about 40 MiB.
pub(crate) const MAX_NODES: usize = 250_000;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Json,
    Toml,
    Yaml,
    /// Several documents in one file: the tree is their list.
    YamlStream,
}

/// Reads a text in one syntax.
pub(crate) fn read_text(text: &str, syntax: Syntax) -> Document {
    match syntax {
        Syntax::Json => read_json(text),
        Syntax::Toml => read_toml(text),
        Syntax::Yaml => read_yaml(text),
        Syntax::YamlStream => read_yaml_stream(text),
    }
}
