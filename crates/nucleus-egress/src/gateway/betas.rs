//! Holds `anthropic-beta` to a list: what changes the form of an answer is passed on, what makes the provider act is refused.

use std::sync::OnceLock;

use hyper::StatusCode;
use hyper::header::{HeaderMap, HeaderValue};
use serde::Deserialize;

use super::refusal::Answer;

/// The header.
pub(super) const HEADER: &str = "anthropic-beta";
/// The shipped lists.
const SHIPPED: &str = include_str!("../../data/model-betas.json");
/// The most values of one request.
const MAX_VALUES: usize = 64;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Betas {
    #[serde(rename = "version")]
    _version: u32,
    #[serde(rename = "$comment")]
    _comment: String,
    passed: Vec<String>,
    left_out: Vec<String>,
}

fn shipped() -> &'static Betas {
    static BETAS: OnceLock<Betas> = OnceLock::new();
    // The data is part of the program and a test reads it: without it every value is refused.
    BETAS.get_or_init(|| serde_json::from_str(SHIPPED).unwrap_or_default())
}

/// The header as it is passed on; `None` where nothing of it is.
///
/// # Errors
/// FAIL-CLOSED: a value of neither list, in the form that the provider has for one that it does not know.
pub(super) fn passed(given: &HeaderMap) -> Result<Option<HeaderValue>, Answer> {
    let mut passed: Vec<&str> = Vec::new();
    for (at, value) in values(given).enumerate() {
        let known = value.filter(|_| at < MAX_VALUES).unwrap_or("(unreadable)");
        let is_in = |list: &[String]| list.iter().any(|own| own == known);
        if is_in(&shipped().passed) {
            passed.push(known);
        } else if !is_in(&shipped().left_out) {
            let shown: String = known
                .chars()
                .take(100)
                .flat_map(char::escape_debug)
                .collect();
            return Err(Answer::new(
                StatusCode::BAD_REQUEST,
                format!(
                    "unexpected value `{shown}` for the `{HEADER}` header: a session may not switch it on"
                ),
            ));
        }
    }
    let joined = passed.join(",");
    Ok(HeaderValue::from_str(&joined)
        .ok()
        .filter(|_| !passed.is_empty()))
}

/// The values of all headers of the name; `None` for one that is no text.
fn values(given: &HeaderMap) -> impl Iterator<Item = Option<&str>> {
    given.get_all(HEADER).iter().flat_map(|header| {
        let texts: Vec<Option<&str>> = match header.to_str() {
            Ok(text) => text
                .split(',')
                .map(str::trim)
                .filter(|value| !value.is_empty())
                .map(Some)
                .collect(),
            Err(_) => vec![None],
        };
        texts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(values: &[&[u8]]) -> HeaderMap {
        let values = values.iter().map(|value| {
            let name = hyper::header::HeaderName::from_static(HEADER);
            (name, HeaderValue::from_bytes(value).unwrap())
        });
        let mut headers = HeaderMap::new();
        for (name, value) in values {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn the_shipped_lists_are_read_and_share_nothing() {
        let betas: Betas = serde_json::from_str(SHIPPED).unwrap();
        assert!(betas.passed.len() > 5 && betas.left_out.len() > 5);
        assert!(betas.passed.iter().all(|own| !betas.left_out.contains(own)));
    }

    #[test]
    fn what_real_clients_say_passes_and_what_costs_more_is_left_out() {
        let said = given(&[
            b"claude-code-20250219, interleaved-thinking-2025-05-14,context-1m-2025-08-07",
            b"fine-grained-tool-streaming-2025-05-14",
        ]);
        let passed = passed(&said).unwrap().unwrap();
        assert_eq!(
            passed,
            "claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14"
        );
        assert_eq!(super::passed(&given(&[b"context-1m-2025-08-07"])), Ok(None));
        assert_eq!(super::passed(&given(&[])), Ok(None));
    }

    #[test]
    fn what_makes_the_provider_act_is_refused_and_so_is_what_nobody_knows() {
        for value in [
            &b"mcp-client-2025-04-04"[..],
            b"code-execution-2025-05-22",
            b"files-api-2025-04-14",
            b"skills-2025-10-02",
            b"web-fetch-2025-09-10",
            b"advisor-tool-2026-03-01",
            b"server-side-fallback-2026-06-01",
            b"user-profiles-2026-03-24",
            b"managed-agents-2026-04-01",
            b"message-threads-2026-08-12",
            b"Interleaved-Thinking-2025-05-14",
            b"new-2099-01-01",
            b"interleaved-thinking-2025-05-14 x",
            b"\xff",
        ] {
            let answer = passed(&given(&[b"claude-code-20250219", value])).unwrap_err();
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(answer.message.contains("unexpected value"), "{value:?}");
        }
        let many = vec!["claude-code-20250219"; MAX_VALUES + 1].join(",");
        assert!(passed(&given(&[many.as_bytes()])).is_err());
    }
}
