//! Finds `_method`, by which a URL or a form asks some servers for another method than the request's.

use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use memchr::memmem;

use super::place::{Misplaced, Put, decoded};

/// What the field is called.
const FIELD: &str = "_method";

/// Whether the URL asks for another method.
pub(super) fn names_method(path_and_query: &str) -> bool {
    parameters(path_and_query).any(|(name, _)| name == FIELD)
}

/// The parameters of a query, with their names as loose servers read them; no path has any.
pub(super) fn parameters(path_and_query: &str) -> impl Iterator<Item = (String, &str)> {
    let parts = path_and_query.split(['?', '&', ';']).skip(1);
    let pairs = parts.filter_map(|part| part.split_once('='));
    pairs.map(|(name, value)| (loose(name.as_bytes()), value))
}

/// A name without encoding, case, marks around it, and differences between marks within.
fn loose(name: &[u8]) -> String {
    let plain = String::from_utf8_lossy(&decoded(name)).to_ascii_lowercase();
    let plain = plain.trim_start_matches(|c: char| c.is_whitespace() || c == '+');
    let plain = plain.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    plain.trim_end_matches('_').to_owned()
}

/// Refuses a form that asks for another method where a secret is held to some.
///
/// # Errors
/// FAIL-CLOSED: also for a form that is not held whole, or is compressed, which cannot be read.
pub(crate) fn check_form(
    puts: &[Put],
    method: &str,
    headers: &HeaderMap,
    whole: Option<&[u8]>,
) -> Result<(), Misplaced> {
    // Servers take it of forms that are posted.
    let is_held = puts.iter().any(|put| put.is_held_to_methods) && method == "POST";
    if !is_held || whole.is_some_and(<[u8]>::is_empty) {
        return Ok(());
    }
    let Some(form) = Form::of(headers) else {
        return Ok(());
    };
    let is_plain = |value: &[u8]| value.is_empty() || value.eq_ignore_ascii_case(b"identity");
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let why = match whole {
        Some(body) if encodings.all(|value| is_plain(value.as_bytes())) => {
            if !form.names_method(body) {
                return Ok(());
            }
            "`_method` in the form makes another request of it than the credential is bound for"
        }
        _ => {
            "a compressed form, or one of more than 256 KiB, is not read for `_method`: it is sent with a credential that is bound for all methods"
        }
    };
    Err(Misplaced::new("ambiguous_request", why))
}

/// How a form is written.
enum Form {
    Pairs,
    Parts,
}

impl Form {
    /// As the headers have it; a body of no kind is read as a form by some servers.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut kinds = headers.get_all(CONTENT_TYPE).iter().peekable();
        if kinds.peek().is_none() {
            return Some(Self::Pairs);
        }
        kinds.find_map(|kind| {
            let kind = String::from_utf8_lossy(kind.as_bytes()).to_ascii_lowercase();
            let kind = kind.trim_start();
            if kind.starts_with("multipart/") {
                Some(Self::Parts)
            } else {
                let is_pairs =
                    kind.is_empty() || kind.starts_with("application/x-www-form-urlencoded");
                is_pairs.then_some(Self::Pairs)
            }
        })
    }

    fn names_method(&self, body: &[u8]) -> bool {
        match self {
            Self::Pairs => {
                let mut pairs = body.split(|byte| b"&;".contains(byte));
                pairs.any(|pair| {
                    let name = pair.split(|byte| *byte == b'=').next();
                    name.is_some_and(|name| loose(name) == FIELD)
                })
            }
            Self::Parts => {
                // Loosely: the word with marks around it, wherever it stands.
                let mut plain = decoded(body);
                plain.retain(|byte| *byte != b'\\');
                plain.make_ascii_lowercase();
                memmem::find_iter(&plain, FIELD).any(|at| {
                    let before = at.checked_sub(1).and_then(|at| plain.get(at));
                    let after = plain.get(at + FIELD.len());
                    let is_mark =
                        |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
                    before.is_some_and(|byte| b"=\"' ".contains(byte)) && is_mark(after)
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    use super::{Form, names_method};

    #[test]
    fn another_method_is_found_in_urls_as_loose_servers_read_them() {
        for url in [
            "/a?_method=DELETE",
            "/a?b=c&%5Fmethod=DELETE",
            "/a?b=c;_METHOD=PUT",
            "/a?+_method=PUT",
            "/a?_method[]=PUT",
        ] {
            assert!(names_method(url), "{url}");
        }
        for url in [
            "/a",
            "/_method",
            "/a?method=x",
            "/a?b=_method",
            "/a?my_method=x",
        ] {
            assert!(!names_method(url), "{url}");
        }
    }

    #[test]
    fn another_method_is_found_in_forms() {
        let is_override = |kind: Option<&'static str>, body: &str| {
            let mut headers = HeaderMap::new();
            if let Some(kind) = kind {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            Form::of(&headers).is_some_and(|form| form.names_method(body.as_bytes()))
        };
        let pairs = Some("application/x-www-form-urlencoded; charset=utf-8");
        let parts = Some("Multipart/Form-Data; boundary=b");
        for (kind, body) in [
            (pairs, "a=b&_method=DELETE"),
            (pairs, "%5fmethod=DELETE"),
            (None, "_method=DELETE"),
            (
                parts,
                "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT",
            ),
            (
                parts,
                "--b\r\nContent-Disposition: form-data; name=_meth\\od\r\n\r\nPUT",
            ),
            (
                parts,
                "--b\r\nContent-Disposition: form-data; name=\"%5Fmethod\"\r\n\r\nPUT",
            ),
        ] {
            assert!(is_override(kind, body), "{kind:?} {body}");
        }
        for (kind, body) in [
            (pairs, "a=_method&method=x"),
            (
                parts,
                "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nmy_method()",
            ),
            (Some("application/json"), "{\"_method\":1}"),
        ] {
            assert!(!is_override(kind, body), "{kind:?} {body}");
        }
    }
}
