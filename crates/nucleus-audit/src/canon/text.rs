//! The one spelling of a text: printable characters as they are, all else escaped.

use super::{Canon, Cursor, Syntax};

/// Whether a character is written as an escape.
///
/// Beside what JSON asks for these are all that could break a line, move a
/// terminal's cursor or turn the direction of text: control characters, line
/// and paragraph separators, direction marks, the byte order mark.
pub(crate) const fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '"'
            | '\\'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// The letter of a short escape.
const fn short_escape(character: char) -> Option<u8> {
    match character {
        '"' => Some(b'"'),
        '\\' => Some(b'\\'),
        '\n' => Some(b'n'),
        '\r' => Some(b'r'),
        '\t' => Some(b't'),
        _ => None,
    }
}

/// How many bytes from the front are plain ASCII.
fn plain_ascii(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| !matches!(byte, b' '..=b'~') || matches!(byte, b'"' | b'\\'))
        .unwrap_or(bytes.len())
}

/// Appends the spelling of a text, quotes included.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while !rest.is_empty() {
        let plain = plain_ascii(rest.as_bytes());
        let (head, tail) = rest.split_at(plain);
        out.extend_from_slice(head.as_bytes());
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            put_character(character, out);
        }
        rest = characters.as_str();
    }
    out.push(b'"');
}

fn put_character(character: char, out: &mut Vec<u8>) {
    if !is_escaped(character) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else if let Some(letter) = short_escape(character) {
        out.extend_from_slice(&[b'\\', letter]);
    } else {
        let code = u32::from(character);
        out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            out.push(HEX[(code >> shift & 0xf) as usize]);
        }
    }
}

/// The digits of lower-case hex.
pub(super) const HEX: &[u8; 16] = b"0123456789abcdef";

/// Reads one escape after its backslash.
fn take_escape(input: &mut Cursor<'_>) -> Result<char, Syntax> {
    let short = match input.rest().first() {
        Some(b'"') => Some('"'),
        Some(b'\\') => Some('\\'),
        Some(b'n') => Some('\n'),
        Some(b'r') => Some('\r'),
        Some(b't') => Some('\t'),
        _ => None,
    };
    if let Some(character) = short {
        input.advance(1);
        return Ok(character);
    }
    let digits = input.rest().get(1..5).unwrap_or_default();
    let is_lower = digits
        .iter()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let code = core::str::from_utf8(digits)
        .ok()
        .filter(|_| is_lower && input.rest().starts_with(b"u"))
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32)
        .filter(|character| is_escaped(*character) && short_escape(*character).is_none());
    match code {
        Some(character) => {
            input.advance(5);
            Ok(character)
        }
        None => input.fail("an escape"),
    }
}

impl Canon for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(input: &mut Cursor<'_>) -> Result<Self, Syntax> {
        let mut text = Self::new();
        input.expect("\"")?;
        loop {
            let rest = input.rest();
            let plain = plain_ascii(rest);
            // Bytes of plain ASCII are text.
            text.push_str(core::str::from_utf8(&rest[..plain]).unwrap_or_default());
            input.advance(plain);
            if input.accept("\"") {
                return Ok(text);
            }
            if input.accept("\\") {
                text.push(take_escape(input)?);
            } else {
                text.push(take_character(input)?);
            }
        }
    }
}

/// Reads one character outside ASCII that is not written as an escape.
fn take_character(input: &mut Cursor<'_>) -> Result<char, Syntax> {
    let rest = input.rest();
    let head = rest.get(..rest.len().min(4)).unwrap_or_default();
    let valid = match core::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => core::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default(),
    };
    match valid
        .chars()
        .next()
        .filter(|character| !is_escaped(*character))
    {
        Some(character) => {
            input.advance(character.len_utf8());
            Ok(character)
        }
        None => input.fail("a printable character"),
    }
}
