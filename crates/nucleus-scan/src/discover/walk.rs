//! The walk beneath one root: only names are looked at, nothing is opened but directories.

use std::fs::{DirEntry, FileType};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::candidate::Candidate;
use super::names::known;
use crate::threads::{self, MAX_THREADS};

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

/// Directories that are read before threads are started: a small tree is read sooner than a thread is there.
const ALONE: usize = 256;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Sorted by path.
    pub(crate) files: Vec<Candidate>,
    /// Entries that were passed, the root among them.
    pub(crate) entries: usize,
    /// Directories that could not be read or lie too deep.
    pub(crate) unreadable: Vec<String>,
}

impl Walked {
    fn join(&mut self, other: Self) {
        self.files.extend(other.files);
        self.entries += other.entries;
        self.unreadable.extend(other.unreadable);
    }
}

/// A directory still to be read, relative to the root.
#[derive(Debug)]
struct Directory {
    path: PathBuf,
    depth: usize,
}

/// Walks a directory, a large one with as many threads as the machine has cores, at most [`MAX_THREADS`].
pub(crate) fn walk(root: &Path) -> Walked {
    let mut walked = Walked {
        entries: 1,
        ..Walked::default()
    };
    let mut waiting = vec![Directory {
        path: PathBuf::new(),
        depth: 0,
    }];
    for _ in 0..ALONE {
        let Some(directory) = waiting.pop() else {
            break;
        };
        read(root, &directory, &mut walked, &mut waiting);
    }
    if !waiting.is_empty() {
        let queue = Queue::new(waiting);
        let parts = threads::side_by_side(MAX_THREADS, || walk_from(root, &queue));
        parts.into_iter().for_each(|part| walked.join(part));
    }
    walked.files.sort_by(|a, b| a.relative.cmp(&b.relative));
    walked.unreadable.sort();
    walked
}

fn walk_from(root: &Path, queue: &Queue) -> Walked {
    let mut walked = Walked::default();
    let mut inner = Vec::new();
    while let Some(directory) = queue.next() {
        read(root, &directory, &mut walked, &mut inner);
        queue.done(&mut inner);
    }
    walked
}

/// Reads one directory: files that matter go to `walked`, directories to `inner`.
fn read(root: &Path, directory: &Directory, walked: &mut Walked, inner: &mut Vec<Directory>) {
    let mut unreadable = |why: &str| {
        let name = directory.path.display();
        walked.unreadable.push(format!("{name}: {why}"));
    };
    if directory.depth > MAX_TREE_DEPTH {
        return unreadable("too many directories within each other");
    }
    let entries = match std::fs::read_dir(root.join(&directory.path)) {
        Ok(entries) => entries,
        Err(error) => return unreadable(&error.kind().to_string()),
    };
    let mut name = Name::beneath(&directory.path);
    for entry in entries {
        walked.entries += 1;
        match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
            Ok((kind, entry)) if kind.is_dir() => inner.extend(entered(&entry, directory)),
            Ok((kind, entry)) => walked
                .files
                .extend(look(&entry, kind, directory, &mut name)),
            Err(error) => {
                let place = directory.path.display();
                walked.unreadable.push(format!("{place}: {}", error.kind()));
            }
        }
    }
}

fn entered(entry: &DirEntry, above: &Directory) -> Option<Directory> {
    let name = entry.file_name();
    let is_skipped = name.to_str().is_some_and(|name| SKIPPED.contains(&name));
    (!is_skipped).then(|| Directory {
        path: above.path.join(name),
        depth: above.depth + 1,
    })
}

fn look(entry: &DirEntry, kind: FileType, above: &Directory, name: &mut Name) -> Option<Candidate> {
    let file_name = entry.file_name();
    let name = name.of(&file_name.to_string_lossy());
    let known = known(name);
    let must_tell = name == "settings.json" || name == "settings.local.json";
    (known.is_some() || must_tell).then(|| Candidate {
        relative: above.path.join(&file_name),
        known,
        is_link: kind.is_symlink(),
    })
}

/// The name of one file after the other in a directory, with forward slashes, in one buffer.
struct Name {
    text: String,
    directory: usize,
}

impl Name {
    fn beneath(directory: &Path) -> Self {
        let mut text = directory.to_string_lossy().into_owned();
        if cfg!(windows) {
            text = text.replace('\\', "/");
        }
        if !text.is_empty() {
            text.push('/');
        }
        Self {
            directory: text.len(),
            text,
        }
    }

    fn of(&mut self, file: &str) -> &str {
        self.text.truncate(self.directory);
        self.text.push_str(file);
        &self.text
    }
}

/// Directories that wait for any thread; a thread that finds none sleeps until there is one or nobody can bring one.
#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    waiting: Vec<Directory>,
    /// Directories that are being read.
    read: usize,
}

impl Queue {
    fn new(waiting: Vec<Directory>) -> Self {
        Self {
            state: Mutex::new(State { waiting, read: 0 }),
            changed: Condvar::new(),
        }
    }

    /// The next directory; `None` once all are read.
    fn next(&self) -> Option<Directory> {
        let mut state = self.lock();
        while state.waiting.is_empty() && state.read > 0 {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let next = state.waiting.pop()?;
        state.read += 1;
        Some(next)
    }

    /// One directory was read, and `inner` were found in it.
    fn done(&self, inner: &mut Vec<Directory>) {
        let mut state = self.lock();
        state.waiting.append(inner);
        state.read -= 1;
        if !state.waiting.is_empty() || state.read == 0 {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
