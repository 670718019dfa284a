//! Walks a text token by token and leaves out the values that the rules name.

use super::MARK;
use super::names::is_secret_name;
use super::shapes::is_secret_shape;

/// What the tokens so far say of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    /// Nothing.
    No,
    /// It is secret, up to the closing quote if it stands in quotes.
    Value,
    /// It is secret if it could be a credential at all (`Basic dXNlcg==`, not `basic facts`).
    Credential,
    /// All is secret up to the end of the line or of the quotes: the value of a header.
    Line,
}

/// Whether a character parts tokens.
const fn is_separator(character: char) -> bool {
    character.is_ascii_whitespace()
        || matches!(
            character,
            '"' | '\''
                | '`'
                | ','
                | ';'
                | '('
                | ')'
                | '<'
                | '>'
                | '{'
                | '}'
                | '|'
                | '&'
                | '?'
                | '#'
                | '\\'
        )
}

const fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\'' | '`')
}

/// The text without secrets, or `None` when there are none; `armed` says that it starts with one.
pub(super) fn scan(text: &str, armed: bool) -> Option<String> {
    if armed {
        return (!text.is_empty()).then(|| MARK.to_owned());
    }
    let mut walk = Walk {
        left: String::with_capacity(text.len()),
        armed: Armed::No,
        named: false,
    };
    let mut rest = text;
    while !rest.is_empty() {
        let gap_end = rest.find(|c| !is_separator(c)).unwrap_or(rest.len());
        let (gap, tail) = rest.split_at(gap_end);
        walk.gap(gap);
        rest = walk.token(gap, tail);
    }
    (walk.left != text).then_some(walk.left)
}

/// What was kept so far and what is known of the next token.
struct Walk {
    left: String,
    armed: Armed,
    /// Whether the token before is a secret's name, so that `:` or `=` arms.
    named: bool,
}

impl Walk {
    /// Goes over separators: a line or a closing quote ends the value of a header.
    fn gap(&mut self, gap: &str) {
        self.left.push_str(gap);
        let ends_line = gap.contains(['\n', '\r']) || gap.contains(is_quote);
        if self.armed == Armed::Line && ends_line {
            self.armed = Armed::No;
        }
    }

    /// Goes over one token and returns what is left of the text.
    fn token<'t>(&mut self, gap: &str, text: &'t str) -> &'t str {
        let end = text.find(is_separator).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        match self.armed {
            Armed::Value => return self.leave_out_value(gap, text, rest),
            Armed::Line if !token.is_empty() => {
                self.mark();
                return rest;
            }
            Armed::Credential if could_be_credential(token) => {
                self.armed = Armed::No;
                self.mark();
                return rest;
            }
            _ => {}
        }
        self.judge(token);
        rest
    }

    /// Leaves out one value: up to the closing quote, or one token.
    fn leave_out_value<'t>(&mut self, gap: &str, text: &'t str, rest: &'t str) -> &'t str {
        if text.is_empty() {
            return text;
        }
        self.armed = Armed::No;
        self.named = false;
        self.mark();
        match gap.chars().last().filter(|last| is_quote(*last)) {
            Some(quote) => text.find(quote).map_or("", |end| &text[end..]),
            None => rest,
        }
    }

    fn mark(&mut self) {
        if !self.left.ends_with(MARK) {
            self.left.push_str(MARK);
        }
    }

    /// Keeps or cleans a token that nothing before it speaks of.
    fn judge(&mut self, token: &str) {
        let was_named = core::mem::take(&mut self.named);
        self.armed = if was_named && matches!(token, ":" | "=" | ":=" | "=>") {
            Armed::Value
        } else {
            next(token)
        };
        self.named = is_secret_name(token);
        match clean(token) {
            Some(cleaned) => {
                self.left.push_str(&cleaned);
            }
            None => self.left.push_str(token),
        }
    }
}

/// What a token says of the one after it.
fn next(token: &str) -> Armed {
    if token.strip_suffix([':', '=']).is_some_and(is_secret_name) {
        return if token.ends_with(':') {
            Armed::Line
        } else {
            Armed::Value
        };
    }
    let is_flag = token.starts_with("--") && !token.contains(['=', ':']);
    if is_flag && is_secret_name(token) {
        return Armed::Value;
    }
    let is_scheme = ["bearer", "basic"]
        .iter()
        .any(|word| token.eq_ignore_ascii_case(word));
    if is_scheme {
        Armed::Credential
    } else {
        Armed::No
    }
}

/// Whether a token after `Bearer` or `Basic` could be a credential.
fn could_be_credential(token: &str) -> bool {
    let is_plain_word = token
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'.');
    token.len() >= 6 && !is_plain_word
}

/// The token without its secret part, or `None` when it has none.
fn clean(token: &str) -> Option<String> {
    if let Some(cleaned) = clean_url(token) {
        return Some(cleaned);
    }
    if let Some((name, value)) = token.split_once('=') {
        if !value.is_empty() && is_secret_name(name) {
            return Some(format!("{name}={MARK}"));
        }
        if is_secret_shape(value) {
            return Some(format!("{name}={MARK}"));
        }
    }
    if let Some((name, value)) = token.split_once(':') {
        let is_word = name.len() > 2 && !value.starts_with("//");
        if is_word && !value.is_empty() && is_secret_name(name) {
            return Some(format!("{name}:{MARK}"));
        }
    }
    (!token.contains("://") && is_secret_shape(token)).then(|| MARK.to_owned())
}

/// A URL without the credentials of its authority and without random parts of its path.
fn clean_url(token: &str) -> Option<String> {
    let (scheme, rest) = token.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // A bare short name, as `git`, is no credential.
    let is_bare_name = user.len() <= 16 && user.bytes().all(|byte| byte.is_ascii_lowercase());
    let cleaned_path = (!path.is_empty()).then(|| clean_path(path)).flatten();
    if is_bare_name && cleaned_path.is_none() {
        return None;
    }
    let path = cleaned_path.as_deref().unwrap_or(path);
    Some(match (user, is_bare_name) {
        ("", _) => format!("{scheme}://{host}{path}"),
        (user, true) => format!("{scheme}://{user}@{host}{path}"),
        (_, false) => format!("{scheme}://{MARK}@{host}{path}"),
    })
}

/// A path whose secret segments are left out, or `None` when it has none.
fn clean_path(path: &str) -> Option<String> {
    if !path.split('/').any(|segment| clean(segment).is_some()) {
        return None;
    }
    let segments = path
        .split('/')
        .map(|segment| clean(segment).unwrap_or_else(|| segment.to_owned()));
    Some(segments.collect::<Vec<_>>().join("/"))
}
