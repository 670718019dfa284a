//! Shows what a staged change would do: as text where both sides are text, else by size and digest.

use portcullis::activation::{is_activation, is_build_input};
use similar::TextDiff;

use super::base::Base;
use super::{Before, ChangeKind, HeldContent, StagedChange, WorkspaceError};

/// Largest side that is compared as text.
const MAX_TEXT_BYTES: u64 = 1 << 20;
/// Lines around a difference.
const CONTEXT_LINES: usize = 3;

/// What a staged change would do to the real tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// Why the host runs or obeys this path by itself, if it does.
    pub activation: Option<&'static str>,
    /// Whether a build, test or install on the host runs it; shown first.
    pub is_build_input: bool,
    /// Whether the real tree holds something else than the change was based on.
    pub is_conflict: bool,
    /// The difference. Lines may hold anything a file can: escape them before a terminal.
    pub body: DiffBody,
}

/// The difference itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffBody {
    /// A unified diff.
    Text(String),
    /// What each side is, where one of them is no text, too large or no file.
    Summary {
        /// What the tree holds.
        old: String,
        /// What it would hold.
        new: String,
    },
}

impl Diff {
    /// The order in which diffs are shown: build inputs first, then activation paths, then the rest.
    #[must_use]
    pub fn rank(&self) -> u8 {
        match (self.is_build_input, self.activation) {
            (true, _) => 0,
            (false, Some(_)) => 1,
            (false, None) => 2,
        }
    }
}

impl Base {
    pub(super) fn diff(&self, staged: &StagedChange) -> Result<Diff, WorkspaceError> {
        let change = &staged.change;
        let now = Before::at(&self.tree, change.path.as_bytes())?;
        let rel = change.path.rel();
        Ok(Diff {
            activation: rel.and_then(is_activation),
            is_build_input: rel.is_some_and(is_build_input),
            is_conflict: now != change.before,
            body: self.body(staged, &now)?,
        })
    }

    fn body(&self, staged: &StagedChange, now: &Before) -> Result<DiffBody, WorkspaceError> {
        let change = &staged.change;
        let old = self.text_now(now, change.path.as_bytes())?;
        let new = match &change.kind {
            ChangeKind::Write { content, .. } => text_of(content)?,
            ChangeKind::Delete => Some(String::new()),
            _ => None,
        };
        if let (Some(old), Some(new)) = (old, new)
            && !(old.is_empty() && new.is_empty())
        {
            return Ok(DiffBody::Text(unified(
                &change.path.to_string(),
                &old,
                &new,
                now,
                &change.kind,
            )));
        }
        Ok(DiffBody::Summary {
            old: describe(now),
            new: describe_change(&change.kind),
        })
    }

    /// The text the tree holds; empty for nothing, `None` for what is no text.
    fn text_now(&self, now: &Before, path: &[u8]) -> Result<Option<String>, WorkspaceError> {
        match now {
            Before::Absent => Ok(Some(String::new())),
            Before::File { .. } => {
                let (mut file, stat) = self.tree.open_file(path)?;
                if u64::try_from(stat.st_size).unwrap_or(u64::MAX) > MAX_TEXT_BYTES {
                    return Ok(None);
                }
                let mut bytes = Vec::new();
                let limited = &mut std::io::Read::take(&mut file, MAX_TEXT_BYTES);
                std::io::Read::read_to_end(limited, &mut bytes)
                    .map_err(WorkspaceError::io("read", super::tree::shown(path)))?;
                Ok(as_text(bytes))
            }
            _ => Ok(None),
        }
    }
}

fn text_of(content: &HeldContent) -> Result<Option<String>, WorkspaceError> {
    if content.len_bytes() > MAX_TEXT_BYTES {
        return Ok(None);
    }
    content.read(MAX_TEXT_BYTES).map(as_text)
}

fn as_text(bytes: Vec<u8>) -> Option<String> {
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn unified(path: &str, old: &str, new: &str, now: &Before, kind: &ChangeKind) -> String {
    let old_name = if *now == Before::Absent {
        "/dev/null".to_owned()
    } else {
        format!("a/{path}")
    };
    let new_name = if *kind == ChangeKind::Delete {
        "/dev/null".to_owned()
    } else {
        format!("b/{path}")
    };
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&old_name, &new_name)
        .to_string()
}

fn describe(held: &Before) -> String {
    match held {
        Before::Absent => "nothing".to_owned(),
        Before::File { digest, mode } => format!("a file, mode {mode:03o}, sha256 {digest}"),
        Before::Directory { mode } => format!("a directory, mode {mode:03o}"),
        Before::Symlink { target } => format!("a link to `{}`", target.display()),
        Before::Other => "something that cannot be read".to_owned(),
    }
}

fn describe_change(kind: &ChangeKind) -> String {
    match kind {
        ChangeKind::Write { content, mode } => format!(
            "a file of {} bytes, mode {mode:03o}, sha256 {}",
            content.len_bytes(),
            content.digest()
        ),
        ChangeKind::Directory { mode } => format!("a directory, mode {mode:03o}"),
        ChangeKind::Symlink { target } => format!("a link to `{}`", target.display()),
        ChangeKind::Mode { mode } => format!("the same, mode {mode:03o}"),
        ChangeKind::Delete => "nothing".to_owned(),
    }
}
