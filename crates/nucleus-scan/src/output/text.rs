//! Makes texts of scanned files safe to show.

use std::fmt::Write as _;

/// The text with every character that moves the cursor, reorders or hides written out.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            _ if is_steering(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// A text of several lines, each of them [`plain`].
#[must_use]
pub fn lines(text: &str) -> String {
    text.lines().map(|line| plain(line) + "\n").collect()
}

/// Control characters, and those that are invisible or change the direction of others.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' | '\u{fe00}'..='\u{fe0f}')
}

/// The pieces of a sentence: plain words, and what stands in backticks.
pub(crate) enum Piece<'a> {
    Words(&'a str),
    Code(&'a str),
}

/// Splits at backticks; a last one without its partner is a plain word.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, next)) = after.split_once('`') else {
            break;
        };
        pieces.push(Piece::Words(before));
        pieces.push(Piece::Code(code));
        rest = next;
    }
    pieces.push(Piece::Words(rest));
    pieces
}

/// Breaks a text at spaces into lines of at most this many characters.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn steering_characters_are_written_out_and_letters_stay() {
        assert_eq!(
            plain("a\u{1b}[2Jb\u{202e}c\r\n"),
            "a\\u{1b}[2Jb\\u{202e}c\\u{d} "
        );
        assert_eq!(plain("größer 明 ok"), "größer 明 ok");
    }
}
