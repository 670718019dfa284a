//! Finds files by name.

use globset::{GlobBuilder, GlobMatcher};
use portcullis::path::RelPath;

use super::walk::{Ignored, Walk, Walked};
use crate::error::Error;

/// The most paths found at once.
pub const MAX_FOUND: usize = 5_000;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobQuery {
    /// `*` stays within a name, `**` crosses directories; a pattern without `/` matches names at any depth.
    pub pattern: String,
    /// Where to start.
    pub dir: RelPath,
    /// What to do with ignored files.
    pub ignored: Ignored,
}

/// Visits files that match, until the visitor says `false`.
///
/// # Errors
/// [`Error::Invalid`] for what is no pattern, and when the directory cannot be listed.
pub fn glob(walk: &mut Walk<'_>, query: &GlobQuery) -> Result<(Vec<RelPath>, Walked), Error> {
    let matcher = matcher(&query.pattern)?;
    let mut found = Vec::new();
    let walked = walk.files(&query.dir, &mut |path| {
        if is_match(&matcher, &query.dir, path) {
            found.push(path.clone());
        }
        found.len() < MAX_FOUND
    })?;
    Ok((found, walked))
}

/// A matcher of paths below a directory.
pub(super) fn matcher(pattern: &str) -> Result<GlobMatcher, Error> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let anchored = if pattern.contains('/') {
        pattern.to_owned()
    } else {
        format!("**/{pattern}")
    };
    GlobBuilder::new(anchored.trim_start_matches('/'))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| Error::Invalid(format!("not a glob pattern: {error}")))
}

/// Whether the path, as seen from the directory, matches.
pub(super) fn is_match(matcher: &GlobMatcher, dir: &RelPath, path: &RelPath) -> bool {
    let below = path
        .as_str()
        .strip_prefix(dir.as_str())
        .unwrap_or(path.as_str());
    matcher.is_match(below.trim_start_matches('/'))
}
