//! Opens one file, within its root and the limits.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Root;
use crate::discover::{Candidate, FileKind, Known, settle, sniff};
use crate::model::{Broken, FileName, Finding};
use crate::read::{LineIndex, MAX_FILE_BYTES, SourceFile, read_text};
use crate::rules::{Report, UNREADABLE_CONFIG, mentions_agents};

/// What came of a file.
pub(super) enum Loaded {
    File(Box<SourceFile>),
    Broken(Broken, Box<Finding>),
    /// Seen before, or of no interest.
    Nothing,
}

/// Where the file really is, if that is beneath its root and it was not seen before.
pub(super) fn real(root: &Root, file: &Candidate, seen: &mut HashSet<PathBuf>) -> Option<PathBuf> {
    let path = root.path.join(&file.relative);
    let real = if file.is_link {
        path.canonicalize().ok()?
    } else {
        path
    };
    (real.starts_with(&root.path) && seen.insert(real.clone())).then_some(real)
}

/// Loads a file from where it really is.
pub(super) fn load(root: &Root, relative: &Path, known: Option<Known>, real: &Path) -> Loaded {
    let name = slashed(relative);
    let file = file_name(root, relative);
    let text = match read(real) {
        Ok(text) => text,
        Err(why) => {
            let known = known.filter(|known| is_wanted(*known, real));
            return known.map_or(Loaded::Nothing, |known| broken(root, file, known, why));
        }
    };
    let Some(known) = known
        .or_else(|| sniff(&name, &text))
        .and_then(|known| settle(known, &text))
    else {
        return Loaded::Nothing;
    };
    let document = known.syntax.map(|syntax| read_text(&text, syntax));
    Loaded::File(Box::new(source(root, file, known, text, document)))
}

fn slashed(relative: &Path) -> String {
    relative.to_string_lossy().replace('\\', "/")
}

/// The name of a file of a root.
pub(super) fn file_name(root: &Root, relative: &Path) -> Arc<FileName> {
    Arc::new(FileName {
        path: root.path.join(relative),
        shown: format!("{}{}", root.prefix, slashed(relative)),
    })
}

fn source(
    root: &Root,
    name: Arc<FileName>,
    known: Known,
    text: String,
    document: Option<crate::read::Document>,
) -> SourceFile {
    SourceFile {
        lines: LineIndex::new(&text),
        text,
        kind: known.kind,
        client: known.client,
        scope: known.scope.unwrap_or(root.scope),
        root: root.path.clone(),
        root_shown: root
            .part_of
            .as_ref()
            .unwrap_or(&root.path)
            .to_string_lossy()
            .into_owned(),
        name,
        document,
    }
}

/// Whether a file that cannot be read is one that counts. A manifest of a cluster does where its beginning says so, or cannot be read either.
fn is_wanted(known: Known, path: &Path) -> bool {
    if known.kind != FileKind::Workload {
        return true;
    }
    let mut head = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    read.is_err()
        || settle(known, &head)
            .is_some_and(|known| known.kind != FileKind::Workload || mentions_agents(&head))
}

fn read(path: &Path) -> Result<String, String> {
    let data = path.metadata().map_err(|error| error.kind().to_string())?;
    if !data.is_file() {
        return Err("not a regular file".to_owned());
    }
    if data.len() > MAX_FILE_BYTES {
        return Err(format!("longer than {} MiB", MAX_FILE_BYTES >> 20));
    }
    let bytes = std::fs::read(path).map_err(|error| error.kind().to_string())?;
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// A file that could not be read at all is a finding that says so.
pub(super) fn broken(root: &Root, name: Arc<FileName>, known: Known, why: String) -> Loaded {
    let file = source(
        root,
        Arc::clone(&name),
        Known {
            kind: FileKind::Unknown,
            ..known
        },
        String::new(),
        None,
    );
    let mut report = Report::new(&file);
    let place = file.place(0..0, "");
    report.add(
        UNREADABLE_CONFIG,
        None,
        format!("the file could not be read: {why}"),
        vec![crate::model::Evidence {
            place,
            shown: why.clone(),
        }],
    );
    match report.finish().pop() {
        Some(finding) => Loaded::Broken(Broken { file: name, why }, Box::new(finding)),
        None => Loaded::Nothing,
    }
}

/// Reads a text as if it stood in a file of that name: what the fuzz targets call.
pub(crate) fn from_text(name: &str, text: &str) -> Option<SourceFile> {
    let known = crate::discover::known(name).or_else(|| sniff(name, text))?;
    let known = settle(known, text)?;
    let root = Root {
        path: PathBuf::new(),
        scope: crate::model::Scope::Project,
        prefix: String::new(),
        part_of: None,
    };
    let file = Arc::new(FileName {
        path: PathBuf::from(name),
        shown: name.to_owned(),
    });
    let document = known.syntax.map(|syntax| read_text(text, syntax));

    Some(source(&root, file, known, text.to_owned(), document))
}
