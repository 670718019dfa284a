//! Characters nobody sees in texts an agent obeys.

use crate::read::SourceFile;

use super::report::{Report, shown_at};
use super::table::HIDDEN_UNICODE;

/// Scattered zero-width characters between letters that are still a slip of the keyboard.
const STRAY: usize = 12;

/// Judges a whole text.
pub(super) fn judge(file: &SourceFile, report: &mut Report<'_>) {
    let mut found = Vec::new();
    let mut scattered: Vec<(usize, char)> = Vec::new();
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        let chars: Vec<(usize, char)> = line
            .char_indices()
            .map(|(at, c)| (offset + at, c))
            .collect();
        let right_to_left = chars.iter().any(|(_, c)| is_right_to_left(*c));
        runs(&chars, right_to_left, &mut found, &mut scattered);
        offset += line.len();
    }
    if scattered.len() > STRAY {
        found.extend(scattered.first().map(|(at, c)| (*at, *c, scattered.len())));
    }
    found.sort_unstable();
    let evidence = found.into_iter().take(20).map(|(at, c, count)| {
        let place = file.place(at..at + c.len_utf8(), "");
        shown_at(
            place,
            &format!(
                "{count} invisible character(s), the first U+{:04X}",
                u32::from(c)
            ),
        )
    });
    report.add(
        HIDDEN_UNICODE,
        None,
        "the text holds characters that are not shown",
        evidence.collect(),
    );
}

/// Runs of invisible characters of one line that carry text, and single ones that may.
fn runs(
    chars: &[(usize, char)],
    right_to_left: bool,
    found: &mut Vec<(usize, char, usize)>,
    scattered: &mut Vec<(usize, char)>,
) {
    let mut nth = 0;
    while nth < chars.len() {
        let length = chars[nth..]
            .iter()
            .take_while(|(_, c)| is_invisible(*c))
            .count();
        if length == 0 {
            nth += 1;
            continue;
        }
        let run = &chars[nth..nth + length];
        let before = nth.checked_sub(1).map(|at| chars[at].1);
        let after = chars.get(nth + length).map(|(_, c)| *c);
        if carries_text(run, before, right_to_left) {
            found.push((run[0].0, run[0].1, length));
        } else if before.is_some_and(|c| c.is_ascii_alphanumeric())
            && after.is_some_and(|c| c.is_ascii_alphanumeric())
        {
            scattered.extend(run);
        }
        nth += length;
    }
}

fn carries_text(run: &[(usize, char)], before: Option<char>, right_to_left: bool) -> bool {
    let tags = run.iter().filter(|(_, c)| is_tag(*c)).count();
    let flag = before == Some('\u{1F3F4}') && tags <= 7;
    let bidi = run.iter().any(|(_, c)| is_bidi_control(*c));
    let selectors = run
        .iter()
        .filter(|(_, c)| ('\u{E0100}'..='\u{E01EF}').contains(c))
        .count();
    let zero_width = run.iter().filter(|(_, c)| is_zero_width(*c)).count();
    (tags > 0 && !flag) || (bidi && !right_to_left) || selectors > 1 || zero_width > 3
}

fn is_invisible(c: char) -> bool {
    is_tag(c) || is_bidi_control(c) || is_zero_width(c) || ('\u{E0100}'..='\u{E01EF}').contains(&c)
}

fn is_tag(c: char) -> bool {
    ('\u{E0000}'..='\u{E007F}').contains(&c)
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{180E}' | '\u{00AD}')
}

/// Letters of Hebrew, Arabic and their neighbours, whose writers need direction marks.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
}
