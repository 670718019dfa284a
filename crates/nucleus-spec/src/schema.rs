//! Writes the JSON Schema of `permissions.toml` from the table of keys.

use std::sync::LazyLock;

use portcullis::{Level, Operation};
use serde_json::{Map, Value, json};

use crate::profile;
use crate::scalar::{MAX_MICRO_USD, MAX_MILLI_HOURS, MAX_TOKENS};
use crate::table::{
    BINDING_FIELDS, HOST_FIELDS, Key, Kind, LIMIT_FIELDS, Name, REMOTE_FIELDS, SECTIONS, TOP, Text,
    Whole, Word,
};

static SCHEMA: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", schema()));

/// The JSON Schema (draft 2020-12) of a policy file.
///
/// It accepts every valid policy. **It sees shapes, not contradictions**: some texts that it accepts are refused
/// by the parser.
#[must_use]
pub fn json_schema() -> &'static str {
    &SCHEMA
}

fn schema() -> Value {
    let mut properties = properties_of(TOP);
    for section in SECTIONS.iter().filter(|section| section.reserved.is_none()) {
        let mut object = object(section.keys);
        object["description"] = json!(section.doc);
        properties.insert(section.name.to_owned(), object);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Nucleus permissions.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn object(keys: &[Key]) -> Value {
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| key.default == "required")
        .map(|key| key.name)
        .collect();
    let mut object = json!({ "type": "object", "additionalProperties": false, "properties": properties_of(keys) });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn properties_of(keys: &[Key]) -> Map<String, Value> {
    let is_usable = |key: &&Key| !matches!(key.kind, Kind::Reserved(_));
    keys.iter()
        .filter(is_usable)
        .map(|key| {
            let mut shape = shape(key.kind);
            shape["description"] = json!(key.doc);
            (key.name.to_owned(), shape)
        })
        .collect()
}

fn shape(kind: Kind) -> Value {
    match kind {
        Kind::Version => json!({ "const": 1 }),
        Kind::ProfileName => json!({ "enum": profile_spellings() }),
        Kind::Level => json!({ "enum": Level::ALL.map(Level::name) }),
        Kind::Operations => list(json!({ "enum": Operation::ALL.map(Operation::name) })),
        Kind::Usd => {
            json!({ "type": "number", "minimum": 0, "maximum": MAX_MICRO_USD / 1_000_000 })
        }
        Kind::Tokens => json!({ "type": "integer", "minimum": 0, "maximum": MAX_TOKENS }),
        Kind::Hours => {
            json!({ "type": "number", "exclusiveMinimum": 0, "maximum": MAX_MILLI_HOURS / 1000 })
        }
        Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        Kind::Paths(whole) => maybe_everything(whole, list(text())),
        Kind::Commands(whole) => maybe_everything(whole, list(command())),
        Kind::Hosts(whole) => maybe_everything(
            whole,
            list(json!({ "anyOf": [text(), object(HOST_FIELDS)] })),
        ),
        Kind::HostPattern => text(),
        Kind::Count => json!({ "type": "integer", "minimum": 0, "maximum": MAX_TOKENS }),
        Kind::Limits => list(object(LIMIT_FIELDS)),
        Kind::Bindings => list(object(BINDING_FIELDS)),
        Kind::SecretCommand => non_empty(json!({ "type": "string" })),
        Kind::Texts => non_empty(text()),
        Kind::Groups => list(json!({ "enum": crate::groups::NAMES })),
        Kind::Methods => non_empty(json!({ "type": "string", "pattern": "^[A-Z-]+$" })),
        Kind::UrlPaths => non_empty(json!({ "type": "string", "pattern": "^/" })),
        Kind::References => non_empty(text()),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Names(name, whole) => maybe_everything(whole, list(name_shape(name))),
        Kind::Remotes => maybe_everything(Whole::Allowed, list(object(REMOTE_FIELDS))),
        Kind::RemoteUrl => {
            json!({ "type": "string", "pattern": "^(https|http|ssh|file)://[^*?#\\s]+$" })
        }
        Kind::Word(words) => json!({ "enum": usable(words) }),
        Kind::Text(text) => text_shape(text),
        Kind::Reserved(_) => json!(false),
    }
}

fn usable(words: &[Word]) -> Vec<&str> {
    words
        .iter()
        .filter(|word| word.reserved.is_none())
        .map(|word| word.value)
        .collect()
}

/// Every spelling of every profile name.
fn profile_spellings() -> Vec<String> {
    let mut names: Vec<String> = profile::names()
        .flat_map(|name| [name.replace('_', "-"), name.replace('-', "_")])
        .collect();
    names.sort();
    names.dedup();
    names
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn command() -> Value {
    json!({ "anyOf": [text(), { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn non_empty(items: Value) -> Value {
    json!({ "type": "array", "items": items, "minItems": 1 })
}

fn maybe_everything(whole: Whole, list: Value) -> Value {
    match whole {
        Whole::Allowed => json!({ "anyOf": [{ "const": "everything" }, list] }),
        Whole::Refused => list,
    }
}

fn name_shape(name: Name) -> Value {
    match name {
        Name::Tool => json!({ "type": "string", "pattern": "^(\\*|[!-.0-~]+/[!-~]+)$" }),
        Name::Variable => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" }),
        Name::Directory => json!({ "type": "string", "pattern": "^/[^*]+$" }),
        Name::Credential => json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$" }),
        Name::Branch | Name::Repository => text(),
    }
}

fn text_shape(text: Text) -> Value {
    match text {
        Text::Provider | Text::Credential => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" })
        }
        Text::Account => {
            json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$" })
        }
        Text::ForgeUrl => json!({ "type": "string", "pattern": "^https?://[^*?#\\s]+$" }),
        Text::Secret | Text::HostVariable => {
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" })
        }
        Text::SecretFile => json!({ "type": "string", "pattern": "^(/|~/)" }),
        Text::KeyringEntry => json!({ "type": "string", "pattern": "^[^/]+/[^/]+$" }),
        Text::Header => json!({ "type": "string", "pattern": "^[A-Za-z0-9-]+$" }),
        Text::User => json!({ "type": "string", "pattern": "^[!-9;-~]{1,64}$" }),
        Text::Sentence => json!({ "type": "string", "minLength": 1, "maxLength": 400 }),
    }
}
