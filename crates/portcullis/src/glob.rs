//! Matches workspace paths against small glob patterns in polynomial time, without allocation.
//!
//! The rules are those of `.gitignore` as far as they go:
//! - `*` is any run of characters and `?` any one character of a segment; `**` as a whole segment is any
//!   number of segments, none included;
//! - a pattern without an inner or leading `/` matches at any depth, any other is anchored at the workspace;
//! - what matches a directory matches everything below it. A trailing `/` therefore adds nothing, and
//!   **`src/**` matches `src` itself too**;
//! - `name!(a|b)` at the end of a segment is every name that starts with `name` and does not go on as exactly
//!   `a` or `b` (from ksh): `.env.!(example)`.
//!
//! Character classes, braces, `\` and a leading `!` are errors, never literals: a blocked pattern that means
//! less than its author thought would be a hole. `?` stands for a literal bracket.

use crate::named::text_error;
use crate::path::{RelPath, fold};
use portcullis_text::table;
use std::fmt;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// Longest pattern in bytes; with the bound on paths it bounds the work of one match.
pub const MAX_PATTERN_BYTES: usize = 1024;

/// Names a set of workspace paths.
///
/// Equal patterns have equal canonical text, and `parse(p.as_str()) == p`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    text: String,
    exact: Vec<Segment>,
    folded: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    /// `**`: any number of segments.
    Deep,
    Literal(String),
    /// `*` and then this.
    Tail(String),
    /// Any other name with `*` or `?`.
    Wild(String),
    /// A prefix, then anything but exactly one of these.
    Except(String, Vec<String>),
}

text_error! {
    /// Refuses a pattern: what is wrong with it and what to write instead.
    PatternError("pattern ")
}

impl PathPattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// [`PatternError`] for text that has no meaning here or could be read in two ways.
    #[inline]
    pub fn parse(pattern: &str) -> Result<Self, PatternError> {
        let fail = |why| PatternError::new(pattern, why);
        let composed: String = pattern.nfc().collect();
        if pattern.len().max(composed.len()) > MAX_PATTERN_BYTES {
            return Err(fail("is longer than 1024 bytes"));
        }
        let anchored = composed.starts_with('/');
        let body = composed.strip_prefix('/').unwrap_or(&composed);
        let body = body.strip_suffix('/').unwrap_or(body);
        let mut exact: Vec<Segment> = body.split('/').map(parse_segment).collect::<Result<_, _>>().map_err(fail)?;
        if !anchored && !body.contains('/') {
            exact.insert(0, Segment::Deep);
        }
        exact.push(Segment::Deep);
        exact.dedup_by(|next, one| *next == Segment::Deep && *one == Segment::Deep);
        let text = canonical_text(&exact);
        // Also behind the `/` or `**/` that the canonical text may not keep.
        if text.trim_start_matches('/').starts_with('!') {
            return Err(fail("starts with `!`: there is no negation, list what is meant"));
        }
        let folded = exact.iter().map(Segment::folded).collect();
        Ok(Self { text, exact, folded })
    }

    /// The canonical text.
    #[inline]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path, letter for letter, is in the set: for what is listed.
    #[inline]
    pub fn matches(&self, path: &RelPath) -> bool {
        match_segments(&self.exact, path.as_str())
    }

    /// Whether the path is in the set when case and invisible characters are ignored: for what is blocked or
    /// protected. Holds whenever [`PathPattern::matches`] does.
    #[inline]
    pub fn matches_folded(&self, path: &RelPath) -> bool {
        // Folding may change the number of characters, which `?` counts; then both readings are tried.
        match_segments(&self.folded, path.folded())
            || (path.is_unfolded() && match_segments(&self.exact, path.as_str()))
    }

    /// Whether the name alone puts a path in the set, for patterns of one name at any depth.
    pub(crate) fn matches_folded_name(&self, name: &str) -> bool {
        matches!(self.folded.as_slice(), [Segment::Deep, own, Segment::Deep] if own.matches(name))
    }

    /// A literal name that every match has, if it has any: for finding it by that name.
    pub(crate) fn folded_literal(&self) -> Option<&String> {
        self.folded.iter().find_map(Segment::literal)
    }

    /// Whether every path `other` matches is certainly matched by this pattern. Sound, not complete: it may
    /// answer no where yes is true.
    #[inline]
    pub fn covers(&self, other: &Self) -> bool {
        if self == other || self.exact == [Segment::Deep] {
            return true;
        }
        let before = &other.exact[..other.exact.len() - 1];
        let names: Option<Vec<_>> = before.iter().map(|segment| segment.literal().cloned()).collect();
        names.is_some_and(|names| match_segments(&self.exact, &names.join("/")))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn literal(&self) -> Option<&String> {
        match self {
            Self::Literal(name) => Some(name),
            _ => None,
        }
    }

    fn folded(&self) -> Self {
        match self {
            Self::Deep => Self::Deep,
            Self::Literal(name) => Self::Literal(fold(name)),
            Self::Tail(name) => Self::Tail(fold(name)),
            Self::Wild(name) => Self::Wild(fold(name)),
            Self::Except(prefix, not) => Self::Except(fold(prefix), not.iter().map(|n| fold(n)).collect()),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Deep => false,
            Self::Literal(literal) => literal == name,
            Self::Tail(tail) => name.ends_with(tail.as_str()),
            Self::Wild(pattern) => {
                match_stars(pattern.chars(), name.chars(), |w| *w == '*', |w, c| *w == '?' || w == c)
            }
            Self::Except(prefix, not) => {
                name.strip_prefix(prefix.as_str()).is_some_and(|rest| !not.iter().any(|n| n == rest))
            }
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deep => f.write_str("**"),
            Self::Literal(name) | Self::Wild(name) => f.write_str(name),
            Self::Tail(tail) => write!(f, "*{tail}"),
            Self::Except(prefix, not) => write!(f, "{prefix}!({})", not.join("|")),
        }
    }
}

pub(crate) fn parse_segment(name: &str) -> Result<Segment, &'static str> {
    let (prefix, not) = match name.strip_suffix(')').and_then(|rest| rest.split_once("!(")) {
        Some((prefix, not)) => (prefix, Some(not)),
        None => (name, None),
    };
    let is_wild = |text: &str| text.contains(['*', '?']);
    if format!("{prefix}{}", not.unwrap_or_default()).contains(is_odd) {
        return Err("has one of `[ ] { } \\ :` or a control character: write several patterns, or `?`");
    }
    match (prefix, not) {
        (prefix, Some(not)) if [prefix, not].iter().any(|part| is_wild(part) || part.contains(['(', ')'])) => {
            Err("has a wildcard beside `!(…)`")
        }
        (prefix, Some(not)) => Ok(Segment::Except(prefix.to_owned(), not.split('|').map(str::to_owned).collect())),
        ("" | "." | "..", None) => Err("is empty or has an empty, `.` or `..` segment; `**` is everything"),
        ("**", None) => Ok(Segment::Deep),
        (name, None) if name.contains("**") => Err("has `**` beside other characters of a segment"),
        (name, None) => Ok(match name.strip_prefix('*') {
            Some(tail) if !is_wild(tail) => Segment::Tail(tail.to_owned()),
            _ if is_wild(name) => Segment::Wild(name.to_owned()),
            _ => Segment::Literal(name.to_owned()),
        }),
    }
}

/// What has another meaning in other pattern languages, or none in a path.
fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '[' | ']' | '{' | '}' | '\\' | ':')
}

/// The shortest text that parses to these segments.
fn canonical_text(segments: &[Segment]) -> String {
    match segments {
        [Segment::Deep] => "**".to_owned(),
        [Segment::Deep, name, Segment::Deep] => name.to_string(),
        [name, Segment::Deep] => format!("/{name}"),
        [names @ .., _] => names.iter().map(Segment::to_string).collect::<Vec<_>>().join("/"),
        [] => String::new(),
    }
}

/// Matches all of a path.
pub(crate) fn match_segments(pattern: &[Segment], path: &str) -> bool {
    let mut names = path.split('/').filter(|name| !name.is_empty());
    match pattern {
        // The most frequent form, without a point of return.
        [Segment::Deep, name, Segment::Deep] => *name == Segment::Deep || names.any(|own| name.matches(own)),
        _ => match_stars(pattern.iter(), names, |one| **one == Segment::Deep, |one, own| one.matches(own)),
    }
}

/// Matches all of a text against a pattern in which a star stands for any run. A later star makes it safe to
/// forget the choices of an earlier one, so one point of return is enough and the work is at most pattern times
/// text.
pub(crate) fn match_stars<P: Iterator + Clone, T: Iterator + Clone>(
    mut pattern: P,
    mut text: T,
    is_star: impl Fn(&P::Item) -> bool,
    fits: impl Fn(&P::Item, &T::Item) -> bool,
) -> bool {
    let mut retry: Option<(P, T)> = None;
    loop {
        let before = text.clone();
        match (pattern.next(), text.next()) {
            (Some(one), _) if is_star(&one) => {
                if pattern.clone().next().is_none() {
                    return true;
                }
                retry = Some((pattern.clone(), before.clone()));
                text = before;
            }
            (Some(one), Some(own)) if fits(&one, &own) => {}
            (None, None) => return true,
            _ => {
                let Some((after, from)) = &mut retry else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
            }
        }
    }
}

/// The shipped list of credential files, as pattern texts: what the default path scope blocks, at any depth.
///
/// `.npmrc` is among them although projects use it for settings too, because it is where registry tokens live;
/// a profile that needs it readable writes its own `blocked` list.
#[inline]
pub fn default_credentials() -> &'static [&'static str] {
    &CREDENTIALS
}

static CREDENTIALS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| table::words(include_str!("data/credentials.txt")).map(|(_, pattern)| pattern).collect());
