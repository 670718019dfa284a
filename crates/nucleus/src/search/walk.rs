//! Walks the workspace through its view, in the order of names, within bounds.

use std::time::{Duration, Instant};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use portcullis::envelope::Envelope;
use portcullis::path::RelPath;

use crate::sandbox::read_up_to;
use crate::workspace::{EntryType, WorkspaceError, WorkspaceView};

/// The longest `.gitignore` that is read.
const MAX_IGNORE_BYTES: u64 = 1 << 20;
/// The deepest directory that is entered.
const MAX_DEPTH: usize = 128;

/// What to do with what `.gitignore` files name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ignored {
    /// Leave it out, with `.git`.
    #[default]
    Skip,
    /// Search it, but for `.git`.
    Search,
}

/// How much is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entries visited.
    pub entries: usize,
    /// Time spent.
    pub time: Duration,
}

impl Default for Bounds {
    /// 300,000 entries and 20 seconds: three times the largest workspace that is measured.
    fn default() -> Self {
        Self {
            entries: 300_000,
            time: Duration::from_secs(20),
        }
    }
}

/// Whether a walk saw everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// It did.
    All,
    /// A bound or the visitor ended it.
    Part,
}

/// One walk.
#[derive(Debug)]
pub struct Walk<'a> {
    view: &'a dyn WorkspaceView,
    envelope: &'a Envelope,
    ignored: Ignored,
    left: usize,
    until: Instant,
    rules: Vec<Gitignore>,
}

impl<'a> Walk<'a> {
    /// A walk under this envelope, which hides what it blocks.
    #[must_use]
    pub fn new(
        view: &'a dyn WorkspaceView,
        envelope: &'a Envelope,
        ignored: Ignored,
        bounds: Bounds,
    ) -> Self {
        let until = Instant::now() + bounds.time;
        Self {
            view,
            envelope,
            ignored,
            left: bounds.entries,
            until,
            rules: Vec::new(),
        }
    }

    /// Visits every file below the directory, until the visitor says `false`.
    ///
    /// Links are not followed; entries without a canonical name are left out.
    ///
    /// # Errors
    /// When the starting directory cannot be listed; those below are left out then.
    pub fn files(
        &mut self,
        dir: &RelPath,
        visit: &mut dyn FnMut(&RelPath) -> bool,
    ) -> Result<Walked, WorkspaceError> {
        self.read_rules_above(dir);
        self.directory(dir, 0, visit)
    }

    fn directory(
        &mut self,
        dir: &RelPath,
        depth: usize,
        visit: &mut dyn FnMut(&RelPath) -> bool,
    ) -> Result<Walked, WorkspaceError> {
        let entries = self.view.list(dir, self.envelope)?;
        let known = self.rules.len();
        self.read_rules(dir);
        let mut walked = Walked::All;
        for entry in entries {
            let Some(path) = entry.path.rel() else {
                continue;
            };
            if self.left == 0 || Instant::now() > self.until {
                walked = Walked::Part;
                break;
            }
            self.left -= 1;
            if self.is_left_out(path, entry.kind) {
                continue;
            }
            if self.entry(path, entry.kind, depth, visit) == Walked::Part {
                walked = Walked::Part;
                break;
            }
        }
        self.rules.truncate(known);
        Ok(walked)
    }

    fn entry(
        &mut self,
        path: &RelPath,
        kind: EntryType,
        depth: usize,
        visit: &mut dyn FnMut(&RelPath) -> bool,
    ) -> Walked {
        match kind {
            EntryType::File if visit(path) => Walked::All,
            EntryType::File => Walked::Part,
            EntryType::Directory if depth < MAX_DEPTH => self
                .directory(path, depth + 1, visit)
                .unwrap_or(Walked::All),
            EntryType::Directory | EntryType::Symlink | EntryType::Other => Walked::All,
        }
    }

    fn is_left_out(&self, path: &RelPath, kind: EntryType) -> bool {
        if path.file_name() == Some(".git") {
            return true;
        }
        let is_dir = kind == EntryType::Directory;
        // The innermost rule that names the path decides.
        let named = self
            .rules
            .iter()
            .rev()
            .map(|rules| rules.matched(path.as_str(), is_dir));
        named
            .into_iter()
            .find(|matched| !matched.is_none())
            .is_some_and(|matched| matched.is_ignore())
    }

    /// The rules of the directories above the first one.
    fn read_rules_above(&mut self, dir: &RelPath) {
        let mut above = Vec::new();
        let mut current = dir.parent();
        while let Some(parent) = current {
            current = parent.parent();
            above.push(parent);
        }
        for parent in above.iter().rev() {
            self.read_rules(parent);
        }
    }

    fn read_rules(&mut self, dir: &RelPath) {
        if self.ignored == Ignored::Search {
            return;
        }
        let Some(text) = dir
            .join(".gitignore")
            .ok()
            .and_then(|path| self.text_of(&path))
        else {
            return;
        };
        let mut builder = GitignoreBuilder::new(dir.as_str());
        for line in text.lines() {
            // A line that is no pattern names nothing.
            let _ = builder.add_line(None, line);
        }
        if let Ok(rules) = builder.build() {
            self.rules.push(rules);
        }
    }

    fn text_of(&self, path: &RelPath) -> Option<String> {
        let bytes = read_up_to(self.view.open_read(path).ok()?, path, MAX_IGNORE_BYTES).ok()?;
        String::from_utf8(bytes).ok()
    }
}
