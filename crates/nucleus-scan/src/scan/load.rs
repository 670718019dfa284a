//! Opens one file, within its root and the limits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Root;
use crate::discover::{FileKind, Known, sniff};
use crate::model::{Broken, FileName, Finding};
use crate::read::{LineIndex, MAX_FILE_BYTES, SourceFile, read_text};
use crate::rules::{Report, UNREADABLE_CONFIG};

/// What came of a file.
pub(super) enum Loaded {
    File(Box<SourceFile>),
    Broken(Broken, Box<Finding>),
    /// Seen before, or of no interest.
    Nothing,
}

/// Loads a file once. A link counts where it leads to a regular file beneath the same root.
pub(super) fn load(
    root: &Root,
    relative: &Path,
    known: Option<Known>,
    seen: &mut HashSet<PathBuf>,
) -> Loaded {
    let name = relative.to_string_lossy().replace('\\', "/");
    let file = Arc::new(FileName {
        path: root.path.join(relative),
        shown: format!("{}{name}", root.prefix),
    });
    let Ok(real) = file.path.canonicalize() else {
        return Loaded::Nothing;
    };
    if !real.starts_with(&root.path) || !seen.insert(real.clone()) {
        return Loaded::Nothing;
    }
    let text = match read(&real) {
        Ok(text) => text,
        Err(why) => return known.map_or(Loaded::Nothing, |known| broken(root, file, known, why)),
    };
    let Some(known) = known.or_else(|| sniff(&name, &text)) else {
        return Loaded::Nothing;
    };
    let document = known.syntax.map(|syntax| read_text(&text, syntax));
    Loaded::File(Box::new(source(root, file, known, text, document)))
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
        root_shown: root.path.to_string_lossy().into_owned(),
        name,
        document,
    }
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
fn broken(root: &Root, name: Arc<FileName>, known: Known, why: String) -> Loaded {
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
    let root = Root {
        path: PathBuf::new(),
        scope: crate::model::Scope::Project,
        prefix: "",
    };
    let file = Arc::new(FileName {
        path: PathBuf::from(name),
        shown: name.to_owned(),
    });
    let document = known.syntax.map(|syntax| read_text(text, syntax));

    Some(source(&root, file, known, text.to_owned(), document))
}
