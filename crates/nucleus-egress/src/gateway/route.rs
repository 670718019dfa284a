//! The routes of providers' APIs that a jail may call, and what each means.

use serde_json::{Map, Value};

/// An API whose requests and answers are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Anthropic Messages.
    AnthropicMessages,
    /// OpenAI Chat Completions, and servers that speak it.
    OpenAiChat,
    /// OpenAI Responses.
    OpenAiResponses,
    /// Gemini.
    Gemini,
}

/// What a route does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Generates, and costs.
    Generate {
        /// Whether the route itself says that the answer is streamed.
        is_stream: bool,
    },
    /// Counts tokens; costs nothing, and shows the provider what it counts.
    Count,
    /// Lists models.
    List,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Whose it is.
    pub api: Api,
    /// What it does.
    pub purpose: Purpose,
    /// The model, where the path names it.
    pub model: Option<String>,
}

impl Route {
    /// The route of a request, compared as sent: an encoded or dotted spelling is another path.
    #[must_use]
    pub fn of(method: &str, path: &str, query: Option<&str>) -> Option<Self> {
        let plain = |api, purpose| {
            Some(Self {
                api,
                purpose,
                model: None,
            })
        };
        let generate = Purpose::Generate { is_stream: false };
        if path.starts_with("/v1beta/") {
            return gemini(method, path, query);
        }
        // `?beta=true` is what one client always sends; it changes nothing of the schema.
        if !matches!(query, None | Some("" | "beta=true")) {
            return None;
        }
        match (method, path.strip_prefix("/v1/")?) {
            ("POST", "messages") => plain(Api::AnthropicMessages, generate),
            ("POST", "messages/count_tokens") => plain(Api::AnthropicMessages, Purpose::Count),
            ("POST", "chat/completions") => plain(Api::OpenAiChat, generate),
            ("POST", "responses") => plain(Api::OpenAiResponses, generate),
            ("GET", "models") => plain(Api::OpenAiChat, Purpose::List),
            ("GET", rest) if rest.strip_prefix("models/").is_some_and(is_model_name) => {
                plain(Api::OpenAiChat, Purpose::List)
            }
            _ => None,
        }
    }

    /// The name of the schema of its requests, where it has a body.
    #[must_use]
    pub fn schema(&self) -> Option<&'static str> {
        match (self.api, &self.purpose) {
            (_, Purpose::List) => None,
            (Api::AnthropicMessages, Purpose::Generate { .. }) => Some("anthropic.messages"),
            (Api::AnthropicMessages, Purpose::Count) => Some("anthropic.count"),
            (Api::OpenAiChat, _) => Some("openai.chat"),
            (Api::OpenAiResponses, _) => Some("openai.responses"),
            (Api::Gemini, Purpose::Generate { .. }) => Some("gemini.generate"),
            (Api::Gemini, Purpose::Count) => Some("gemini.count"),
        }
    }

    /// The model that a rebuilt request names.
    #[must_use]
    pub fn model<'a>(&'a self, request: &'a Value) -> Option<&'a str> {
        self.model.as_deref().or_else(|| request["model"].as_str())
    }

    /// Whether the answer is a stream of events.
    #[must_use]
    pub fn is_stream(&self, request: &Value) -> bool {
        matches!(self.purpose, Purpose::Generate { is_stream: true }) || request["stream"] == true
    }

    /// The most tokens that a rebuilt request lets the model return, where it says so.
    #[must_use]
    pub fn output_bound(&self, request: &Value) -> Option<u64> {
        match self.api {
            Api::AnthropicMessages => request["max_tokens"].as_u64(),
            // The newer name counts where both are there; the larger is what could be returned.
            Api::OpenAiChat => request["max_completion_tokens"]
                .as_u64()
                .max(request["max_tokens"].as_u64()),
            Api::OpenAiResponses => request["max_output_tokens"].as_u64(),
            Api::Gemini => request["generationConfig"]["maxOutputTokens"].as_u64(),
        }
    }

    /// How many answers a rebuilt request asks for.
    #[must_use]
    pub fn answers(&self, request: &Value) -> u64 {
        let asked = match self.api {
            Api::OpenAiChat => request["n"].as_u64(),
            Api::Gemini => request["generationConfig"]["candidateCount"].as_u64(),
            Api::AnthropicMessages | Api::OpenAiResponses => None,
        };
        asked.unwrap_or(1).max(1)
    }

    /// Writes what the provider has to be told: how much it may return, that it keeps nothing, and that it says what a
    /// stream used.
    pub fn complete(&self, request: &mut Value, output_bound: u64) {
        let is_stream = self.is_stream(request);
        let Some(fields) = request.as_object_mut() else {
            return;
        };
        match self.api {
            Api::AnthropicMessages => {
                _ = fields.insert("max_tokens".to_owned(), output_bound.into())
            }
            Api::OpenAiChat => {
                let older = fields.contains_key("max_tokens")
                    && !fields.contains_key("max_completion_tokens");
                fields.insert(
                    if older {
                        "max_tokens"
                    } else {
                        "max_completion_tokens"
                    }
                    .to_owned(),
                    output_bound.into(),
                );
                if is_stream {
                    within(fields, "stream_options")
                        .insert("include_usage".to_owned(), true.into());
                }
            }
            Api::OpenAiResponses => {
                fields.insert("max_output_tokens".to_owned(), output_bound.into());
                fields.insert("store".to_owned(), false.into());
            }
            Api::Gemini => {
                _ = within(fields, "generationConfig")
                    .insert("maxOutputTokens".to_owned(), output_bound.into())
            }
        }
    }
}

/// The object of that name, made where there is none.
fn within<'a>(fields: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = fields
        .entry(name)
        .or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields,
        _ => unreachable!("an object was just put there"),
    }
}

/// `/v1beta/models/NAME:CALL` of the three calls that generate or count, and the lists.
fn gemini(method: &str, path: &str, query: Option<&str>) -> Option<Route> {
    let rest = path.strip_prefix("/v1beta/models")?;
    let route = |purpose, model: Option<&str>| {
        Some(Route {
            api: Api::Gemini,
            purpose,
            model: model.map(str::to_owned),
        })
    };
    if method == "GET" && query.is_none() {
        let is_list = rest.is_empty() || rest.strip_prefix('/').is_some_and(is_model_name);
        return is_list.then_some(Route {
            api: Api::Gemini,
            purpose: Purpose::List,
            model: None,
        });
    }
    let (name, call) = rest.strip_prefix('/')?.split_once(':')?;
    if method != "POST" || !is_model_name(name) {
        return None;
    }
    match (call, query) {
        ("generateContent", None) => route(Purpose::Generate { is_stream: false }, Some(name)),
        ("streamGenerateContent", Some("alt=sse")) => {
            route(Purpose::Generate { is_stream: true }, Some(name))
        }
        ("countTokens", None) => route(Purpose::Count, Some(name)),
        _ => None,
    }
}

/// One path segment of plain characters.
fn is_model_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn known_routes_are_taken() {
        for (method, path, query, schema) in [
            ("POST", "/v1/messages", None, Some("anthropic.messages")),
            (
                "POST",
                "/v1/messages",
                Some("beta=true"),
                Some("anthropic.messages"),
            ),
            (
                "POST",
                "/v1/messages/count_tokens",
                None,
                Some("anthropic.count"),
            ),
            ("POST", "/v1/chat/completions", None, Some("openai.chat")),
            ("POST", "/v1/responses", None, Some("openai.responses")),
            ("GET", "/v1/models", None, None),
            (
                "POST",
                "/v1beta/models/gemini-2.5-pro:generateContent",
                None,
                Some("gemini.generate"),
            ),
            (
                "POST",
                "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
                Some("alt=sse"),
                Some("gemini.generate"),
            ),
            (
                "POST",
                "/v1beta/models/gemini-2.5-pro:countTokens",
                None,
                Some("gemini.count"),
            ),
        ] {
            let route = Route::of(method, path, query);
            assert_eq!(
                route.as_ref().map(Route::schema),
                Some(schema),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn every_other_route_is_refused() {
        for (method, path, query) in [
            ("POST", "/v1/files", None),
            ("POST", "/v1/messages/batches", None),
            ("GET", "/v1/responses/resp_1", None),
            ("POST", "/v1/responses/compact", None),
            ("DELETE", "/v1/models/x", None),
            ("POST", "/v1/../v1/messages", None),
            ("POST", "/v1//messages", None),
            ("POST", "/v1/%6dessages", None),
            ("POST", "/v1/messages", Some("to=elsewhere")),
            ("GET", "/v1/models/..", None),
            ("POST", "/v1beta/models/x:batchGenerateContent", None),
            ("POST", "/v1beta/models/x:predict", None),
            (
                "POST",
                "/v1beta/models/x:generateContent",
                Some("key=stolen"),
            ),
            ("POST", "/v1beta/files", None),
            ("POST", "/v1/skills", None),
            ("POST", "/v1/embeddings", None),
            ("CONNECT", "", None),
        ] {
            assert_eq!(Route::of(method, path, query), None, "{method} {path}");
        }
    }

    #[test]
    fn a_request_is_told_its_bound_and_that_nothing_is_kept() {
        let mut request = json!({"model": "m", "stream": true});
        let chat = Route::of("POST", "/v1/chat/completions", None).unwrap();
        chat.complete(&mut request, 9);
        assert_eq!(
            request,
            json!({"model": "m", "stream": true, "max_completion_tokens": 9, "stream_options": {"include_usage": true}})
        );
        let mut request = json!({"model": "m", "input": "x"});
        Route::of("POST", "/v1/responses", None)
            .unwrap()
            .complete(&mut request, 9);
        assert_eq!(
            request,
            json!({"model": "m", "input": "x", "max_output_tokens": 9, "store": false})
        );
        let mut request = json!({"contents": []});
        let gemini = Route::of("POST", "/v1beta/models/m:generateContent", None).unwrap();
        gemini.complete(&mut request, 9);
        assert_eq!(
            (gemini.output_bound(&request), gemini.model(&request)),
            (Some(9), Some("m"))
        );
    }

    #[test]
    fn the_larger_of_two_bounds_is_what_could_be_returned() {
        let chat = Route::of("POST", "/v1/chat/completions", None).unwrap();
        assert_eq!(
            chat.output_bound(&json!({"max_tokens": 5, "max_completion_tokens": 50})),
            Some(50)
        );
        assert_eq!(chat.answers(&json!({"n": 4})), 4);
    }
}
