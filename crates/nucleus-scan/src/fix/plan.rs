//! The rewrites of a scan: what changes in which file, shown before it is written.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use similar::TextDiff;

use super::mask::masked;
use crate::model::{Edit, FileName, Scan, Variable};
use crate::read::{Syntax, read_text};

/// Most temporary files of earlier runs that are passed over.
const MAX_LEFT_OVER: usize = 16;

/// Everything `--fix` would write.
#[derive(Debug, Default)]
pub struct Plan {
    rewrites: Vec<Rewrite>,
    left_alone: Vec<LeftAlone>,
}

/// A file that stays as it is, or in part, though there is something to rewrite.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftAlone {
    /// The file.
    pub file: Arc<FileName>,
    /// Why, as the end of a sentence.
    pub why: &'static str,
}

/// Why a whole file stays as it is.
const UNSAFE: &str = "it changed since it was scanned, or could not be read any more";

/// Why a secret of a file stays where it is.
const SHARED: &str = "a variable of that name stands for another secret in another file";

/// One file before and after.
pub struct Rewrite {
    file: Arc<FileName>,
    syntax: Option<Syntax>,
    before: String,
    after: String,
}

impl std::fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.diff())
    }
}

impl Plan {
    /// The rewrites of every finding that counts and has one. A file that changed since the scan, whose edits overlap,
    /// or that could be read before and could not after them, is left alone.
    #[must_use]
    pub fn of(scan: &Scan) -> Self {
        Self::with(scan, Vec::new())
    }

    /// The same with rewrites that somebody answered for.
    #[must_use]
    pub fn with(scan: &Scan, answered: Vec<Edit>) -> Self {
        let mut plan = Self::default();
        let mut by_file: BTreeMap<Arc<FileName>, Vec<Edit>> = BTreeMap::new();
        for edit in plan.found(scan).into_iter().chain(answered) {
            by_file
                .entry(Arc::clone(&edit.file))
                .or_default()
                .push(edit);
        }
        for (file, edits) in by_file {
            match Rewrite::new(Arc::clone(&file), edits) {
                Some(rewrite) => plan.rewrites.push(rewrite),
                None => plan.left_alone.push(LeftAlone { file, why: UNSAFE }),
            }
        }
        plan.left_alone.sort();
        plan.left_alone.dedup();
        plan
    }

    /// The rewrites of findings that count. The variables are those of one environment, so where two files would give
    /// one of them two values only the first is rewritten.
    fn found(&mut self, scan: &Scan) -> Vec<Edit> {
        let mut taken: HashMap<&str, &str> = HashMap::new();
        let mut edits = Vec::new();
        let counts = scan
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none());
        for fix in counts.flat_map(|finding| &finding.fix) {
            let is_other = |one: &Variable| {
                let known = taken.get(one.name.as_str());
                known.is_some_and(|digest| **digest != *one.digest)
            };
            if fix.variables.iter().any(is_other) {
                let files = fix.edits.iter().map(|edit| Arc::clone(&edit.file));
                self.left_alone
                    .extend(files.map(|file| LeftAlone { file, why: SHARED }));
                continue;
            }
            let named = fix.variables.iter();
            taken.extend(named.map(|one| (one.name.as_str(), one.digest.as_str())));
            edits.extend(fix.edits.iter().cloned());
        }
        edits
    }

    /// The files, in order.
    #[must_use]
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// Files that stay as they are, or in part, though there is something to rewrite, in order.
    #[must_use]
    pub fn left_alone(&self) -> &[LeftAlone] {
        &self.left_alone
    }

    /// A unified diff of all files, secrets masked.
    #[must_use]
    pub fn diff(&self) -> String {
        self.rewrites.iter().map(Rewrite::diff).collect()
    }

    /// Writes every file by temporary name and rename, keeping its mode. Nothing is written where one of them is a
    /// link or is not what was scanned any more.
    ///
    /// # Errors
    /// Names the first file that may not be or could not be written.
    pub fn write(&self) -> Result<usize, String> {
        let each = |step: fn(&Rewrite) -> Result<(), String>| {
            self.rewrites.iter().try_for_each(|rewrite| {
                step(rewrite).map_err(|why| format!("`{}`: {why}", rewrite.file.shown))
            })
        };
        each(|rewrite| rewrite.check().map(drop))?;
        each(Rewrite::write)?;
        Ok(self.rewrites.len())
    }
}

/// How a file is written, told by its name.
fn syntax_of(path: &Path) -> Option<Syntax> {
    match path.extension()?.to_str()? {
        "json" | "jsonc" | "json5" | "code-workspace" => Some(Syntax::Json),
        "toml" => Some(Syntax::Toml),
        "yml" | "yaml" => Some(Syntax::YamlStream),
        _ => None,
    }
}

impl Rewrite {
    fn new(file: Arc<FileName>, mut edits: Vec<Edit>) -> Option<Self> {
        let before = std::fs::read_to_string(&file.path).ok()?;
        edits.sort_by(|a, b| (a.span, &a.replacement).cmp(&(b.span, &b.replacement)));
        edits.dedup();
        let after = edited(&before, &edits)?;
        let syntax = syntax_of(&file.path);
        let faults = |text: &str| syntax.map_or(0, |syntax| read_text(text, syntax).faults.len());
        // FAIL-CLOSED: what reads worse than before is not written, whatever the edits meant.
        (faults(&after) <= faults(&before)).then_some(Self {
            file,
            syntax,
            before,
            after,
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &FileName {
        &self.file
    }

    /// The whole new text.
    #[must_use]
    pub fn after(&self) -> &str {
        &self.after
    }

    /// A unified diff, secrets masked on both sides.
    fn diff(&self) -> String {
        let shown = |text: &str| {
            masked(text, self.syntax)
                .trim_start_matches('\u{feff}')
                .to_owned()
        };
        let (before, after) = (shown(&self.before), shown(&self.after));
        let mut out = String::new();
        let _ = write!(
            out,
            "{}",
            TextDiff::from_lines(&before, &after)
                .unified_diff()
                .context_radius(2)
                .header(&self.file.shown, &self.file.shown)
        );
        out
    }

    /// What is known of the file, if it is still the one that was scanned.
    fn check(&self) -> Result<std::fs::Metadata, String> {
        let path = &self.file.path;
        let said = |error: std::io::Error| error.kind().to_string();
        let data = path.symlink_metadata().map_err(said)?;
        if !data.is_file() {
            return Err("it is a link: rewrite what it points to".to_owned());
        }
        if std::fs::read_to_string(path).map_err(said)? != self.before {
            return Err("it changed since it was scanned".to_owned());
        }
        Ok(data)
    }

    fn write(&self) -> Result<(), String> {
        let path = &self.file.path;
        let said = |error: std::io::Error| error.kind().to_string();
        let data = self.check()?;
        let (temporary, mut file) = temporary(path).map_err(said)?;
        let written = file
            .set_permissions(data.permissions())
            .and_then(|()| file.write_all(self.after.as_bytes()))
            .and_then(|()| file.sync_all());
        let done = written.and_then(|()| std::fs::rename(&temporary, path));
        if done.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        done.map_err(said)
    }
}

/// The text with every edit made; none where two of them meet or one lies outside.
fn edited(before: &str, edits: &[Edit]) -> Option<String> {
    let mut text = String::with_capacity(before.len());
    let mut at = 0;
    for edit in edits {
        text.push_str(before.get(at..edit.span.start)?);
        text.push_str(&edit.replacement);
        before.get(edit.span.start..edit.span.end)?;
        at = edit.span.end;
    }
    text.push_str(before.get(at..)?);
    Some(text)
}

/// A new file beside the old one. Names left by a run that was cut off are passed over.
fn temporary(path: &Path) -> std::io::Result<(PathBuf, File)> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut last = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    for nth in 0..MAX_LEFT_OVER {
        let candidate = path.with_file_name(format!(".{name}.{nth}.nucleus-fix"));
        match File::create_new(&candidate) {
            Ok(file) => return Ok((candidate, file)),
            Err(error) => last = error,
        }
    }
    Err(last)
}
