//! Colour for people: off where `NO_COLOR` says so or where nobody looks at a terminal.

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

/// What worked or is present.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What was refused or is missing.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What asks for attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What can be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Headings and names.
pub(crate) const BOLD: Style = Style::new().bold();

/// Settles once whether colour is written.
pub(crate) fn start(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// The text in that style, and plain again after it.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
