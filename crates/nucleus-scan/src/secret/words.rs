//! Secrets inside a longer text: a command line, an address, a header.

use std::ops::Range;

use super::key::is_secret_key;
use super::placeholder::is_placeholder;
use super::shape::{is_jwt, is_plausible_for, is_random, is_secret_shape};

/// The longest text that is searched, in bytes; what is longer is searched up to here.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Secrets by shape, after a name, after a scheme of `Authorization`, and in addresses.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut before: Option<&str> = None;
    for word in split(text) {
        let piece = &text[word.clone()];
        in_url(piece, word.start, &mut found);
        if let Some((name, value)) = assigned(piece) {
            let at = word.start + value.start;
            keep(&mut found, name, &piece[value], at);
        } else if before.is_some_and(announces)
            && !is_placeholder(piece)
            && is_plausible_for("token", piece)
        {
            found.push(word.clone());
        } else if let Some(flag) =
            before.filter(|before| before.starts_with('-') || before.ends_with(':'))
        {
            keep(&mut found, flag.trim_matches(['-', ':']), piece, word.start);
        }
        by_shape(piece, word.start, &mut found);
        before = Some(piece);
    }
    found
}

/// `Bearer`, `Basic`, `Token`: the next word is the credential.
fn announces(word: &str) -> bool {
    let last = word.rsplit([':', '=']).next().unwrap_or(word);
    ["bearer", "basic", "token", "apikey"]
        .iter()
        .any(|scheme| last.eq_ignore_ascii_case(scheme))
}

fn keep(found: &mut Vec<Range<usize>>, name: &str, value: &str, at: usize) {
    if is_secret_key(name)
        && !value.contains("://")
        && !is_placeholder(value)
        && is_plausible_for(name, value)
    {
        found.push(at..at + value.len());
    }
}

/// `NAME=value` or `name:value`; not an address.
fn assigned(word: &str) -> Option<(&str, Range<usize>)> {
    let at = word.find(['=', ':'])?;
    let (name, value) = (&word[..at], &word[at + 1..]);
    if value.is_empty() || value.starts_with("//") || value.contains("://") {
        return None;
    }
    let name = name.rsplit('.').next().unwrap_or(name);
    Some((name, at + 1..word.len()))
}

/// Bytes of a piece by which its shape is told; what is longer is a secret by how it begins, which bounds the time a word takes.
const MAX_SHAPE_BYTES: usize = 256;

/// Vendors' shapes, at the start of a word or after a separator in it.
fn by_shape(word: &str, at: usize, found: &mut Vec<Range<usize>>) {
    let (mut start, mut end) = (0, 0);
    let mut known_to = 0;
    for part in word.split_inclusive(['=', ':', '/', '@', '?', '&', ',']) {
        if start >= end {
            end = word[start..]
                .find(['/', '@', '?', '&', ','])
                .map_or(word.len(), |end| start + end);
        }
        if start >= known_to && has_shape(&word[start..end], part) {
            found.push(at + start..at + end);
            known_to = end;
        }
        start += part.len();
    }
}

/// Whether a piece that starts with this part is a secret by its shape; no more than its beginning and the part are looked at.
fn has_shape(candidate: &str, part: &str) -> bool {
    let head = head(candidate);
    let token = part.trim_end_matches(['=', ':', '/', '@', '?', '&', ',']);
    let is_long_token = head.len() < token.len() && is_jwt(token) && !is_placeholder(token);
    is_long_token || (is_secret_shape(head) && !is_placeholder(head))
}

/// The beginning of a text, cut between two characters.
fn head(text: &str) -> &str {
    let mut end = text.len().min(MAX_SHAPE_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Passwords and query parameters of an address, and long random segments of its path.
fn in_url(word: &str, at: usize, found: &mut Vec<Range<usize>>) {
    let Some(scheme) = word.find("://") else {
        return;
    };
    let rest = scheme + 3;
    let authority_end = word[rest..]
        .find(['/', '?', '#'])
        .map_or(word.len(), |end| rest + end);
    if let Some(userinfo_end) = word[rest..authority_end].rfind('@').map(|end| rest + end) {
        password(word, rest..userinfo_end, authority_end, at, found);
    }
    if let Some(query) = word[authority_end..]
        .find('?')
        .map(|start| authority_end + start + 1)
    {
        let mut start = query;
        for pair in word[query..].split('&') {
            if let Some((name, value)) = pair.split_once('=') {
                let value_at = start + name.len() + 1;
                keep(found, name, value, at + value_at);
            }
            start += pair.len() + 1;
        }
    }
    path(word, authority_end, at, found);
}

/// `user:password@`; the defaults of a database on this machine are no secret.
fn password(
    word: &str,
    userinfo: Range<usize>,
    authority_end: usize,
    at: usize,
    found: &mut Vec<Range<usize>>,
) {
    let text = &word[userinfo.clone()];
    let host = &word[(userinfo.end + 1).min(authority_end)..authority_end];
    let local = [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "host.docker.internal",
        "0.0.0.0",
    ]
    .iter()
    .any(|name| host.starts_with(name));
    let (user, secret_at) = match text.split_once(':') {
        Some((user, _)) => (user, userinfo.start + user.len() + 1),
        None => ("", userinfo.start),
    };
    let secret = &word[secret_at..userinfo.end];
    let guessable = secret == user || (local && secret.len() < 12);
    let plausible = if text.contains(':') {
        secret.len() >= 3
    } else {
        is_secret_shape(secret)
    };
    if plausible && !guessable && !is_placeholder(secret) {
        found.push(at + secret_at..at + userinfo.end);
    }
}

/// A segment of 30 or more characters in both cases and with digits opens whatever is behind it.
fn path(word: &str, start: usize, at: usize, found: &mut Vec<Range<usize>>) {
    let end = word[start..]
        .find(['?', '#'])
        .map_or(word.len(), |end| start + end);
    let mut from = start;
    for segment in word[start..end].split_inclusive('/') {
        let bare = segment.trim_end_matches('/');
        let both = bare.bytes().any(|b| b.is_ascii_lowercase())
            && bare.bytes().any(|b| b.is_ascii_uppercase());
        if bare.len() >= 30 && both && is_random(bare) && !is_placeholder(bare) {
            found.push(at + from..at + from + bare.len());
        }
        from += segment.len();
    }
}

/// Words of a command line or a header, without quotes and brackets.
pub(super) fn split(text: &str) -> Vec<Range<usize>> {
    let mut limit = text.len().min(MAX_TEXT_BYTES);
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text[..limit].char_indices() {
        let cut =
            c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ';' | '(' | ')' | '|' | ',' | '\\');
        match (cut, start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    if let Some(from) = start {
        words.push(from..limit);
    }
    words
}
