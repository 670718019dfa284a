//! Rebuilds a model request from the fields that a schema lists; everything else is refused with its path.
//!
//! The schemas are shipped data, `data/model-schemas.json`. Their words:
//! - `text bool number count null`: JSON values of that kind; `count` is a whole number from 0 to 2^53.
//! - `json`: any JSON that is data to the provider, such as a tool's schema or arguments.
//! - `model`: the model's name. `bytes`: content in base64. `data_url`: a `data:` URL; no other URL is ever passed on.
//! - `drop`: accepted and left out.
//! - `{"object": {field: schema}}`; `{"list": schema}`; `{"map": schema}` with free keys.
//! - `{"by": key, "of": {value: {field: schema}}}`: an object whose fields depend on one of them; `untyped` says what is
//!   meant where the key is absent. `{"ref_fields": part}` in place of fields takes those of a part that is an object.
//! - `{"one_of": [words]}`; `{"only": [values]}`; `{"either": [schemas]}`; `{"ref": part}`.

mod walk;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use walk::Walk;

/// The shipped schemas.
const SHIPPED: &str = include_str!("../../data/model-schemas.json");

/// What a request is refused for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where in the request: `messages[0].content[1].source`.
    pub path: String,
    /// Why, in a sentence without subject.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.why)
    }
}

/// What was rebuilt, and what a count of its tokens needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rebuilt {
    /// The request as it is sent on.
    pub request: Value,
    /// Bytes of content that is not text, left out of the count by bytes.
    pub media_bytes: u64,
    /// How many pieces of such content there are.
    pub media: u64,
}

/// Rebuilds a request by the schema of that name.
///
/// # Errors
/// [`Refused`] for the first thing that the schema does not list.
pub fn rebuild(name: &str, request: &Value) -> Result<Rebuilt, Refused> {
    let schemas = shipped();
    let schema = schemas.requests.get(name).ok_or_else(|| Refused {
        path: String::new(),
        why: format!("has no schema `{name}`"),
    })?;
    Walk::rebuild(&schemas.parts, schema, request)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Schemas {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "$comment")]
    _comment: String,
    requests: BTreeMap<String, Schema>,
    parts: BTreeMap<String, Schema>,
}

type Fields = BTreeMap<String, Schema>;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Schema {
    Word(Word),
    Object {
        object: Fields,
    },
    List {
        list: Box<Schema>,
    },
    Map {
        map: Box<Schema>,
    },
    By {
        by: String,
        of: BTreeMap<String, Variant>,
        untyped: Option<Variant>,
    },
    OneOf {
        one_of: Vec<String>,
    },
    Only {
        only: Vec<Value>,
    },
    Either {
        either: Vec<Schema>,
    },
    Ref {
        r#ref: String,
    },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Variant {
    OfPart { ref_fields: String },
    Own(Fields),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Text,
    Bool,
    Number,
    Count,
    Null,
    Json,
    Model,
    Bytes,
    DataUrl,
    Drop,
}

fn shipped() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    // The data is part of the program and a test reads it: without it nothing is passed on.
    SCHEMAS.get_or_init(|| {
        serde_json::from_str(SHIPPED).unwrap_or_else(|_| Schemas {
            _version: 0,
            _comment: String::new(),
            requests: BTreeMap::new(),
            parts: BTreeMap::new(),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_shipped_schemas_are_read_and_every_part_they_name_is_there() {
        let schemas: Schemas = serde_json::from_str(SHIPPED).unwrap();
        assert_eq!(schemas.requests.len(), 6);
        let text: Value = serde_json::from_str(SHIPPED).unwrap();
        let mut named = Vec::new();
        let mut left = vec![&text];
        while let Some(value) = left.pop() {
            match value {
                Value::Object(map) => {
                    named.extend(
                        ["ref", "ref_fields"]
                            .iter()
                            .filter_map(|key| map.get(*key)?.as_str()),
                    );
                    left.extend(map.values());
                }
                Value::Array(list) => left.extend(list),
                _ => {}
            }
        }
        assert!(named.len() > 30);
        for part in named {
            assert!(schemas.parts.contains_key(part), "{part}");
        }
    }

    #[test]
    fn ordinary_requests_pass_unchanged() {
        for (name, request) in [
            (
                "anthropic.messages",
                json!({"model": "m", "max_tokens": 9, "stream": true, "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": {"path": ["a"]}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]}]}],
                "tools": [{"name": "read", "input_schema": {"type": "object"}}, {"type": "bash_20250124", "name": "bash"}]}),
            ),
            (
                "openai.chat",
                json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]},
                {"role": "assistant", "content": null, "tool_calls": [{"type": "function", "id": "c", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "c", "content": "x"}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": {"b": 1}}}}], "tool_choice": "auto", "store": false}),
            ),
            (
                "openai.responses",
                json!({"model": "m", "store": false, "input": [{"role": "user", "content": "hi"}, {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x"},
                {"type": "function_call_output", "call_id": "c", "output": "x"}], "include": ["reasoning.encrypted_content"]}),
            ),
            (
                "openai.responses",
                json!({"model": "m", "input": [{"type": "function_call", "call_id": "c", "namespace": "mcp__nucleus", "name": "read", "arguments": "{}"}],
                "tools": [{"type": "namespace", "name": "mcp__nucleus", "description": "d", "tools": [{"type": "function", "name": "read", "parameters": {"a": 1}, "strict": false}]}]}),
            ),
            (
                "gemini.generate",
                json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 5}}),
            ),
        ] {
            assert_eq!(rebuild(name, &request).unwrap().request, request, "{name}");
        }
    }

    #[test]
    fn what_only_names_a_person_is_left_out() {
        let request = json!({"model": "m", "messages": [], "user": "u", "metadata": {"a": "b"}});
        assert_eq!(
            rebuild("openai.chat", &request).unwrap().request,
            json!({"model": "m", "messages": []})
        );
    }

    #[test]
    fn deep_nesting_is_refused_and_media_is_counted() {
        let mut block = json!({"type": "text", "text": "x"});
        for _ in 0..100 {
            block = json!({"type": "tool_result", "tool_use_id": "t", "content": [block]});
        }
        let request = json!({"model": "m", "messages": [{"role": "user", "content": [block]}]});
        assert!(
            rebuild("anthropic.messages", &request)
                .unwrap_err()
                .why
                .contains("deeply")
        );
        let request = json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}]}]});
        let rebuilt = rebuild("openai.chat", &request).unwrap();
        assert_eq!((rebuilt.media, rebuilt.media_bytes), (1, 26));
    }
}
