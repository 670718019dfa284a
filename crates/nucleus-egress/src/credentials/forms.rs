//! The forms in which a text is found again: itself, escaped, and as base64 and hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use zeroize::Zeroizing;

use super::escaped::Escaped;

/// The shortest form that is looked for: shorter ones stand in texts by chance.
const MIN_FORM_BYTES: usize = 8;

/// Texts to find, and what stands for each.
pub(crate) struct Forms {
    needles: Vec<Zeroizing<Vec<u8>>>,
    escaped: Option<Escaped>,
    instead: Vec<u8>,
}

impl std::fmt::Debug for Forms {
    /// Their number alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forms")
            .field("needles", &self.needles.len())
            .finish_non_exhaustive()
    }
}

impl Forms {
    /// Everything that a value is found as in answers.
    pub(super) fn of_secret(value: &[u8], placeholder: &str) -> Self {
        let mut needles = vec![
            Zeroizing::new(value.to_vec()),
            hexadecimal(value, b"0123456789ABCDEF"),
            hexadecimal(value, b"0123456789abcdef"),
        ];
        needles.extend(encoded(value));
        Self {
            escaped: Some(Escaped::new(value)),
            ..Self::new(needles, placeholder)
        }
    }

    /// Everything that a placeholder is found as in requests; percent-encoding is undone before.
    pub(super) fn of_placeholder(placeholder: &str) -> Self {
        let mut needles = vec![Zeroizing::new(placeholder.as_bytes().to_vec())];
        needles.extend(encoded(placeholder.as_bytes()));
        Self::new(needles, placeholder)
    }

    fn new(mut needles: Vec<Zeroizing<Vec<u8>>>, placeholder: &str) -> Self {
        needles.retain(|needle| needle.len() >= MIN_FORM_BYTES);
        // The longer first, so that a form is taken whole.
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self {
            needles,
            escaped: None,
            instead: placeholder.as_bytes().to_vec(),
        }
    }

    /// Whether any form stands in the text.
    pub(crate) fn are_in(&self, text: &[u8]) -> bool {
        self.needles
            .iter()
            .any(|needle| memmem::find(text, needle).is_some())
            || self.next_escaped(text, 0).is_some()
    }

    fn next_escaped(&self, text: &[u8], from: usize) -> Option<(usize, usize)> {
        self.escaped.as_ref()?.find(text, from)
    }

    /// Whether any form stands in the text when case is not regarded.
    pub(super) fn are_in_folded(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.needles
            .iter()
            .any(|needle| memmem::find(text.as_bytes(), &needle.to_ascii_lowercase()).is_some())
    }

    /// The text with the placeholder in place of every form; the text itself where there is none.
    pub(super) fn replaced(&self, text: Vec<u8>) -> Vec<u8> {
        let text = self.needles.iter().fold(text, |text, needle| {
            let finder = memmem::Finder::new(needle.as_slice());
            if finder.find(&text).is_none() {
                return text;
            }
            let text = Zeroizing::new(text);
            let mut clean = Vec::with_capacity(text.len());
            let mut from = 0;
            for at in finder.find_iter(&text) {
                clean.extend_from_slice(&text[from..at]);
                clean.extend_from_slice(&self.instead);
                from = at + needle.len();
            }
            clean.extend_from_slice(&text[from..]);
            clean
        });
        self.without_escaped(text)
    }

    fn without_escaped(&self, text: Vec<u8>) -> Vec<u8> {
        let Some(mut next) = self.next_escaped(&text, 0) else {
            return text;
        };
        let text = Zeroizing::new(text);
        let mut clean = Vec::with_capacity(text.len());
        let mut from = 0;
        loop {
            let (at, length) = next;
            clean.extend_from_slice(&text[from..at]);
            clean.extend_from_slice(&self.instead);
            from = at + length;
            match self.next_escaped(&text, from) {
                Some(another) => next = another,
                None => break,
            }
        }
        clean.extend_from_slice(&text[from..]);
        clean
    }

    /// How many bytes at the end could be the beginning of a form.
    pub(crate) fn begun_at_end(&self, text: &[u8]) -> usize {
        let begun = |needle: &Zeroizing<Vec<u8>>| {
            let from = text.len().saturating_sub(needle.len() - 1);
            let mut at = from;
            while let Some(next) = memchr::memchr(needle[0], &text[at..]) {
                at += next;
                if needle.starts_with(&text[at..]) {
                    return text.len() - at;
                }
                at += 1;
            }
            0
        };
        let of_escaped = self.escaped.as_ref().map(|own| own.begun_at_end(text));
        let all = self.needles.iter().map(begun).chain(of_escaped);
        all.max().unwrap_or(0)
    }
}

/// Base64 of a text within another one, at each of the three places that it can begin at.
///
/// The letters at its ends hold bits of its neighbours too and are left out: **up to two bytes at either end stay**.
fn encoded(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all = Vec::new();
    for (before, shared) in [(0, 0), (1, 2), (2, 3)] {
        let mut text = Zeroizing::new(vec![0; before]);
        text.extend_from_slice(value);
        let is_shared_end = text.len() % 3 != 0;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let whole = Zeroizing::new(engine.encode(&*text));
            let end = whole.len() - usize::from(is_shared_end);
            all.push(Zeroizing::new(whole.as_bytes()[shared..end].to_vec()));
        }
    }
    all
}

fn hexadecimal(value: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let pairs = value.iter().flat_map(|byte| pair(*byte, digits));
    Zeroizing::new(pairs.collect())
}

fn pair(byte: u8, digits: &[u8; 16]) -> [u8; 2] {
    [
        digits[usize::from(byte >> 4)],
        digits[usize::from(byte & 15)],
    ]
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::Forms;

    const SECRET: &str = "s3cr3t/of+\"mine\"-0123456789";

    #[test]
    fn every_form_of_a_secret_is_replaced_and_its_surroundings_stay() {
        let forms = Forms::of_secret(SECRET.as_bytes(), "PLACEHOLDER");
        let clean =
            |text: &str| String::from_utf8(forms.replaced(text.as_bytes().to_vec())).unwrap();
        assert_eq!(clean(&format!("a {SECRET} b")), "a PLACEHOLDER b");
        assert_eq!(
            clean(&format!("{SECRET}{SECRET}")),
            "PLACEHOLDERPLACEHOLDER"
        );
        let json = serde_json::to_string(SECRET).unwrap();
        for form in [
            json.trim_matches('"').to_owned() + "!",
            json.replace('/', "\\/"),
            "s3cr3t%2Fof%2B%22mine%22-0123456789".to_owned(),
            "s3cr3t%2fof%2b%22mine%22-0123456789".to_owned(),
        ] {
            assert!(clean(&form).contains("PLACEHOLDER"), "{form}");
        }
        for user in ["", "u", "us", "user:", "x-access-token:"] {
            let basic = STANDARD.encode(format!("{user}{SECRET}@host"));
            assert!(clean(&basic).contains("PLACEHOLDER"), "{user}");
        }
        let other = "nothing of it: s3cr3t/of+";
        assert_eq!(clean(other), other);
    }

    #[test]
    fn a_form_that_begins_at_the_end_is_told() {
        let forms = Forms::of_secret(SECRET.as_bytes(), "PLACEHOLDER");
        assert_eq!(forms.begun_at_end(b"nothing!"), 0);
        assert_eq!(
            forms.begun_at_end(format!("ab{}", &SECRET[..9]).as_bytes()),
            9
        );
        assert_eq!(
            forms.begun_at_end(&SECRET.as_bytes()[..SECRET.len() - 1]),
            SECRET.len() - 1
        );
    }
}
