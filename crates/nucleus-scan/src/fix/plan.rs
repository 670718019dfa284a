//! The rewrites of a scan: what changes in which file, shown before it is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use similar::TextDiff;

use crate::model::{ByteSpan, Edit, FileName, Finding, Scan};
use crate::secret;

/// Most temporary files of earlier runs that are passed over.
const MAX_LEFT_OVER: usize = 16;

/// Everything `--fix` would write.
#[derive(Debug, Default)]
pub struct Plan {
    rewrites: Vec<Rewrite>,
}

/// One file before and after.
#[derive(Debug)]
pub struct Rewrite {
    file: Arc<FileName>,
    before: String,
    edits: Vec<Edit>,
    secrets: Vec<ByteSpan>,
}

impl Plan {
    /// The rewrites of every finding that counts and has one. A file that changed since the scan, or whose edits overlap, is left out.
    #[must_use]
    pub fn of(scan: &Scan) -> Self {
        Self::with(scan, Vec::new())
    }

    /// The same with rewrites that somebody answered for.
    #[must_use]
    pub fn with(scan: &Scan, answered: Vec<Edit>) -> Self {
        let mut by_file: BTreeMap<Arc<FileName>, (Vec<Edit>, Vec<ByteSpan>)> = BTreeMap::new();
        for finding in scan
            .findings
            .iter()
            .filter(|finding| finding.suppressed.is_none())
        {
            for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
                by_file
                    .entry(Arc::clone(&edit.file))
                    .or_default()
                    .0
                    .push(edit.clone());
            }
        }
        for edit in answered {
            by_file
                .entry(Arc::clone(&edit.file))
                .or_default()
                .0
                .push(edit);
        }
        for finding in scan.findings.iter().filter(holds_secret) {
            for evidence in &finding.evidence {
                if let Some((_, secrets)) = by_file.get_mut(&evidence.place.file) {
                    secrets.push(evidence.place.span);
                }
            }
        }
        Self {
            rewrites: by_file
                .into_iter()
                .filter_map(|(file, (edits, secrets))| Rewrite::new(file, edits, secrets))
                .collect(),
        }
    }

    /// The files, in order.
    #[must_use]
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }

    /// A unified diff of all files, secrets masked.
    #[must_use]
    pub fn diff(&self) -> String {
        self.rewrites.iter().map(Rewrite::diff).collect()
    }

    /// Writes every file by temporary name and rename, keeping its mode.
    ///
    /// # Errors
    /// Names the first file that could not be written, or that is not what was scanned any more.
    pub fn write(&self) -> Result<usize, String> {
        for rewrite in &self.rewrites {
            rewrite
                .write()
                .map_err(|why| format!("`{}`: {why}", rewrite.file.shown))?;
        }
        Ok(self.rewrites.len())
    }
}

/// Findings whose places are secrets.
fn holds_secret(finding: &&Finding) -> bool {
    matches!(
        finding.rule.0,
        "plaintext-credential" | "secret-in-disabled-server" | "long-lived-token"
    )
}

impl Rewrite {
    fn new(file: Arc<FileName>, mut edits: Vec<Edit>, mut secrets: Vec<ByteSpan>) -> Option<Self> {
        let before = std::fs::read_to_string(&file.path).ok()?;
        edits.sort_by_key(|edit| edit.span);
        edits.dedup();
        let apart = edits
            .windows(2)
            .all(|pair| pair[0].span.end <= pair[1].span.start);
        let inside = edits
            .iter()
            .all(|edit| before.get(edit.span.start..edit.span.end).is_some());
        secrets.sort_unstable();
        secrets.dedup();
        (apart && inside).then_some(Self {
            file,
            before,
            edits,
            secrets,
        })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &FileName {
        &self.file
    }

    /// The whole new text.
    #[must_use]
    pub fn after(&self) -> String {
        let mut text = String::with_capacity(self.before.len());
        let mut at = 0;
        for edit in &self.edits {
            text.push_str(&self.before[at..edit.span.start]);
            text.push_str(&edit.replacement);
            at = edit.span.end;
        }
        text.push_str(&self.before[at..]);
        text
    }

    /// A unified diff, secrets masked on both sides.
    fn diff(&self) -> String {
        let before = self.masked(&[]);
        let after = self.masked(&self.edits);
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

    /// A replacement as it may be shown: an edit that keeps a secret of the file shows it no more than the file does.
    fn without_secrets(&self, replacement: &str) -> String {
        let texts = self
            .secrets
            .iter()
            .filter_map(|span| self.before.get(span.start..span.end))
            .map(|text| &text[secret::bare(text)])
            .filter(|text| !text.is_empty());
        texts.fold(replacement.to_owned(), |shown, text| {
            shown.replace(text, &secret::mask_one(text))
        })
    }

    /// The text with some edits made and every other secret masked.
    fn masked(&self, edits: &[Edit]) -> String {
        let mut changes: Vec<(ByteSpan, String)> = edits
            .iter()
            .map(|edit| (edit.span, self.without_secrets(&edit.replacement)))
            .collect();
        let free = |span: &&ByteSpan| {
            !edits
                .iter()
                .any(|edit| edit.span.start < span.end && span.start < edit.span.end)
        };
        for span in self.secrets.iter().filter(free) {
            if let Some(text) = self.before.get(span.start..span.end) {
                let inner = secret::bare(text);
                let (open, close) = (&text[..inner.start], &text[inner.end..]);
                let masked = secret::mask_one(&text[inner]);
                changes.push((*span, format!("{open}{masked}{close}")));
            }
        }
        changes.sort_by_key(|(span, _)| *span);
        let mut text = String::new();
        let mut at = 0;
        for (span, replacement) in changes {
            if span.start >= at {
                text.push_str(&self.before[at..span.start]);
                text.push_str(&replacement);
                at = span.end;
            }
        }
        text.push_str(self.before.get(at..).unwrap_or_default());
        text
    }

    fn write(&self) -> Result<(), String> {
        let path = &self.file.path;
        let said = |error: std::io::Error| error.kind().to_string();
        let data = path.symlink_metadata().map_err(said)?;
        if !data.is_file() {
            return Err("it is a link: rewrite what it points to".to_owned());
        }
        if std::fs::read_to_string(path).map_err(said)? != self.before {
            return Err("it changed since it was scanned".to_owned());
        }
        let (temporary, mut file) = temporary(path).map_err(said)?;
        let written = file
            .set_permissions(data.permissions())
            .and_then(|()| file.write_all(self.after().as_bytes()))
            .and_then(|()| file.sync_all());
        let done = written.and_then(|()| std::fs::rename(&temporary, path));
        if done.is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
        done.map_err(said)
    }
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
