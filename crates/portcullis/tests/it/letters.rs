//! Every ASCII character, in each place where a reader draws a line between characters.

use portcullis::command::{Argv, CommandFacts, parse_command};
use portcullis::glob::PathPattern;
use portcullis::host::{Host, UrlPath};
use portcullis::path::RelPath;

/// Compares what is taken with what is taken beside letters and digits.
#[track_caller]
fn assert_taken(also: &str, is_taken: impl Fn(char) -> bool) {
    for c in (0..0x80_u8).map(char::from) {
        assert_eq!(is_taken(c), c.is_ascii_alphanumeric() || also.contains(c), "{c:?}");
    }
}

/// Every printable character but these, letters and digits aside.
fn all_but(refused: &str) -> String {
    (' '..='~').filter(|c| !c.is_ascii_alphanumeric() && !refused.contains(*c)).collect()
}

#[test]
fn characters_of_hosts() {
    assert_taken("-_.", |c| Host::parse(&format!("a{c}b.test")).is_ok());
    assert_taken("_", |c| Host::parse(&format!("{c}b.test")).is_ok());
    assert_taken("_", |c| Host::parse(&format!("a.b{c}.test")).is_ok());
}

#[test]
fn characters_of_paths() {
    assert_taken(&all_but("\\:"), |c| RelPath::parse(&format!("a{c}b")).is_ok());
    assert_taken(&all_but("\\:. "), |c| RelPath::parse(&format!("a{c}")).is_ok());
    assert_taken(&all_but("\\:/"), |c| RelPath::parse(&format!("{c}a")).is_ok());
}

#[test]
fn characters_of_patterns() {
    assert_taken(&all_but("[]{}\\:"), |c| PathPattern::parse(&format!("a{c}b")).is_ok());
    assert_taken(&all_but("[]{}\\:!"), |c| PathPattern::parse(&format!("{c}b")).is_ok());
}

#[test]
fn characters_of_url_paths() {
    assert_taken(&all_but("?#;\\% "), |c| UrlPath::parse(&format!("/z{c}z")).is_ok());
    for byte in 0..=u8::MAX {
        let plain = char::from(byte);
        let is_refused = plain.is_ascii_control() || matches!(plain, ';' | '\\');
        let kept = if plain.is_ascii_alphanumeric() || "-._~".contains(plain) {
            format!("/z{plain}z")
        } else {
            format!("/z%{byte:02X}z")
        };
        for text in [format!("/z%{byte:02X}z"), format!("/z%{byte:02x}z")] {
            let read = UrlPath::parse(&text).ok();
            assert_eq!(read.as_ref().map(UrlPath::as_str), Some(&*kept).filter(|_| !is_refused), "{text}");
        }
    }
}

fn holds_code(words: [&str; 2]) -> bool {
    Argv::new(words).map_or(true, |argv| CommandFacts::of(&argv).has_inline_code())
}

#[test]
fn characters_of_plain_values_of_make() {
    assert_taken("_-.", |c| !holds_code(["make", &format!("X=a{c}b")]));
}

#[test]
fn flags_and_commands_of_plain_sed() {
    for c in (' '..='~').filter(|c| *c != '-') {
        assert_eq!(!holds_code(["sed", &format!("s/a/b/{c}")]), c.is_ascii_digit() || "gpiI".contains(c), "{c:?}");
        assert_eq!(!holds_code(["sed", &format!("5{c}")]), "pdq=".contains(c), "{c:?}");
        let delimited = format!("s{c}a{c}x{c}");
        assert_eq!(!holds_code(["sed", &delimited]), !"\\ax".contains(c), "{c:?}");
    }
}

#[test]
fn characters_for_which_a_shell_is_needed() {
    let is_split = |text: String| parse_command(&text).is_ok_and(|argv| argv.program() != "sh");
    let acted_on = "|&;<>$`(){}*?[]'\"";
    assert_taken(&(all_but(&format!("{acted_on}=")) + "\t"), |c| is_split(format!("a{c}b")));
    assert_taken(&(all_but(acted_on) + "\t"), |c| is_split(format!("a b{c}b")));
    assert_taken(&(all_but(&format!("{acted_on}=~#!")) + "\t"), |c| is_split(format!("{c}b")));
}
