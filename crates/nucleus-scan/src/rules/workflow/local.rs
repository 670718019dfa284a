//! Actions and workflows of the same repository that a job calls: what they start, the job starts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::model::FileName;
use crate::read::{LineIndex, SourceFile, Syntax, read_text};

use super::gate::{Event, Jobs};
use super::job::{Job, jobs};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The most files that are read for one workflow. What is called beyond them is judged by its name.
const MAX_FILES: usize = 256;

/// The files a workflow calls, each read when it is asked for.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// What is read lies beneath it; `None` where there is no such directory.
    root: Option<PathBuf>,
    /// Where `./` leads.
    base: PathBuf,
    runs: RefCell<HashMap<String, bool>>,
    lets: RefCell<HashMap<(String, String), bool>>,
}

impl Local {
    /// What a file of a repository may call.
    pub(super) fn of(file: &SourceFile) -> Self {
        let path = &file.name.path;
        let above: PathBuf = path
            .components()
            .take_while(|part| part.as_os_str() != ".github")
            .collect();
        Self {
            root: file.root.canonicalize().ok(),
            base: if above == *path {
                file.root.clone()
            } else {
                above
            },
            ..Self::default()
        }
    }

    /// Whether a local action or workflow runs an agent, itself or by what it calls.
    pub(super) fn runs_agent(&self, uses: &str) -> bool {
        if let Some(known) = self.runs.borrow().get(uses) {
            return *known;
        }
        if self.runs.borrow().len() >= MAX_FILES {
            return false;
        }
        // What calls itself starts nothing by that alone.
        self.runs.borrow_mut().insert(uses.to_owned(), false);
        let found = self
            .load(uses)
            .is_some_and(|file| jobs(&file, self).iter().any(Job::runs_agent));
        self.runs.borrow_mut().insert(uses.to_owned(), found);
        found
    }

    /// Whether a stranger who got to a call gets through to the agent in it; what cannot be read stops nobody.
    pub(super) fn lets_through(&self, uses: &str, event: &Event<'_>) -> bool {
        let key = (uses.to_owned(), event.name.to_owned());
        if let Some(known) = self.lets.borrow().get(&key) {
            return *known;
        }
        let found = self.load(uses).is_none_or(|file| {
            let jobs = jobs(&file, self);
            let known = Jobs::of(&jobs);
            jobs.iter()
                .any(|job| job.runs_agent() && known.is_passed(job, event))
        });
        self.lets.borrow_mut().insert(key, found);
        found
    }

    fn load(&self, uses: &str) -> Option<SourceFile> {
        let relative = Path::new(uses.strip_prefix("./")?);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !relative.components().all(is_plain) {
            return None;
        }
        let named = self.base.join(relative);
        let is_file = matches!(
            relative.extension().and_then(|end| end.to_str()),
            Some("yml" | "yaml")
        );
        let candidates = if is_file {
            vec![named]
        } else {
            vec![named.join("action.yml"), named.join("action.yaml")]
        };
        candidates.iter().find_map(|path| self.read(path))
    }

    fn read(&self, path: &Path) -> Option<SourceFile> {
        let root = self.root.as_ref()?;
        let real = path.canonicalize().ok()?;
        let data = real.symlink_metadata().ok()?;
        if !real.starts_with(root) || !data.is_file() || data.len() > MAX_BYTES {
            return None;
        }
        let text = std::fs::read_to_string(&real).ok()?;
        let known = crate::discover::known(".github/workflows/x.yml")?;
        Some(SourceFile {
            lines: LineIndex::new(&text),
            document: Some(read_text(&text, Syntax::Yaml)),
            text,
            kind: known.kind,
            client: known.client,
            scope: crate::model::Scope::Ci,
            root: root.clone(),
            root_shown: String::new(),
            name: Arc::new(FileName {
                path: path.to_owned(),
                shown: String::new(),
            }),
        })
    }
}
