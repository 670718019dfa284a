//! Names that a file system may take for one: whatever matches by letter matches folded, in every spelling.

use portcullis::activation::is_activation;
use portcullis::glob::PathPattern;
use portcullis::path::{RelPath, fold};

/// Letters that fold to another, to two, or to none.
const LETTERS: [&str; 8] = ["a", "A", "s", "ß", "ﬁ", "\u{ad}", "K", "é"];

/// Every text of one to three of these.
fn texts(of: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = vec![String::new()];
    for _ in 0..3 {
        let longer: Vec<String> =
            all.iter().flat_map(|head| of.iter().map(move |last| format!("{head}{last}"))).collect();
        all.extend(longer);
        all.sort_unstable();
        all.dedup();
    }
    all.retain(|text| !text.is_empty());
    all
}

#[test]
fn what_matches_by_letter_matches_folded() {
    let patterns = texts(&["a", "S", "?", "*", "ß", "s"]);
    let patterns: Vec<_> = patterns.iter().filter_map(|text| PathPattern::parse(text).ok()).collect();
    let paths: Vec<_> = texts(&LETTERS).iter().filter_map(|text| RelPath::parse(text).ok()).collect();
    assert!(patterns.len() > 150 && paths.len() > 500, "{} {}", patterns.len(), paths.len());
    for path in &paths {
        let plain = RelPath::parse(path.folded()).ok();
        for pattern in &patterns {
            let folded = pattern.matches_folded(path);
            assert!(folded || !pattern.matches(path), "{pattern} {path}");
            let is_plain = plain.as_ref().is_some_and(|plain| pattern.matches_folded(plain));
            assert!(folded || !is_plain, "{pattern} {path} folds to a match");
        }
    }
}

#[test]
fn folding_is_once_and_for_all() {
    for text in texts(&LETTERS) {
        let folded = fold(&text);
        assert_eq!(fold(&folded), folded, "{text}");
        assert_eq!(fold(&text.to_uppercase()), folded, "{text}");
        assert_eq!(RelPath::parse(&text).map(|path| path.folded().to_owned()), Ok(folded));
    }
}

#[test]
fn invisible_letters_hide_no_protected_name() {
    for range in [
        0xad..=0xad_u32,
        0x34f..=0x34f,
        0x61c..=0x61c,
        0x115f..=0x1160,
        0x17b4..=0x17b5,
        0x180b..=0x180f,
        0x200b..=0x200f,
        0x202a..=0x202e,
        0x2060..=0x206f,
        0x3164..=0x3164,
        0xfe00..=0xfe0f,
        0xfeff..=0xfeff,
        0xffa0..=0xffa0,
        0xfff0..=0xfff8,
        0x1_bca0..=0x1_bca3,
        0x1_d173..=0x1_d17a,
        0xe_0000..=0xe_0fff,
    ] {
        for c in [*range.start(), *range.end()].into_iter().filter_map(char::from_u32) {
            let path = RelPath::parse(&format!(".g{c}it/config")).unwrap();
            assert!(is_activation(&path).is_some(), "U+{:04X}", u32::from(c));
        }
    }
    for c in ['\u{ac}', '\u{ae}', '\u{2010}', '\u{2070}', '\u{e1000}', 'x'] {
        assert!(is_activation(&RelPath::parse(&format!(".g{c}it/config")).unwrap()).is_none(), "{c:?}");
    }
}
