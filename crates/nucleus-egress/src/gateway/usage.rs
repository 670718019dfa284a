//! Reads what a provider says a call used.

use serde_json::Value;

use super::route::Api;

/// Tokens of one call, each counted in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sent, and neither read from a cache nor written to one.
    pub input: u64,
    /// Returned, reasoning included.
    pub output: u64,
    /// Sent, and read from the provider's cache.
    pub cache_read: u64,
    /// Sent, and written to it.
    pub cache_write: u64,
}

impl Usage {
    /// All that was sent.
    #[must_use]
    pub fn input_total(&self) -> u64 {
        self.input
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write)
    }
}

/// What has been reported so far in one call; later reports are cumulative and replace earlier ones, field by field.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    reported: Option<Usage>,
    is_final: bool,
}

impl Meter {
    /// Takes in one JSON answer, or one event of a stream.
    pub fn see(&mut self, api: Api, event: &Value) {
        let before = self.reported.unwrap_or_default();
        let seen = match api {
            Api::AnthropicMessages => anthropic(event, before),
            Api::OpenAiChat => chat(event),
            Api::OpenAiResponses => responses(event),
            Api::Gemini => gemini(event),
        };
        if let Some(usage) = seen {
            self.reported = Some(usage);
        }
        self.is_final |= is_last(api, event);
    }

    /// What was reported, if anything was.
    #[must_use]
    pub fn reported(&self) -> Option<Usage> {
        self.reported
    }

    /// What was reported, once the call ended as the provider ends calls.
    #[must_use]
    pub fn settled(&self) -> Option<Usage> {
        self.reported.filter(|_| self.is_final)
    }
}

/// Whether this is a whole answer, or the event that ends one.
fn is_last(api: Api, event: &Value) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    match api {
        Api::AnthropicMessages => {
            matches!(kind, "message" | "message_stop") || event.get("input_tokens").is_some()
        }
        // The usage chunk has no choices; a whole answer is no chunk.
        Api::OpenAiChat => {
            event["usage"].is_object()
                && (event["object"] == "chat.completion"
                    || event["choices"].as_array().is_some_and(Vec::is_empty))
        }
        Api::OpenAiResponses => {
            event["object"] == "response"
                || matches!(
                    kind,
                    "response.completed" | "response.incomplete" | "response.failed"
                )
        }
        Api::Gemini => {
            event["candidates"][0]["finishReason"].is_string() || event.get("totalTokens").is_some()
        }
    }
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// `message_start` says the input, `message_delta` the output so far.
fn anthropic(event: &Value, before: Usage) -> Option<Usage> {
    let usage = [&event["usage"], &event["message"]["usage"]]
        .into_iter()
        .find(|usage| usage.is_object())?;
    Some(Usage {
        input: count(&usage["input_tokens"]).unwrap_or(before.input),
        output: count(&usage["output_tokens"]).unwrap_or(before.output),
        cache_read: count(&usage["cache_read_input_tokens"]).unwrap_or(before.cache_read),
        cache_write: count(&usage["cache_creation_input_tokens"]).unwrap_or(before.cache_write),
    })
}

fn chat(event: &Value) -> Option<Usage> {
    let usage = Some(&event["usage"]).filter(|usage| usage.is_object())?;
    let details = &usage["prompt_tokens_details"];
    Some(split(
        count(&usage["prompt_tokens"])?,
        count(&details["cached_tokens"]).unwrap_or(0),
        count(&details["cache_write_tokens"]).unwrap_or(0),
        count(&usage["completion_tokens"]).unwrap_or(0),
    ))
}

fn responses(event: &Value) -> Option<Usage> {
    let usage = [&event["usage"], &event["response"]["usage"]]
        .into_iter()
        .find(|usage| usage.is_object())?;
    let details = &usage["input_tokens_details"];
    Some(split(
        count(&usage["input_tokens"])?,
        count(&details["cached_tokens"]).unwrap_or(0),
        count(&details["cache_write_tokens"]).unwrap_or(0),
        count(&usage["output_tokens"]).unwrap_or(0),
    ))
}

fn gemini(event: &Value) -> Option<Usage> {
    let usage = Some(&event["usageMetadata"]).filter(|usage| usage.is_object())?;
    let of = |key: &str| count(&usage[key]).unwrap_or(0);
    let input = of("promptTokenCount").saturating_add(of("toolUsePromptTokenCount"));
    let output = of("candidatesTokenCount").saturating_add(of("thoughtsTokenCount"));
    Some(split(input, of("cachedContentTokenCount"), 0, output))
}

/// Splits an input that includes what was cached.
fn split(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Usage {
    Usage {
        input: input.saturating_sub(cache_read).saturating_sub(cache_write),
        output,
        cache_read,
        cache_write,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metered(api: Api, events: &[Value]) -> Meter {
        let mut meter = Meter::default();
        events.iter().for_each(|event| meter.see(api, event));
        meter
    }

    #[test]
    fn a_stream_of_messages_counts_input_once_and_output_last() {
        let start = json!({"type": "message_start", "message": {"usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2, "output_tokens": 1}}});
        let delta = |n: u64| json!({"type": "message_delta", "usage": {"output_tokens": n}});
        let died = metered(Api::AnthropicMessages, &[start.clone(), delta(7)]);
        assert_eq!(
            died.reported(),
            Some(Usage {
                input: 10,
                output: 7,
                cache_read: 5,
                cache_write: 2
            })
        );
        assert_eq!(
            died.settled(),
            None,
            "a stream that died is not settled by what it reported"
        );
        let whole = metered(
            Api::AnthropicMessages,
            &[start, delta(7), delta(9), json!({"type": "message_stop"})],
        );
        assert_eq!(
            whole.settled(),
            Some(Usage {
                input: 10,
                output: 9,
                cache_read: 5,
                cache_write: 2
            })
        );
    }

    #[test]
    fn every_api_says_its_usage() {
        let chat = json!({"object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}}});
        assert_eq!(
            metered(Api::OpenAiChat, &[chat]).settled(),
            Some(Usage {
                input: 6,
                output: 4,
                cache_read: 3,
                cache_write: 0
            })
        );
        let open = json!({"type": "response.completed", "response": {"usage": {"input_tokens": 9, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 2}}}});
        assert_eq!(
            metered(Api::OpenAiResponses, &[open]).settled(),
            Some(Usage {
                input: 9,
                output: 4,
                ..Usage::default()
            })
        );
        let gemini = json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 6}});
        assert_eq!(
            metered(Api::Gemini, &[gemini]).settled(),
            Some(Usage {
                input: 9,
                output: 10,
                ..Usage::default()
            })
        );
    }

    #[test]
    fn silence_settles_nothing() {
        let meter = metered(
            Api::OpenAiChat,
            &[
                json!({"object": "chat.completion.chunk", "choices": [{"delta": {}}], "usage": null}),
            ],
        );
        assert_eq!((meter.reported(), meter.settled()), (None, None));
    }
}
