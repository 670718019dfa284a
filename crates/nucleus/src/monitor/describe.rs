//! Names a subject in a few words for people: cut, escaped, without queries, bodies or environment values.

use portcullis::Operation;
use portcullis::request::{Request, Subject};

/// The most characters of a subject that are shown: about one line of a terminal.
const MAX_CHARS: usize = 96;

/// The subject in a few words.
#[must_use]
pub fn describe(subject: &Subject) -> String {
    let text = match subject {
        Subject::Path(path) => path.to_string(),
        Subject::Move { from, to } => format!("{from} -> {to}"),
        Subject::Command(command) => shell_words::join(command.argv.words()),
        Subject::Query { backend, .. } => format!("search at {backend}"),
        Subject::Url(url) => format!("{} {}:{}", url.method, url.host, url.port),
        Subject::Commit { branch, .. } => format!("git commit on {branch}"),
        Subject::Push { reference, .. } => format!("git push to {reference}"),
        Subject::PullRequest { base, head, .. } => format!("pull request {head} -> {base}"),
        Subject::Child { .. } => "child session".to_owned(),
        Subject::Tool { server, tool, .. } => format!("{server}/{tool}"),
        _ => "unknown".to_owned(),
    };
    cut(&text)
}

/// Escapes control and invisible characters and cuts the text.
#[must_use]
pub fn cut(text: &str) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == MAX_CHARS {
            shown.push('…');
            break;
        }
        push_visible(&mut shown, c);
    }
    shown
}

/// Quotes and letters as they are; what cannot be seen or changes the direction as an escape.
fn push_visible(shown: &mut String, c: char) {
    let is_quote = matches!(c, '\'' | '"' | '\\');
    let is_escaped = c.escape_debug().next().is_some_and(|first| first == '\\');
    if is_quote || !(is_escaped || is_bidi(c)) {
        shown.push(c);
    } else {
        shown.extend(c.escape_unicode());
    }
}

const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What the session did, as evidence: "read `x`".
#[must_use]
pub(super) fn deed(request: &Request) -> String {
    let verb = match request.operations().iter().next() {
        Some(Operation::ReadFiles) => "read",
        Some(Operation::GlobSearch | Operation::GrepSearch) => "searched",
        Some(Operation::WriteFiles | Operation::EditFiles) => "changed",
        Some(Operation::RunBash) => "run",
        Some(Operation::WebSearch) => "done a",
        Some(Operation::WebFetch) => "fetched",
        _ => "used",
    };
    let subject = match request.subject() {
        Subject::Url(url) => cut(&url.host.to_string()),
        other => describe(other),
    };
    format!("{verb} `{subject}`")
}
