//! Finds files by name and by content, through the workspace view: blocked names and contents never show.

mod glob;
mod grep;
mod walk;

pub use glob::{GlobQuery, MAX_FOUND, glob};
pub use grep::{Case, GrepMatch, GrepQuery, MAX_LINE_CHARS, MAX_MATCHES, MAX_SEARCHED_BYTES, grep};
pub use walk::{Bounds, Ignored, Walk, Walked};
