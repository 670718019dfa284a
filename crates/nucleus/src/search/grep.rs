//! Finds lines by content.

use std::io::Read as _;

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::sinks::Lossy;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use portcullis::path::RelPath;

use super::glob::{is_match, matcher};
use super::walk::{Ignored, Walk, Walked};
use crate::error::Error;
use crate::workspace::{EntryType, WorkspaceView};

/// The most lines found at once.
pub const MAX_MATCHES: usize = 2_000;
/// The most characters shown of one line.
pub const MAX_LINE_CHARS: usize = 500;
/// The largest file that is searched.
pub const MAX_SEARCHED_BYTES: u64 = 16 << 20;
/// The largest automaton of a pattern: what ripgrep grants by default.
const MAX_AUTOMATON_BYTES: usize = 100 << 20;

/// How letters compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Case {
    /// As written.
    #[default]
    Sensitive,
    /// Upper and lower case are the same.
    Insensitive,
}

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrepQuery {
    /// A regular expression of the `regex` crate, matched within lines.
    pub pattern: String,
    /// A directory, or one file.
    pub path: RelPath,
    /// Only files that match this glob.
    pub glob: Option<String>,
    /// How letters compare.
    pub case: Case,
    /// What to do with ignored files.
    pub ignored: Ignored,
}

/// One line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrepMatch {
    /// The file.
    pub path: RelPath,
    /// The line, counted from 1.
    pub line: u64,
    /// Its text without its end, cut.
    pub text: String,
}

/// Searches one file or all below a directory.
///
/// # Errors
/// [`Error::Invalid`] for what is no pattern, and when the start cannot be read.
pub fn grep(
    view: &dyn WorkspaceView,
    walk: &mut Walk<'_>,
    query: &GrepQuery,
) -> Result<(Vec<GrepMatch>, Walked), Error> {
    let only = query.glob.as_deref().map(matcher).transpose()?;
    let mut search = Search::new(view, query)?;
    if !query.path.is_root() && view.metadata(&query.path)?.kind == EntryType::File {
        search.file(&query.path);
        let walked = if search.is_full() {
            Walked::Part
        } else {
            Walked::All
        };
        return Ok((search.found, walked));
    }
    let walked = walk.files(&query.path, &mut |path| {
        if only
            .as_ref()
            .is_none_or(|only| is_match(only, &query.path, path))
        {
            search.file(path);
        }
        !search.is_full()
    })?;
    Ok((search.found, walked))
}

struct Search<'a> {
    view: &'a dyn WorkspaceView,
    matcher: RegexMatcher,
    searcher: Searcher,
    found: Vec<GrepMatch>,
}

impl<'a> Search<'a> {
    fn new(view: &'a dyn WorkspaceView, query: &GrepQuery) -> Result<Self, Error> {
        let matcher = RegexMatcherBuilder::new()
            .case_insensitive(query.case == Case::Insensitive)
            .size_limit(MAX_AUTOMATON_BYTES)
            .build(&query.pattern)
            .map_err(|error| Error::Invalid(format!("not a regular expression: {error}")))?;
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .line_number(true)
            .build();
        Ok(Self {
            view,
            matcher,
            searcher,
            found: Vec::new(),
        })
    }

    fn is_full(&self) -> bool {
        self.found.len() >= MAX_MATCHES
    }

    /// Searches one file; one that cannot be opened is left out.
    fn file(&mut self, path: &RelPath) {
        let Ok(opened) = self.view.open_read(path) else {
            return;
        };
        if opened.metadata.len_bytes > MAX_SEARCHED_BYTES {
            return;
        }
        let found = &mut self.found;
        let sink = Lossy(|line, text| {
            let text = text
                .trim_end_matches(['\n', '\r'])
                .chars()
                .take(MAX_LINE_CHARS)
                .collect();
            found.push(GrepMatch {
                path: path.clone(),
                line,
                text,
            });
            Ok(found.len() < MAX_MATCHES)
        });
        let reader = opened.file.take(MAX_SEARCHED_BYTES);
        // A file that fails to be read has shown what it could.
        let _ = self.searcher.search_reader(&self.matcher, reader, sink);
    }
}
