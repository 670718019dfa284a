//! The walk beneath one root: only names are looked at, nothing is opened.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::kind::Known;
use super::names::known;

/// Directories no client reads configuration from: dependencies, build output, version control.
const SKIPPED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "bower_components",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".gradle",
    ".terraform",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".turbo",
    ".cache",
    ".pnpm-store",
    ".yarn",
    "Pods",
    "DerivedData",
    ".direnv",
    "site-packages",
];

/// The deepest directory that is entered below a root.
const MAX_TREE_DEPTH: usize = 64;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Paths relative to the root, with what their names say, sorted. `None` where the content has to tell.
    pub(crate) files: Vec<(PathBuf, Option<Known>)>,
    /// Entries that were passed.
    pub(crate) entries: usize,
    /// Directories that could not be read.
    pub(crate) unreadable: Vec<String>,
}

/// Walks a directory with as many threads as the machine has cores, at most four.
pub(crate) fn walk(root: &Path) -> Walked {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let files = Mutex::new(Vec::new());
    let unreadable = Mutex::new(Vec::new());
    let entries = AtomicUsize::new(0);
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        .hidden(false)
        .follow_links(false)
        .threads(threads)
        .max_depth(Some(MAX_TREE_DEPTH))
        .filter_entry(enters);
    builder.build_parallel().run(|| {
        Box::new(|entry| {
            entries.fetch_add(1, Ordering::Relaxed);
            match entry {
                Ok(entry) => {
                    if let Some(found) = look(&entry, root) {
                        lock(&files).push(found);
                    }
                }
                Err(error) => lock(&unreadable).push(error.to_string()),
            }
            WalkState::Continue
        })
    });
    let mut files = files
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    files.sort_by(|a: &(PathBuf, Option<Known>), b| a.0.cmp(&b.0));
    let mut unreadable = unreadable
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    unreadable.sort();
    Walked {
        files,
        entries: entries.into_inner(),
        unreadable,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn enters(entry: &DirEntry) -> bool {
    let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
    let skipped = is_directory
        && entry.depth() > 0
        && entry
            .file_name()
            .to_str()
            .is_some_and(|name| SKIPPED.contains(&name));
    !skipped
}

fn look(entry: &DirEntry, root: &Path) -> Option<(PathBuf, Option<Known>)> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return None;
    }
    let relative = entry.path().strip_prefix(root).ok()?;
    let name = relative.to_str()?;
    let name = if cfg!(windows) {
        name.replace('\\', "/")
    } else {
        name.to_owned()
    };
    match known(&name) {
        Some(known) => Some((relative.to_owned(), Some(known))),
        None if name == "settings.json" || name == "settings.local.json" => {
            Some((relative.to_owned(), None))
        }
        None => None,
    }
}
