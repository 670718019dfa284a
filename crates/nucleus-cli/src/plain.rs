//! Text of others made safe for a terminal: nothing in it moves, colours, hides or reorders what a person reads.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The text with everything that is not plainly seen written as its number; tabs stay.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\t' || is_seen(c) {
            safe.push(c);
        } else {
            safe.extend(c.escape_unicode());
        }
    }
    safe
}

/// `1 change`, `2 changes`.
pub(crate) fn changes(count: u64) -> String {
    match count {
        1 => "1 change".to_owned(),
        more => format!("{more} changes"),
    }
}

/// Whether a person sees the character and it changes nothing about its neighbours.
///
/// Control, format, line and paragraph separators, private and unassigned
/// characters are not seen, nor is what Unicode says to ignore by default:
/// fillers, joiners, variation selectors, tags.
fn is_seen(c: char) -> bool {
    /// Without a picture of their own.
    const UNSEEN: GeneralCategoryGroup = GeneralCategoryGroup::Other
        .union(GeneralCategoryGroup::LineSeparator)
        .union(GeneralCategoryGroup::ParagraphSeparator);
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !UNSEEN.contains(category) && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_not_seen_is_written_as_its_number() {
        let hidden = [
            '\u{1b}',
            '\u{7f}',
            '\r',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{180e}',
            '\u{200b}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{e01ef}',
            '\u{e000}',
            '\u{10ffff}',
        ];
        for c in hidden {
            let found = plain(&format!("a{c}b"));
            assert_eq!(found, format!("a\\u{{{:x}}}b", c as u32));
        }
    }

    #[test]
    fn what_is_seen_stays() {
        let text = "fn größe(x: &str) -> \"naïve\"\t// 日本語 한국어 עברית e\u{301} 🦀 \\ '";
        assert_eq!(plain(text), text);
    }
}
