//! An exact version from a lock file takes the place of none.

use std::sync::Arc;

use crate::launch::{Registry, npm_spec};
use crate::model::{Edit, Evidence};
use crate::read::SourceFile;
use crate::rules::Surroundings;

/// The rewrite that pins what stands at a piece of evidence, if a lock file knows its version.
pub(crate) fn pin(
    file: &SourceFile,
    evidence: &Evidence,
    surroundings: &Surroundings,
) -> Option<Edit> {
    let span = evidence.place.span;
    let raw = file.text.get(span.start..span.end)?;
    let quoted = raw.len() >= 2 && raw.starts_with(['"', '\'']) && raw.ends_with(['"', '\'']);
    let (start, text) = if quoted {
        (span.start + 1, &raw[1..raw.len() - 1])
    } else {
        (span.start, raw)
    };
    let pinned = npm(text, surroundings).or_else(|| python(text, surroundings))?;
    Some(Edit {
        file: Arc::clone(&file.name),
        span: (start..start + text.len()).into(),
        replacement: pinned,
    })
}

fn npm(text: &str, surroundings: &Surroundings) -> Option<String> {
    let package = npm_spec(text)?;
    let version = surroundings.locked(Registry::Npm, &package.name)?;
    Some(format!("{}@{version}", package.name))
}

fn python(text: &str, surroundings: &Surroundings) -> Option<String> {
    let name = text.split(['=', '<', '>', '~', '!', '@', '[']).next()?;
    let version = surroundings.locked(Registry::PyPi, name)?;
    Some(format!("{name}=={version}"))
}
