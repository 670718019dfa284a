//! Every way of the providers' published APIs to make the model's endpoint a courier is refused, each beside a request that passes.

use nucleus_egress::gateway::{Route, rebuild};
use serde::Deserialize;
use serde_json::{Value, json};

const TABLE: &str = include_str!("couriers.json");
const PAGE: &str = include_str!("../../../../docs/assurance/model-couriers.md");

#[derive(Deserialize)]
struct Table {
    rows: Vec<Row>,
    routes: Vec<(String, String, String)>,
    left_out: Vec<(String, String, Value)>,
}

#[derive(Deserialize)]
struct Row {
    class: String,
    api: String,
    what: String,
    /// Where in the ordinary request it stands, as a JSON pointer.
    at: String,
    refused: Value,
    /// What may stand there; nothing where absent.
    allowed: Option<Value>,
    /// Where the refusal says that it stands.
    path: String,
}

fn table() -> Table {
    serde_json::from_str(TABLE).unwrap()
}

/// A request of the API that passes.
fn ordinary(api: &str) -> Value {
    match api {
        "anthropic.messages" => {
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
                "tools": [{"name": "n", "input_schema": {}}]})
        }
        "anthropic.count" => {
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [{"name": "n", "input_schema": {}}]})
        }
        "openai.chat" => {
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
                "tools": [{"type": "function", "function": {"name": "f"}}]})
        }
        "openai.responses" => {
            json!({"model": "m", "store": false, "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}],
                "tools": [{"type": "function", "name": "f", "parameters": {}}]})
        }
        "gemini.generate" => {
            json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}], "tools": [{"functionDeclarations": [{"name": "f"}]}]})
        }
        "gemini.count" => json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}),
        other => panic!("no API `{other}`"),
    }
}

/// The ordinary request with this in its place.
fn with(api: &str, at: &str, value: &Value) -> Value {
    let mut request = ordinary(api);
    if let Some(there) = request.pointer_mut(at) {
        *there = value.clone();
        return request;
    }
    let (parent, name) = at.rsplit_once('/').unwrap();
    let parent = request.pointer_mut(parent).and_then(Value::as_object_mut);
    parent.unwrap().insert(name.to_owned(), value.clone());
    request
}

fn api(name: &str) -> &'static str {
    match name {
        "anthropic.messages" => "Anthropic Messages",
        "anthropic.count" => "Anthropic count",
        "openai.chat" => "OpenAI Chat",
        "openai.responses" => "OpenAI Responses",
        "gemini.generate" => "Gemini",
        "gemini.count" => "Gemini count",
        other => panic!("no API `{other}`"),
    }
}

#[test]
fn every_field_by_which_a_provider_acts_is_refused_and_what_stands_beside_it_passes() {
    for row in table().rows {
        let what = format!("{} {}", row.api, row.what);
        let request = with(&row.api, &row.at, &row.refused);
        match rebuild(&row.api, &request) {
            Ok(passed) => panic!("{what} passed: {}", passed.request),
            Err(refused) => assert_eq!(refused.path, row.path, "{what}"),
        }
        let twin = row.allowed.as_ref().map_or_else(
            || ordinary(&row.api),
            |allowed| with(&row.api, &row.at, allowed),
        );
        let passed = rebuild(&row.api, &twin).unwrap_or_else(|refused| panic!("{what}: {refused}"));
        assert_eq!(passed.request, twin, "{what}");
    }
}

#[test]
fn what_only_names_somebody_is_left_out() {
    for (api, field, value) in table().left_out {
        let request = with(&api, &format!("/{field}"), &value);
        let passed = rebuild(&api, &request).unwrap();
        assert_eq!(passed.request, ordinary(&api), "{api} {field}");
    }
}

#[test]
fn every_other_route_of_the_providers_is_refused_and_those_that_are_called_pass() {
    for (_, method, route) in table().routes {
        let (path, query) = match route.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (route.as_str(), None),
        };
        assert_eq!(Route::of(&method, path, query), None, "{method} {route}");
    }
    for (method, path, query) in [
        ("POST", "/v1/messages", None),
        ("POST", "/v1/messages", Some("beta=true")),
        ("POST", "/v1/messages/count_tokens", None),
        ("POST", "/v1/chat/completions", None),
        ("POST", "/v1/responses", None),
        ("GET", "/v1/models", None),
        ("GET", "/v1/models/m", None),
        ("POST", "/v1beta/models/m:generateContent", None),
        (
            "POST",
            "/v1beta/models/m:streamGenerateContent",
            Some("alt=sse"),
        ),
        ("POST", "/v1beta/models/m:countTokens", None),
        ("GET", "/v1beta/models", None),
    ] {
        assert!(Route::of(method, path, query).is_some(), "{method} {path}");
    }
}

/// The page for people says what is tested, no more and no less.
#[test]
fn the_page_lists_what_is_tested() {
    let table = table();
    let mut expected: Vec<String> = Vec::new();
    for Row {
        class,
        api: name,
        what,
        path,
        ..
    } in &table.rows
    {
        expected.push(format!("| {class} | {} | {what} | `{path}` |", api(name)));
    }
    let left_out = table.left_out.iter();
    expected.extend(left_out.map(|(name, field, _)| format!("| {} | `{field}` |", api(name))));
    let routes = table.routes.iter();
    expected.extend(routes.map(|(api, method, route)| format!("| {api} | `{method} {route}` |")));
    let is_head = |line: &&str| {
        line.starts_with("|---")
            || line.starts_with("| the provider")
            || line.starts_with("| API |")
    };
    let found: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with('|') && !is_head(line))
        .collect();
    assert_eq!(found, expected);
}
