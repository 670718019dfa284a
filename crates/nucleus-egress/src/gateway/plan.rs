//! Turns a request of the jail into the one that is sent, and into the most that it may cost.

use bytes::Bytes;
use hyper::StatusCode;
use portcullis::Amount;
use serde_json::Value;

use super::price::{Price, Prices};
use super::refusal::Answer;
use super::route::{Purpose, Route};
use super::schema::rebuild;

/// What a picture or another piece of media counts as, in tokens: above what providers document for one.
const MEDIA_TOKENS: u64 = 20_000;
/// What a provider may add to a prompt by itself: its own frame, and its description of tools.
const FRAME_TOKENS: u64 = 2_000;
/// The most answers of one call.
const MAX_ANSWERS: u64 = 16;
/// What a request may return that names no bound, where the price list names none either.
const UNSTATED_OUTPUT_TOKENS: u64 = 32_000;
/// The least bound that is worth a call.
const MIN_OUTPUT_TOKENS: u64 = 1;

/// A call as it will be made.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The body that is sent.
    pub(super) body: Bytes,
    /// The model that is called.
    pub(super) model: Option<String>,
    /// What its tokens cost.
    pub(super) price: Option<Price>,
    /// The most that it may cost; nothing for calls that generate nothing.
    pub(super) bound: Amount,
    /// Whether the answer is a stream of events.
    pub(super) is_stream: bool,
    /// Whether the client asked to be told the usage.
    pub(super) wants_usage: bool,
}

/// The most values of one request: parsed, a value is many times as large as its text.
const MAX_VALUES: usize = 1 << 20;

/// Counts what separates the values of a JSON text, outside its strings.
fn values(body: &[u8]) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b',' | b'[' | b'{' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

/// Plans the call; `left` is what the session may still spend.
pub(super) fn plan(
    route: &Route,
    body: &[u8],
    prices: &Prices,
    left: Amount,
) -> Result<Plan, Answer> {
    let Some(schema) = route.schema() else {
        return empty(body);
    };
    if values(body) > MAX_VALUES {
        return Err(Answer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the request has more than a million values",
        ));
    }
    let request: Value = serde_json::from_slice(body).map_err(|error| {
        Answer::new(
            StatusCode::BAD_REQUEST,
            format!("the request is no JSON: {error}"),
        )
    })?;
    let rebuilt =
        rebuild(schema, &request).map_err(|refused| Answer::refused(refused.to_string()))?;
    let mut sent = rebuilt.request;
    let wants_usage = sent["stream_options"]["include_usage"] == true;
    let model = route
        .model(&sent)
        .ok_or_else(|| Answer::new(StatusCode::BAD_REQUEST, "the request names no model"))?
        .to_owned();
    let is_stream = route.is_stream(&sent);
    if route.purpose == Purpose::Count {
        return Ok(Plan {
            body: text_of(&sent),
            model: Some(model),
            price: None,
            bound: Amount::ZERO,
            is_stream,
            wants_usage,
        });
    }
    if acts_by_itself(&model) {
        return Err(Answer::refused(format!(
            "model `{}` searches the web by itself",
            model.escape_debug()
        )));
    }
    let price = prices
        .of(&model)
        .map_err(|error| Answer::refused(error.to_string()))?
        .clone();
    let answers = route.answers(&sent);
    if answers > MAX_ANSWERS {
        return Err(Answer::refused(format!(
            "one call may ask for at most {MAX_ANSWERS} answers"
        )));
    }
    let output = output_bound(route, &sent, &price, left, answers)?;
    route.complete(&mut sent, output);
    let body = text_of(&sent);
    // No token is less than a byte long, so the bytes of all text bound the tokens of it.
    let text_bytes = (body.len() as u64).saturating_sub(rebuilt.media_bytes);
    let input = text_bytes
        .saturating_add(rebuilt.media.saturating_mul(MEDIA_TOKENS))
        .saturating_add(FRAME_TOKENS);
    let bound = price.bound(input, output.saturating_mul(answers));
    Ok(Plan {
        body,
        model: Some(model),
        price: Some(price),
        bound,
        is_stream,
        wants_usage,
    })
}

/// Whether a model looks things up for whoever asks it: `gpt-4o-search-preview`, `o3-deep-research`.
fn acts_by_itself(model: &str) -> bool {
    let mut words = model.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| {
        ["search", "research", "online"]
            .iter()
            .any(|own| word.eq_ignore_ascii_case(own))
    })
}

/// A call without a body.
fn empty(body: &[u8]) -> Result<Plan, Answer> {
    if !body.is_empty() {
        return Err(Answer::refused("this route takes no body"));
    }
    Ok(Plan {
        body: Bytes::new(),
        model: None,
        price: None,
        bound: Amount::ZERO,
        is_stream: false,
        wants_usage: false,
    })
}

/// What the request says, or what the model and the budget let it be.
fn output_bound(
    route: &Route,
    request: &Value,
    price: &Price,
    left: Amount,
    answers: u64,
) -> Result<u64, Answer> {
    let affordable = left.output_tokens / answers;
    let bound = route.output_bound(request).unwrap_or_else(|| {
        price
            .max_output
            .unwrap_or(UNSTATED_OUTPUT_TOKENS)
            .min(affordable)
    });
    if bound < MIN_OUTPUT_TOKENS {
        return Err(spent(left));
    }
    Ok(bound)
}

/// What a call that cannot be paid is told.
pub(super) fn spent(left: Amount) -> Answer {
    Answer::new(
        StatusCode::PAYMENT_REQUIRED,
        format!(
            "the session's budget does not cover this call: {} micro-dollars, {} input and {} output tokens are left; ask for \
             fewer output tokens, send less, or end",
            left.micro_usd, left.input_tokens, left.output_tokens
        ),
    )
}

fn text_of(value: &Value) -> Bytes {
    Bytes::from(value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PLENTY: Amount = Amount {
        micro_usd: 10_000_000,
        input_tokens: 1_000_000,
        output_tokens: 1_000_000,
    };

    fn planned(body: &Value, left: Amount) -> Result<Plan, Answer> {
        let route = Route::of("POST", "/v1/chat/completions", None).unwrap();
        plan(
            &route,
            body.to_string().as_bytes(),
            &Prices::shipped().unwrap(),
            left,
        )
    }

    #[test]
    fn the_bound_covers_every_byte_and_every_answer() {
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "x".repeat(1000)}], "max_tokens": 50, "n": 3});
        let plan = planned(&body, PLENTY).unwrap();
        assert!(
            plan.bound.input_tokens >= 1000 && plan.bound.output_tokens == 150,
            "{:?}",
            plan.bound
        );
    }

    #[test]
    fn a_model_that_searches_by_itself_is_not_called_whatever_its_price() {
        for model in [
            "gpt-4o-search-preview",
            "gpt-4o-mini-search-preview-2025-03-11",
            "gpt-5-search-api",
            "o3-deep-research",
            "gpt-4o:Online",
        ] {
            let body = json!({"model": model, "messages": []});
            let refused = planned(&body, PLENTY).unwrap_err();
            assert!(
                refused.message.contains("searches the web"),
                "{model}: {refused:?}"
            );
        }
        for model in ["gpt-4o", "gpt-4o-mini", "o3"] {
            let body = json!({"model": model, "messages": []});
            assert!(planned(&body, PLENTY).is_ok(), "{model}");
        }
    }

    #[test]
    fn a_request_without_a_bound_is_given_one_that_the_budget_covers() {
        let body = json!({"model": "gpt-4o-mini", "messages": []});
        let sent: Value = serde_json::from_slice(&planned(&body, PLENTY).unwrap().body).unwrap();
        assert_eq!(sent["max_completion_tokens"], 16384);
        let little = Amount {
            output_tokens: 100,
            ..PLENTY
        };
        let sent: Value = serde_json::from_slice(&planned(&body, little).unwrap().body).unwrap();
        assert_eq!(sent["max_completion_tokens"], 100);
        let none = Amount {
            output_tokens: 0,
            ..PLENTY
        };
        assert_eq!(
            planned(&body, none).unwrap_err().status,
            StatusCode::PAYMENT_REQUIRED
        );
    }

    #[test]
    fn a_price_without_a_bound_does_not_reserve_all_that_is_left() {
        let list =
            "version = 1\nas_of = 'x'\n[[price]]\nmodel = 'own'\ninput = 3000\noutput = 15000\n";
        let prices = Prices::shipped().unwrap().with("own", list).unwrap();
        let route = Route::of("POST", "/v1/chat/completions", None).unwrap();
        let body = json!({"model": "own", "messages": []}).to_string();
        let plan = plan(&route, body.as_bytes(), &prices, PLENTY).unwrap();
        assert_eq!(plan.bound.output_tokens, UNSTATED_OUTPUT_TOKENS);
        assert!(plan.bound.leq(PLENTY));
    }

    #[test]
    fn what_has_no_price_is_never_called() {
        let body = json!({"model": "mystery", "messages": []});
        assert!(
            planned(&body, PLENTY)
                .unwrap_err()
                .message
                .contains("prices.toml")
        );
    }

    #[test]
    fn a_list_takes_no_body() {
        let route = Route::of("GET", "/v1/models", None).unwrap();
        let prices = Prices::shipped().unwrap();
        assert!(plan(&route, b"", &prices, PLENTY).is_ok());
        assert!(plan(&route, b"{}", &prices, PLENTY).is_err());
    }
}
