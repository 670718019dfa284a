//! Finds a value of which any byte may be escaped: as JSON, HTML and URLs do it, in every mixture.

use zeroize::Zeroizing;

/// The longest character reference that is read: `&#x0000002B;`.
const MAX_REFERENCE_BYTES: usize = 12;
/// What an escape begins with.
const INTRODUCERS: &[u8; 3] = b"\\%&";

/// Named character references (HTML, 13.5) of what can stand in a value.
const NAMED: [(&str, u8); 29] = [
    ("amp", b'&'),
    ("apos", b'\''),
    ("ast", b'*'),
    ("bsol", b'\\'),
    ("colon", b':'),
    ("comma", b','),
    ("commat", b'@'),
    ("dollar", b'$'),
    ("equals", b'='),
    ("excl", b'!'),
    ("grave", b'`'),
    ("gt", b'>'),
    ("Hat", b'^'),
    ("lbrace", b'{'),
    ("lbrack", b'['),
    ("lowbar", b'_'),
    ("lpar", b'('),
    ("lt", b'<'),
    ("num", b'#'),
    ("percnt", b'%'),
    ("period", b'.'),
    ("plus", b'+'),
    ("quest", b'?'),
    ("quot", b'"'),
    ("rbrace", b'}'),
    ("rbrack", b']'),
    ("rpar", b')'),
    ("semi", b';'),
    ("sol", b'/'),
];

/// A value to find.
pub(super) struct Escaped {
    value: Zeroizing<Vec<u8>>,
}

/// How a text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// With what is looked for, in so many bytes.
    Whole(usize),
    /// With its beginning, at which the text ends.
    Begun,
    Other,
}

impl Escaped {
    pub(super) fn new(value: &[u8]) -> Self {
        Self {
            value: Zeroizing::new(value.to_vec()),
        }
    }

    /// Where the value stands next, and how many bytes it takes there.
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        self.candidates(text, from)
            .find_map(|at| match self.start(&text[at..]) {
                Start::Whole(length) => Some((at, length)),
                Start::Begun | Start::Other => None,
            })
    }

    /// How many bytes at the end could be the beginning of the value.
    pub(super) fn begun_at_end(&self, text: &[u8]) -> usize {
        let longest = self.value.len().saturating_mul(MAX_REFERENCE_BYTES);
        let from = text.len().saturating_sub(longest);
        let begun = |at: &usize| self.start(&text[*at..]) == Start::Begun;
        let first = self.candidates(text, from).find(begun);
        first.map_or(0, |at| text.len() - at)
    }

    /// Where the value could begin.
    fn candidates(&self, text: &[u8], from: usize) -> impl Iterator<Item = usize> {
        let is_introducer = |byte: u8| INTRODUCERS.contains(&byte);
        let fits = move |at: &usize| {
            let is = |at: usize, wanted: Option<&u8>| {
                text.get(at)
                    .is_none_or(|byte| Some(byte) == wanted || is_introducer(*byte))
            };
            is_introducer(text[*at])
                || is(*at, self.value.first()) && is(*at + 1, self.value.get(1))
        };
        (from..text.len()).filter(fits)
    }

    fn start(&self, text: &[u8]) -> Start {
        let mut is_begun = false;
        // A byte that introduces escapes can be read in two ways.
        let mut ends = vec![0];
        for byte in self.value.iter() {
            let mut next = Vec::with_capacity(1);
            for at in ends {
                for unit in [plain(&text[at..], *byte), escape(&text[at..], *byte)] {
                    match unit {
                        Start::Whole(length) if !next.contains(&(at + length)) => {
                            next.push(at + length);
                        }
                        Start::Begun => is_begun = true,
                        Start::Whole(_) | Start::Other => {}
                    }
                }
            }
            ends = next;
        }
        match ends.into_iter().max() {
            Some(length) => Start::Whole(length),
            None if is_begun => Start::Begun,
            None => Start::Other,
        }
    }
}

/// Whether the byte stands there as it is.
fn plain(text: &[u8], byte: u8) -> Start {
    match text.first() {
        None => Start::Begun,
        Some(first) if *first == byte => Start::Whole(1),
        Some(_) => Start::Other,
    }
}

/// Whether the byte stands there as an escape.
fn escape(text: &[u8], byte: u8) -> Start {
    match text.first() {
        Some(b'\\') => backslashed(text, byte),
        Some(b'%') => hexadecimal(text, 1, 2, byte),
        Some(b'&') => reference(text, byte),
        _ => Start::Other,
    }
}

/// As JSON and JavaScript have it, also where JSON stands in a string of JSON.
fn backslashed(text: &[u8], byte: u8) -> Start {
    if byte == b'\\' {
        return match text.get(1) {
            None => Start::Begun,
            Some(b'\\') => Start::Whole(2),
            Some(_) => in_digits(text, 1, byte),
        };
    }
    let before = text.iter().take_while(|own| **own == b'\\').count();
    in_digits(text, before, byte)
}

fn in_digits(text: &[u8], before: usize, byte: u8) -> Start {
    match text.get(before) {
        None => Start::Begun,
        Some(b'u') => hexadecimal(text, before + 1, 4, byte),
        Some(b'x') => hexadecimal(text, before + 1, 2, byte),
        Some(own) if *own == byte && !byte.is_ascii_alphanumeric() => Start::Whole(before + 1),
        Some(_) => Start::Other,
    }
}

/// So many digits after so many bytes.
fn hexadecimal(text: &[u8], before: usize, count: usize, byte: u8) -> Start {
    let digits = text[before..].iter().take(count);
    let value = digits.clone().try_fold(0, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value * 16 + digit)
    });
    match value {
        None => Start::Other,
        Some(_) if digits.len() < count => Start::Begun,
        Some(value) if value == u32::from(byte) => Start::Whole(before + count),
        Some(_) => Start::Other,
    }
}

/// As HTML has it.
fn reference(text: &[u8], byte: u8) -> Start {
    let window = &text[..text.len().min(MAX_REFERENCE_BYTES)];
    let is_part = |own: &&u8| own.is_ascii_alphanumeric() || **own == b'#';
    let name_bytes = window[1..].iter().take_while(is_part).count();
    let name = String::from_utf8_lossy(&window[1..=name_bytes]);
    match window.get(1 + name_bytes) {
        Some(b';') => {}
        None if text.len() < MAX_REFERENCE_BYTES => return Start::Begun,
        _ => return Start::Other,
    }
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
    let meant = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16),
            None => number(digits, 10),
        },
        None => {
            let named = NAMED.iter().find(|(own, _)| *own == name);
            named.map(|(_, byte)| u32::from(*byte))
        }
    };
    if meant == Some(u32::from(byte)) {
        Start::Whole(name_bytes + 2)
    } else {
        Start::Other
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    const SECRET: &[u8] = b"ab+c/d=e\"f&g\\h_<1>";

    #[test]
    fn a_value_is_found_in_every_escape_and_wherever_the_text_ends_it_is_begun() {
        for form in [
            r#"ab+c/d=e"f&g\h_<1>"#,
            r#"ab\u002Bc/d=e\"f\u0026g\\h_\u003c1\u003E"#,
            r#"ab\u002bc\/d\u003de\u0022f\u0026g\u005ch\u005f\u003c1\u003e"#,
            r#"\u0061\x62\x2Bc/d=e\x22f&g\\h_<1>"#,
            r#"ab\\u002Bc\\/d=e\\\"f&g\\h_<1>"#,
            "ab&#43;c/d=e&#34;f&amp;g\\h_&lt;1&gt;",
            "ab&#x2B;c&#x2F;d&#x3D;e&quot;f&amp;g&bsol;h&lowbar;&lt;1&#0062;",
            "ab%2Bc/d=e%22f&g%5Ch_%3C1%3e",
            "ab%2bc%2fd%3de%22f%26g%5ch%5f%3c1%3e",
        ] {
            let escaped = Escaped::new(SECRET);
            let text = format!("a ab %2 {form} b");
            assert_eq!(
                escaped.find(text.as_bytes(), 0),
                Some((8, form.len())),
                "{form}"
            );
            for end in 1..form.len() {
                let begun = &text.as_bytes()[..8 + end];
                assert_eq!(escaped.begun_at_end(begun), end, "{form} {end}");
            }
        }
    }

    #[test]
    fn what_is_not_the_value_is_let_alone() {
        let escaped = Escaped::new(SECRET);
        for other in [
            "ab+c/d=e\"f&g\\h_<1",
            "ab&#44;c/d=e\"f&g\\h_<1>",
            r#"ab\u002Cc/d=e"f&g\h_<1>"#,
            "ab%2Dc/d=e\"f&g\\h_<1>",
        ] {
            assert_eq!(escaped.find(other.as_bytes(), 0), None, "{other}");
        }
        assert_eq!(escaped.begun_at_end(b"data: {\"a\": \"&b\"}\n\n"), 0);
    }
}
