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

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The shipped schemas.
const SHIPPED: &str = include_str!("../../data/model-schemas.json");
/// The deepest nesting of a request.
const MAX_DEPTH: usize = 64;
/// The largest count: what every JSON reader keeps exactly.
const MAX_COUNT: u64 = 1 << 53;

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
    let mut walk = Walk {
        parts: &schemas.parts,
        media_bytes: 0,
        media: 0,
    };
    let rebuilt = walk.value(schema, request, &Path::Root, 0)?;
    Ok(Rebuilt {
        request: rebuilt.unwrap_or(Value::Null),
        media_bytes: walk.media_bytes,
        media: walk.media,
    })
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

/// Where in a request the walk is; text only when something is refused.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn refuse<T>(&self, why: impl Into<String>) -> Result<T, Refused> {
        Err(Refused {
            path: self.to_string(),
            why: why.into(),
        })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("request"),
            Self::Field(Self::Root, name) => write!(f, "{}", name.escape_debug()),
            Self::Field(parent, name) => write!(f, "{parent}.{}", name.escape_debug()),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

struct Walk<'s> {
    parts: &'s BTreeMap<String, Schema>,
    media_bytes: u64,
    media: u64,
}

impl<'s> Walk<'s> {
    /// The value as it is passed on; none where it is left out.
    fn value(
        &mut self,
        schema: &'s Schema,
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Option<Value>, Refused> {
        if depth > MAX_DEPTH {
            return path.refuse("is nested too deeply");
        }
        let rebuilt = match schema {
            Schema::Word(Word::Drop) => return Ok(None),
            Schema::Word(word) => self.word(*word, value, path)?,
            Schema::Object { object } => self.object(object, None, value, path, depth)?,
            Schema::List { list } => self.list(list, value, path, depth)?,
            Schema::Map { map } => self.map(map, value, path, depth)?,
            Schema::By { by, of, untyped } => {
                self.by(by, of, untyped.as_ref(), value, path, depth)?
            }
            Schema::OneOf { one_of } => match value.as_str() {
                Some(word) if one_of.iter().any(|known| known == word) => value.clone(),
                _ => return path.refuse(format!("is none of: {}", one_of.join(", "))),
            },
            Schema::Only { only } => {
                if !only.contains(value) {
                    let only: Vec<String> = only.iter().map(Value::to_string).collect();
                    return path.refuse(format!("may only be {}", only.join(" or ")));
                }
                value.clone()
            }
            Schema::Either { either } => return self.either(either, value, path, depth),
            Schema::Ref { r#ref } => match self.parts.get(r#ref) {
                Some(part) => return self.value(part, value, path, depth + 1),
                None => return path.refuse("has no schema"),
            },
        };
        Ok(Some(rebuilt))
    }

    fn word(&mut self, word: Word, value: &Value, path: &Path<'_>) -> Result<Value, Refused> {
        let (fits, wanted) = match word {
            Word::Text | Word::Model => (value.is_string(), "text"),
            Word::Bool => (value.is_boolean(), "true or false"),
            Word::Number => (value.is_number(), "a number"),
            Word::Count => (
                value.as_u64().is_some_and(|count| count <= MAX_COUNT),
                "a whole number",
            ),
            Word::Null => (value.is_null(), "null"),
            Word::Json | Word::Drop => (true, ""),
            Word::Bytes => (value.as_str().is_some_and(is_base64), "content in base64"),
            Word::DataUrl => (
                value.as_str().is_some_and(is_data_url),
                "a `data:` URL: the provider fetches nothing",
            ),
        };
        if !fits {
            return path.refuse(format!("has to be {wanted}"));
        }
        if matches!(word, Word::Bytes | Word::DataUrl) {
            self.media += 1;
            self.media_bytes += value.as_str().map_or(0, |text| text.len() as u64);
        }
        Ok(value.clone())
    }

    fn object(
        &mut self,
        fields: &'s Fields,
        key: Option<&str>,
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Value, Refused> {
        let Some(given) = value.as_object() else {
            return path.refuse("has to be an object");
        };
        let mut rebuilt = Map::new();
        for (name, value) in given {
            let here = Path::Field(path, name);
            if key == Some(name.as_str()) {
                rebuilt.insert(name.clone(), value.clone());
                continue;
            }
            let Some(schema) = fields.get(name) else {
                return here.refuse(
                    "is not passed on: it is no part of what a confined agent may ask of the model",
                );
            };
            if let Some(value) = self.value(schema, value, &here, depth + 1)? {
                rebuilt.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(rebuilt))
    }

    fn list(
        &mut self,
        schema: &'s Schema,
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Value, Refused> {
        let Some(given) = value.as_array() else {
            return path.refuse("has to be a list");
        };
        let mut rebuilt = Vec::with_capacity(given.len());
        for (index, value) in given.iter().enumerate() {
            rebuilt.extend(self.value(schema, value, &Path::Index(path, index), depth + 1)?);
        }
        Ok(Value::Array(rebuilt))
    }

    fn map(
        &mut self,
        schema: &'s Schema,
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Value, Refused> {
        let Some(given) = value.as_object() else {
            return path.refuse("has to be an object");
        };
        let mut rebuilt = Map::new();
        for (name, value) in given {
            if let Some(value) = self.value(schema, value, &Path::Field(path, name), depth + 1)? {
                rebuilt.insert(name.clone(), value);
            }
        }
        Ok(Value::Object(rebuilt))
    }

    fn by(
        &mut self,
        key: &'s str,
        of: &'s BTreeMap<String, Variant>,
        untyped: Option<&'s Variant>,
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Value, Refused> {
        let here = Path::Field(path, key);
        let variant = match (value.get(key), untyped) {
            (Some(Value::String(word)), _) => match of.get(word) {
                Some(variant) => variant,
                None => return here.refuse(format!(
                    "`{}` is not passed on: the provider would act, or keep state, for the caller",
                    word.escape_debug()
                )),
            },
            (Some(_), _) => return here.refuse("has to be text"),
            (None, Some(untyped)) => untyped,
            (None, None) => return here.refuse("is missing"),
        };
        let fields = match variant {
            Variant::Own(fields) => fields,
            Variant::OfPart { ref_fields } => match self.parts.get(ref_fields) {
                Some(Schema::Object { object }) => object,
                _ => return path.refuse("has no schema"),
            },
        };
        self.object(fields, Some(key), value, path, depth)
    }

    /// The first schema whose kind of JSON it is: so a refusal names what is wrong inside.
    fn either(
        &mut self,
        either: &'s [Schema],
        value: &Value,
        path: &Path<'_>,
        depth: usize,
    ) -> Result<Option<Value>, Refused> {
        match either.iter().find(|schema| self.takes(schema, value, 0)) {
            Some(schema) => self.value(schema, value, path, depth + 1),
            None => path.refuse("has the wrong kind of value"),
        }
    }

    fn takes(&self, schema: &Schema, value: &Value, depth: usize) -> bool {
        match schema {
            Schema::Word(Word::Null) => value.is_null(),
            Schema::Word(Word::Bool) => value.is_boolean(),
            Schema::Word(Word::Number | Word::Count) => value.is_number(),
            Schema::Word(Word::Json | Word::Drop) | Schema::Only { .. } => true,
            Schema::Word(_) | Schema::OneOf { .. } => value.is_string(),
            Schema::Object { .. } | Schema::Map { .. } | Schema::By { .. } => value.is_object(),
            Schema::List { .. } => value.is_array(),
            Schema::Either { either } => either
                .iter()
                .any(|schema| self.takes(schema, value, depth + 1)),
            Schema::Ref { r#ref } => {
                depth < MAX_DEPTH
                    && self
                        .parts
                        .get(r#ref)
                        .is_some_and(|part| self.takes(part, value, depth + 1))
            }
        }
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
}

/// `data:TYPE;base64,CONTENT`, nothing that a reader could take for another scheme.
fn is_data_url(text: &str) -> bool {
    text.strip_prefix("data:")
        .and_then(|rest| rest.split_once(','))
        .is_some_and(|(head, content)| {
            head.ends_with(";base64")
                && head.len() <= 128
                && head.bytes().all(|b| b.is_ascii_graphic())
                && is_base64(content)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(name: &str, request: Value) -> String {
        rebuild(name, &request).map_or_else(
            |refused| refused.path,
            |passed| format!("passed: {}", passed.request),
        )
    }

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
    fn a_provider_is_never_made_a_courier() {
        let message = |content: Value| json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [content]}]});
        let claude =
            |field: &str, value: Value| json!({"model": "m", "messages": [], field: value});
        let open = |field: &str, value: Value| json!({"model": "m", "input": "x", "store": false, field: value});
        let item = |value: Value| json!({"model": "m", "store": false, "input": [value]});
        let part = |value: Value| json!({"contents": [{"parts": [value]}]});
        let gemini = |field: &str, value: Value| json!({"contents": [], field: value});
        for (name, request, path) in [
            // The provider fetches a URL.
            (
                "anthropic.messages",
                message(json!({"type": "image", "source": {"type": "url", "url": "https://x"}})),
                "messages[0].content[0].source.type",
            ),
            (
                "anthropic.messages",
                message(json!({"type": "document", "source": {"type": "url", "url": "https://x"}})),
                "messages[0].content[0].source.type",
            ),
            (
                "anthropic.messages",
                claude(
                    "tools",
                    json!([{"type": "web_fetch_20250910", "name": "web_fetch"}]),
                ),
                "tools[0].type",
            ),
            (
                "openai.chat",
                message(json!({"type": "image_url", "image_url": {"url": "https://x/y.png"}})),
                "messages[0].content[0].image_url.url",
            ),
            (
                "openai.responses",
                item(
                    json!({"role": "user", "content": [{"type": "input_image", "image_url": "https://x"}]}),
                ),
                "input[0].content[0].image_url",
            ),
            (
                "openai.responses",
                item(
                    json!({"role": "user", "content": [{"type": "input_file", "file_url": "https://x"}]}),
                ),
                "input[0].content[0].file_url",
            ),
            (
                "gemini.generate",
                part(json!({"fileData": {"fileUri": "gs://x"}})),
                "contents[0].parts[0].fileData",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"urlContext": {}}])),
                "tools[0].urlContext",
            ),
            // Ids of stored files.
            (
                "anthropic.messages",
                message(json!({"type": "image", "source": {"type": "file", "file_id": "f"}})),
                "messages[0].content[0].source.type",
            ),
            (
                "anthropic.messages",
                message(json!({"type": "container_upload", "file_id": "f"})),
                "messages[0].content[0].type",
            ),
            (
                "openai.chat",
                message(json!({"type": "file", "file": {"file_id": "f"}})),
                "messages[0].content[0].file.file_id",
            ),
            (
                "openai.responses",
                item(json!({"role": "user", "content": [{"type": "input_image", "file_id": "f"}]})),
                "input[0].content[0].file_id",
            ),
            (
                "openai.responses",
                open(
                    "tools",
                    json!([{"type": "file_search", "vector_store_ids": ["v"]}]),
                ),
                "tools[0].type",
            ),
            (
                "openai.responses",
                open("tools", json!([{"type": "image_generation"}])),
                "tools[0].type",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"fileSearch": {}}])),
                "tools[0].fileSearch",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"retrieval": {}}])),
                "tools[0].retrieval",
            ),
            // Search by the provider.
            (
                "anthropic.messages",
                claude(
                    "tools",
                    json!([{"type": "web_search_20250305", "name": "web_search"}]),
                ),
                "tools[0].type",
            ),
            (
                "openai.chat",
                claude("web_search_options", json!({})),
                "web_search_options",
            ),
            (
                "openai.responses",
                open("tools", json!([{"type": "web_search"}])),
                "tools[0].type",
            ),
            (
                "openai.responses",
                open(
                    "tools",
                    json!([{"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}]),
                ),
                "tools[0].tools[0].type",
            ),
            (
                "openai.responses",
                open("tools", json!([{"type": "web_search_preview"}])),
                "tools[0].type",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"googleSearch": {}}])),
                "tools[0].googleSearch",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"googleMaps": {}}])),
                "tools[0].googleMaps",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"enterpriseWebSearch": {}}])),
                "tools[0].enterpriseWebSearch",
            ),
            // Code on the provider's hosts.
            (
                "anthropic.messages",
                claude(
                    "tools",
                    json!([{"type": "code_execution_20250825", "name": "c"}]),
                ),
                "tools[0].type",
            ),
            (
                "anthropic.messages",
                claude("container", json!("c")),
                "container",
            ),
            (
                "anthropic.messages",
                claude(
                    "tools",
                    json!([{"name": "n", "input_schema": {}, "allowed_callers": ["code"]}]),
                ),
                "tools[0].allowed_callers",
            ),
            (
                "openai.responses",
                open(
                    "tools",
                    json!([{"type": "code_interpreter", "container": {"type": "auto"}}]),
                ),
                "tools[0].type",
            ),
            (
                "openai.responses",
                open("tools", json!([{"type": "shell", "environment": {}}])),
                "tools[0].type",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"codeExecution": {}}])),
                "tools[0].codeExecution",
            ),
            // Remote MCP and connectors.
            (
                "anthropic.messages",
                claude(
                    "mcp_servers",
                    json!([{"type": "url", "url": "https://x", "name": "n"}]),
                ),
                "mcp_servers",
            ),
            (
                "anthropic.messages",
                claude("tools", json!([{"type": "mcp_toolset"}])),
                "tools[0].type",
            ),
            (
                "openai.responses",
                open("tools", json!([{"type": "mcp", "server_url": "https://x"}])),
                "tools[0].type",
            ),
            (
                "openai.responses",
                item(json!({"type": "mcp_approval_response"})),
                "input[0].type",
            ),
            (
                "gemini.generate",
                gemini("tools", json!([{"mcpServers": []}])),
                "tools[0].mcpServers",
            ),
            // State kept and recalled.
            ("anthropic.messages", claude("thread", json!({})), "thread"),
            (
                "openai.responses",
                json!({"model": "m", "input": "x", "store": true}),
                "store",
            ),
            (
                "openai.responses",
                open("previous_response_id", json!("r")),
                "previous_response_id",
            ),
            (
                "openai.responses",
                open("conversation", json!("c")),
                "conversation",
            ),
            (
                "openai.responses",
                open("prompt", json!({"id": "p"})),
                "prompt",
            ),
            (
                "openai.responses",
                item(json!({"type": "item_reference", "id": "i"})),
                "input[0].type",
            ),
            ("openai.chat", claude("store", json!(true)), "store"),
            (
                "gemini.generate",
                gemini("cachedContent", json!("c")),
                "cachedContent",
            ),
            // Later, elsewhere, or on another model.
            (
                "anthropic.messages",
                claude("fallbacks", json!([])),
                "fallbacks",
            ),
            (
                "anthropic.messages",
                claude("tools", json!([{"type": "advisor_20260301", "model": "m"}])),
                "tools[0].type",
            ),
            (
                "openai.responses",
                open("background", json!(true)),
                "background",
            ),
            (
                "openai.responses",
                open("context_management", json!([])),
                "context_management",
            ),
            (
                "gemini.generate",
                gemini("routingConfig", json!({})),
                "routingConfig",
            ),
            (
                "gemini.generate",
                json!({"contents": [], "generationConfig": {"modelSelectionConfig": {}}}),
                "generationConfig.modelSelectionConfig",
            ),
            // Steering of the account.
            (
                "anthropic.messages",
                claude("workspace_id", json!("w")),
                "workspace_id",
            ),
            (
                "openai.chat",
                claude("access_programs", json!([])),
                "access_programs",
            ),
            (
                "gemini.generate",
                gemini("modelArmorConfig", json!({})),
                "modelArmorConfig",
            ),
            // Results of hosted tools in the history.
            (
                "anthropic.messages",
                message(
                    json!({"type": "web_search_tool_result", "tool_use_id": "t", "content": []}),
                ),
                "messages[0].content[0].type",
            ),
            (
                "anthropic.messages",
                message(json!({"type": "mcp_tool_use"})),
                "messages[0].content[0].type",
            ),
            (
                "anthropic.messages",
                message(json!({"type": "server_tool_use"})),
                "messages[0].content[0].type",
            ),
            (
                "openai.responses",
                item(json!({"type": "web_search_call"})),
                "input[0].type",
            ),
            // What nobody knows yet.
            (
                "anthropic.messages",
                claude("new_field", json!(1)),
                "new_field",
            ),
            ("openai.chat", claude("new_field", json!(null)), "new_field"),
        ] {
            assert_eq!(refused(name, request.clone()), path, "{name} {request}");
        }
    }

    #[test]
    fn a_url_that_looks_like_data_is_refused() {
        for url in [
            "data:text/html,<x>",
            "data:image/png;base64,aa#https://x",
            "DATA:image/png;base64,aa",
            " data:image/png;base64,aa",
            "data:image/png;base64,a a",
        ] {
            assert!(!is_data_url(url), "{url}");
        }
        assert!(is_data_url("data:image/png;base64,aGk="));
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
