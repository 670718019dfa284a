//! Reads a fetched body as text, or says which type it has.

use super::{Fetched, FetchedBody};
use crate::error::Error;
use crate::monitor::cut;

/// Media types beside `text/*`, `*+json` and `*+xml` that are text.
const TEXT_TYPES: [&str; 11] = [
    "application/json",
    "application/ld+json",
    "application/x-ndjson",
    "application/jsonl",
    "application/xml",
    "application/javascript",
    "application/x-javascript",
    "application/ecmascript",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
];

impl Fetched {
    /// The body as text, without control and invisible steering characters; HTML stays as it was sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a body without a media type of text, in a character set
    /// other than UTF-8, ASCII and Latin-1, or kept in the monitor.
    pub fn text(&self) -> Result<String, Error> {
        let FetchedBody::Bytes(bytes) = &self.body else {
            return Err(Error::Invalid(
                "the content is kept in the monitor".to_owned(),
            ));
        };
        if bytes.is_empty() {
            return Ok(String::new());
        }
        let sent = self.content_type.as_deref().unwrap_or("");
        let (essence, parameters) = sent.split_once(';').unwrap_or((sent, ""));
        let essence = essence.trim().to_ascii_lowercase();
        if !is_text(&essence) {
            return Err(self.not_text(sent));
        }
        let decoded = match charset(parameters).as_str() {
            "" | "utf-8" | "utf8" | "us-ascii" => String::from_utf8_lossy(bytes).into_owned(),
            "iso-8859-1" | "latin1" => bytes.iter().copied().map(char::from).collect(),
            _ => return Err(self.not_text(sent)),
        };
        Ok(decoded.chars().filter(|c| is_plain(*c)).collect())
    }

    fn not_text(&self, sent: &str) -> Error {
        let kind = if sent.is_empty() {
            "no media type".to_owned()
        } else {
            format!("`{}`", cut(sent))
        };
        Error::Invalid(format!(
            "`{}` is {kind}, not text that can be shown",
            cut(&self.url)
        ))
    }
}

fn is_text(essence: &str) -> bool {
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || TEXT_TYPES.contains(&essence)
}

/// The value of `charset`, in lower case and without quotes; empty when there is none.
fn charset(parameters: &str) -> String {
    parameters
        .split(';')
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map_or_else(String::new, |(_, value)| {
            value.trim().trim_matches('"').to_ascii_lowercase()
        })
}

/// Neither control, nor of those that turn text round, nor a tag that nobody sees.
fn is_plain(c: char) -> bool {
    let steers = matches!(c,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}');
    matches!(c, '\n' | '\t') || !(c.is_control() || steers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(content_type: Option<&str>, bytes: &[u8]) -> Fetched {
        Fetched {
            url: "https://example.com/".to_owned(),
            status: 200,
            content_type: content_type.map(str::to_owned),
            body: FetchedBody::Bytes(bytes.to_vec()),
            is_cut: false,
            redirects: Vec::new(),
        }
    }

    #[test]
    fn text_loses_what_steers_a_terminal_or_hides() {
        let sent = "a\u{1b}[31mb\r\n\tc\u{202e}d\u{e0041}e\u{0}".as_bytes();
        let read = fetched(Some("text/plain; charset=UTF-8"), sent)
            .text()
            .unwrap();
        assert_eq!(read, "a[31mb\n\tcde");
    }

    #[test]
    fn types_of_text_are_read_and_others_are_named() {
        for kind in [
            "text/html",
            "application/json",
            "application/problem+json",
            "image/svg+xml",
            "TEXT/PLAIN; charset=\"utf-8\"",
        ] {
            assert_eq!(fetched(Some(kind), b"x").text().unwrap(), "x", "{kind}");
        }
        for kind in [
            "image/png",
            "application/octet-stream",
            "application/pdf",
            "text/plain; charset=utf-16",
        ] {
            let error = fetched(Some(kind), b"x").text().unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
        let error = fetched(None, b"x").text().unwrap_err().to_string();
        assert!(error.contains("no media type"), "{error}");
    }

    #[test]
    fn latin_1_is_read_as_such() {
        let read = fetched(Some("text/plain; charset=ISO-8859-1"), b"caf\xe9")
            .text()
            .unwrap();
        assert_eq!(read, "caf\u{e9}");
    }
}
