//! Walks through a request beside its schema and copies what is listed; the first thing that is not is refused with its path.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{Fields, Rebuilt, Refused, Schema, Variant, Word};

/// The deepest nesting of a request.
const MAX_DEPTH: usize = 64;
/// The largest count: what every JSON reader keeps exactly.
const MAX_COUNT: u64 = 1 << 53;

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

/// One walk through a request.
pub(super) struct Walk<'s> {
    parts: &'s BTreeMap<String, Schema>,
    media_bytes: u64,
    media: u64,
}

impl<'s> Walk<'s> {
    /// The request as this schema and its parts let it pass.
    pub(super) fn rebuild(
        parts: &'s BTreeMap<String, Schema>,
        schema: &'s Schema,
        request: &Value,
    ) -> Result<Rebuilt, Refused> {
        let mut walk = Self {
            parts,
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
    use super::is_data_url;

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
}
