//! A badge: one word and one colour.

use super::{Report, WORST_FIRST};
use crate::model::Severity;

/// The badge as SVG; nothing in it comes from a scanned file.
#[must_use]
pub fn badge(report: &Report<'_>) -> String {
    let worst = WORST_FIRST
        .into_iter()
        .filter(|one| *one > Severity::Note)
        .find(|one| report.count(*one) > 0);
    let message = worst.map_or_else(
        || "clean".to_owned(),
        |one| format!("{} {one}", report.count(one)),
    );
    let colour = match worst {
        None => "#2e7d32",
        Some(Severity::Critical) => "#b71c1c",
        Some(Severity::High) => "#c75000",
        Some(_) => "#8a6d00",
    };
    let (left, right) = (width("nucleus audit"), width(&message));
    let total = left + right;
    let (middle_left, middle_right) = (left / 2, left + right / 2);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="nucleus audit: {message}">
<title>nucleus audit: {message}</title>
<clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#424242"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{middle_left}" y="14">nucleus audit</text><text x="{middle_right}" y="14">{message}</text></g>
</svg>
"##
    )
}

/// Pixels of a text at 11 px, wide enough for every letter used here.
fn width(text: &str) -> usize {
    text.len() * 7 + 12
}
