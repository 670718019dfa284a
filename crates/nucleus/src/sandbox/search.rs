//! Finds files by name and by content.

use nucleus_audit::Effect;
use portcullis::path::RelPath;
use portcullis::request::{Content, Subject};
use portcullis::{Amount, Exposure, Operation};

use super::Sandbox;
use crate::error::Error;
use crate::monitor::{Terms, cut};
use crate::search::{Bounds, GlobQuery, GrepMatch, GrepQuery, Walk, Walked, glob, grep};

/// Files found by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobFound {
    /// In the order of a walk.
    pub paths: Vec<RelPath>,
    /// Whether a bound ended the search.
    pub is_cut: bool,
}

/// Lines found by content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrepFound {
    /// In the order of a walk.
    pub matches: Vec<GrepMatch>,
    /// Whether a bound ended the search.
    pub is_cut: bool,
}

impl Sandbox {
    /// Finds files by name.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for what is no pattern.
    pub fn glob(&self, query: &GlobQuery) -> Result<GlobFound, Error> {
        let asked = Asked {
            operation: Operation::GlobSearch,
            dir: &query.dir,
            text: &query.pattern,
        };
        let (paths, walked) = self.searched(&asked, || {
            let envelope = self.monitor.envelope();
            glob(
                &mut Walk::new(&*self.view, &envelope, query.ignored, Bounds::default()),
                query,
            )
        })?;
        self.hand_out(&asked, paths.iter())?;
        Ok(GlobFound {
            paths,
            is_cut: walked == Walked::Part,
        })
    }

    /// Finds lines by content.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] for what is no pattern.
    pub fn grep(&self, query: &GrepQuery) -> Result<GrepFound, Error> {
        let asked = Asked {
            operation: Operation::GrepSearch,
            dir: &query.path,
            text: &query.pattern,
        };
        let (matches, walked) = self.searched(&asked, || {
            let envelope = self.monitor.envelope();
            let mut walk = Walk::new(&*self.view, &envelope, query.ignored, Bounds::default());
            grep(&*self.view, &mut walk, query)
        })?;
        self.hand_out(&asked, matches.iter().map(|found| &found.path))?;
        Ok(GrepFound {
            matches,
            is_cut: walked == Walked::Part,
        })
    }

    /// Judges the search, runs it and records how it went.
    fn searched<T>(
        &self,
        asked: &Asked<'_>,
        run: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = self
            .monitor
            .request(asked.operation, Subject::Path(asked.dir.clone()))
            .content(Content::Inline(asked.text.as_bytes().into()))
            .build();
        let admitted = self.monitor.admit_on(&request, &Terms::read())?;
        let found = run();
        let why = found.as_ref().err().map(ToString::to_string);
        admitted.ticket.finish(
            why.as_deref().map_or(Effect::Done, Effect::Failed),
            Amount::ZERO,
        )?;
        found
    }

    /// Exposes the session to the labels of what was found, before it is handed out.
    fn hand_out<'a>(
        &self,
        asked: &Asked<'_>,
        found: impl Iterator<Item = &'a RelPath>,
    ) -> Result<(), Error> {
        let mut labels = Exposure::NONE;
        let mut last = None;
        for path in found {
            if last != Some(path) {
                labels = labels.join(self.view.carried(path));
            }
            last = Some(path);
        }
        let why = format!("searched `{}` for `{}`", asked.dir, cut(asked.text));
        Ok(self.monitor.expose_buffered(labels, &why)?)
    }
}

/// What a search is judged by.
struct Asked<'a> {
    operation: Operation,
    dir: &'a RelPath,
    text: &'a str,
}
