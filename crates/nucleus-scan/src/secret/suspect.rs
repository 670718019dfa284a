//! What may be a secret: masked wherever it is shown, and no finding by itself.

use std::ops::Range;

use super::key::is_secret_key;
use super::placeholder::is_placeholder;
use super::shape::{has_digit_and_letter, is_plausible_for, is_random};
use super::words::split;

/// Names of sessions and signatures in cookies and addresses.
const SESSIONS: &[&str] = &[
    "sid",
    "sig",
    "signature",
    "session",
    "sessionid",
    "session_id",
    "session-id",
    "connect.sid",
    "phpsessid",
    "jsessionid",
];

/// Flags before `user:password`.
const USER_FLAGS: &[&str] = &["-u", "--user", "--proxy-user", "-U"];

/// Programs whose `-p` is followed by the password without a space.
const PASSWORD_PROGRAMS: &[&str] = &["mysql", "mariadb", "sshpass", "mongo", "7z"];

/// Byte ranges of a text assigned to `key` that may be secret.
pub(super) fn find(key: &str, text: &str) -> Vec<Range<usize>> {
    let words = split(text);
    let mut found = Vec::new();
    let mut line = Line::of(key, text);
    for word in words {
        let piece = &text[word.clone()];
        random(text, word.clone(), &mut found);
        line.word(piece, word.start, &mut found);
        line.before_that = std::mem::replace(&mut line.before, piece);
    }
    found
}

/// Words that look random. What follows `@` is a version or a commit.
fn random(text: &str, word: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut at = word.start;
    for part in text[word].split_inclusive(['/', '=', '@', ':', '?', '&', ',']) {
        let bare = part.trim_end_matches(['/', '=', '@', ':', '?', '&', ',']);
        let version = text[..at].ends_with('@');
        if !version && is_random(bare) && !is_placeholder(bare) {
            found.push(at..at + bare.len());
        }
        at += part.len();
    }
}

/// What stands before a word.
struct Line<'a> {
    before: &'a str,
    before_that: &'a str,
    is_cookie: bool,
    takes_password: bool,
}

impl<'a> Line<'a> {
    fn of(key: &'a str, text: &str) -> Self {
        Self {
            before: if key.starts_with('-') { key } else { "" },
            before_that: "",
            is_cookie: is_cookie(key),
            takes_password: PASSWORD_PROGRAMS.iter().any(|name| text.contains(name)),
        }
    }

    fn word(&mut self, piece: &str, at: usize, found: &mut Vec<Range<usize>>) {
        self.is_cookie |= is_cookie(self.before);
        let mut keep = |value: &str, from: usize| found.push(at + from..at + from + value.len());
        if self
            .name()
            .is_some_and(|name| is_secret_key(name) && is_secret_value(name, piece))
        {
            keep(piece, 0);
        }
        if let Some(from) = self
            .user_at(piece)
            .and_then(|from| password_at(piece, from))
        {
            keep(&piece[from..], from);
        }
        if let Some(value) = piece
            .strip_prefix("-p")
            .filter(|value| self.is_password(value))
        {
            keep(value, 2);
        }
        let mut from = 0;
        for pair in piece.split(['?', '&', ';', '#']) {
            if let Some((name, value)) = pair.split_once('=')
                && (self.is_cookie || is_session(name))
                && is_opaque(value)
            {
                keep(value, from + name.len() + 1);
            }
            from += pair.len() + 1;
        }
    }

    /// The name a word is assigned to, across a space or a quote: `NAME = "…"`, `"name": "…"`, `NAME="…"`, `Name: …`.
    fn name(&self) -> Option<&'a str> {
        let bare = self.before.trim_end_matches(['=', ':']);
        let name = if bare.is_empty() {
            self.before_that
        } else {
            bare
        };
        (bare.len() < self.before.len() && !name.is_empty()).then_some(name)
    }

    /// Where `user:password` starts in a word.
    fn user_at(&self, piece: &str) -> Option<usize> {
        if USER_FLAGS.contains(&self.before) {
            return Some(0);
        }
        if let Some(rest) = piece.strip_prefix("--user=") {
            return Some(piece.len() - rest.len());
        }
        (piece.starts_with("-u") && piece.contains(':')).then_some(2)
    }

    /// Whether what follows `-p` is a password rather than a port, a path or a word.
    fn is_password(&self, value: &str) -> bool {
        let has = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
        let is_mixed = value.len() >= 8
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_uppercase);
        !value.contains(['/', ':', '=', '.'])
            && !is_placeholder(value)
            && (is_mixed || (self.takes_password && value.len() >= 3))
    }
}

fn is_secret_value(name: &str, value: &str) -> bool {
    !value.contains("://") && !is_placeholder(value) && is_plausible_for(name, value)
}

/// Where the password of `user:password` starts. A number is a group, and what equals its user names one.
fn password_at(piece: &str, from: usize) -> Option<usize> {
    let (user, password) = piece.get(from..)?.split_once(':')?;
    let is_group = password.bytes().all(|byte| byte.is_ascii_digit()) || password == user;
    let is_shown = is_group || password.starts_with("//") || is_placeholder(password);
    (!is_shown).then_some(from + user.len() + 1)
}

fn is_cookie(name: &str) -> bool {
    let bare = name.trim_end_matches(':');
    bare.eq_ignore_ascii_case("cookie") || bare.eq_ignore_ascii_case("set-cookie")
}

fn is_session(name: &str) -> bool {
    let name = name.rsplit(':').next().unwrap_or(name);
    SESSIONS
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Long enough to stand for something, and not a plain word.
fn is_opaque(value: &str) -> bool {
    value.len() >= 8 && (has_digit_and_letter(value) || value.len() >= 16) && !is_placeholder(value)
}

#[cfg(test)]
mod tests {
    use crate::secret::mask;

    #[test]
    fn what_may_be_a_secret_is_masked() {
        for (key, text, secret) in [
            (
                "",
                "curl -u bob:S3cretPw1x https://x.example.com",
                "S3cretPw1x",
            ),
            ("-u", "bob:S3cretPw1x", "S3cretPw1x"),
            ("", "curl --user=bob:S3cretPw1x x", "S3cretPw1x"),
            (
                "",
                "curl --header \"X-Auth: bob:Hunter2hunter\" x",
                "Hunter2hunter",
            ),
            ("", "-pS3cretPw1", "S3cretPw1"),
            ("", "mysql -uroot -phunter", "hunter"),
            (
                "",
                "curl -b 'Cookie: sid=s3abc12345; theme=d4rkd4rkd4rk' x",
                "s3abc12345",
            ),
            ("Cookie", "a=b; who=s3abc12345", "s3abc12345"),
            (
                "",
                "https://x.example.com/f?sv=1&sig=aZ09aZ09aZ%3D",
                "aZ09aZ09aZ%3D",
            ),
            ("", "token = \"9f8e7d6c5b4a3928\"", "9f8e7d6c5b4a3928"),
            ("", "\"api_key\": \"9f8e7d6c5b4a3928\"", "9f8e7d6c5b4a3928"),
            ("", "DB_PASSWORD=\"hunter2hunter2\"", "hunter2hunter2"),
        ] {
            let shown = mask(key, text);
            assert!(!shown.contains(secret), "{shown}");
            assert!(shown.contains("…["), "{shown}");
        }
    }

    #[test]
    fn what_is_none_stays() {
        for (key, text) in [
            ("", "docker run -u 1000:1000 -p8080:80 x"),
            ("", "docker run --user node:node -p 3000:3000 x"),
            ("", "--user ${NAME}:${PASSWORD}"),
            ("", "npm -prefix x --profile=dev"),
            ("", "https://x.example.com/?session=on&page=2"),
            ("Cookie", "theme=dark"),
            ("", "name = \"my-long-server-name-1\""),
            ("", "key: value"),
        ] {
            assert_eq!(mask(key, text), text);
        }
    }
}
