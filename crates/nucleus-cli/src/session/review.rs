//! Works on what sessions held back in a workspace, also after they have ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nucleus::sandbox::{Review as Reviewed, Sandbox, SandboxOptions};
use nucleus::state::StateDir;
use nucleus::workspace::{
    ChangeKind, Diff, Endorsable, EntryPath, Overlayed, StageReason, StagedChange,
    WorkspaceOptions, WorkspaceView,
};
use nucleus_audit::Detail;
use portcullis::path::RelPath;
use portcullis::{Envelope, EnvelopeParts, Reasons, SessionId};

use super::open::workspace;
use crate::home;
use crate::plain::plain;
use crate::report::{FAILED, Failure};
use crate::style::{DIM, paint};

/// A workspace as its user reviews it.
#[derive(Debug)]
pub(crate) struct Review {
    root: PathBuf,
    state: StateDir,
    view: Arc<Overlayed>,
}

impl Review {
    /// Opens the workspace without a session: the nearest one at or above `dir` in which
    /// a session has run, and says which where it is another; else `dir` itself.
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let here = workspace(dir)?;
        let state = StateDir::open(&home::state_dir()?)?;
        let root = match state.nearest_workspace(&here)? {
            Some(root) if root != here => {
                let line = format!("in the workspace {}", plain(&root.to_string_lossy()));
                anstream::eprintln!("{}", paint(DIM, line));
                workspace(&root)?
            }
            _ => here,
        };
        let shared = state.make_workspace(&root)?;
        let everything = Envelope::new(EnvelopeParts::everything());
        let view = Overlayed::open(
            &root,
            &WorkspaceOptions::new(shared.join(StateDir::VIEW)),
            &everything,
        )
        .map_err(|error| Failure::new(FAILED, error))?;
        Ok(Self {
            root,
            state,
            view: Arc::new(view),
        })
    }

    /// The workspace.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The held-back changes at or below these paths; all when none is named.
    pub(crate) fn selected(&self, paths: &[PathBuf]) -> Result<Vec<StagedChange>, Failure> {
        let all = self
            .view
            .staged()
            .map_err(|error| Failure::new(FAILED, error))?;
        let asked: Vec<EntryPath> = paths
            .iter()
            .map(|path| self.entry(path))
            .collect::<Result<_, _>>()?;
        for (path, entry) in paths.iter().zip(&asked) {
            if !all
                .iter()
                .any(|staged| is_below(&staged.change.path, entry))
            {
                let why = format!("nothing is held back at `{}`", path.display());
                return Err(Failure::new(FAILED, why).help("`nucleus diff` lists what is"));
            }
        }
        let is_asked = |staged: &StagedChange| {
            asked.is_empty()
                || asked
                    .iter()
                    .any(|entry| is_below(&staged.change.path, entry))
        };
        Ok(all.into_iter().filter(is_asked).collect())
    }

    /// The changes with the held-back directories that they need, in landing order.
    pub(crate) fn with_directories(
        &self,
        chosen: Vec<StagedChange>,
    ) -> Result<Vec<StagedChange>, Failure> {
        let all = self
            .view
            .staged()
            .map_err(|error| Failure::new(FAILED, error))?;
        let is_needed = |staged: &StagedChange| {
            let path = &staged.change.path;
            let is_directory = matches!(staged.change.kind, ChangeKind::Directory { .. });
            chosen.iter().any(|change| {
                let is_below = || is_below(&change.change.path, path);
                change.session == staged.session
                    && (change.change.path == *path || (is_directory && is_below()))
            })
        };
        Ok(all.into_iter().filter(is_needed).collect())
    }

    /// What the change would do.
    pub(crate) fn diff(&self, staged: &StagedChange) -> Result<Diff, Failure> {
        self.view
            .diff(staged)
            .map_err(|error| Failure::new(FAILED, error))
    }

    /// Forgets the changes.
    pub(crate) fn discard(&self, chosen: &[StagedChange]) -> Result<Vec<EntryPath>, Failure> {
        let paths: Vec<EntryPath> = chosen
            .iter()
            .map(|staged| staged.change.path.clone())
            .collect();
        self.view
            .discard(&paths)
            .map_err(|error| Failure::new(FAILED, error))
    }

    /// What these paths hold now, to be shown before it is endorsed.
    pub(crate) fn endorsable(&self, paths: &[PathBuf]) -> Result<Vec<Endorsable>, Failure> {
        let paths: Vec<RelPath> = paths
            .iter()
            .map(|path| self.entry(path)?.parse().map_err(Failure::usage))
            .collect::<Result<_, _>>()?;
        self.view.endorsable(&paths).map_err(failed)
    }

    /// Trusts exactly what was shown: each path with its digest is on record first.
    pub(crate) fn endorse(&self, shown: &[Endorsable]) -> Result<(), Failure> {
        let session = self.session(&Envelope::new(EnvelopeParts::nothing()))?;
        let monitor = session.monitor();
        for note in notes(shown) {
            monitor.note(&note).map_err(failed)?;
        }
        let endorsed = self.view.endorse(shown);
        let end = match &endorsed {
            Ok(()) => "endorsed by the user".to_owned(),
            Err(error) => format!("nothing was endorsed: {error}"),
        };
        monitor.end(&end).map_err(failed)?;
        endorsed.map_err(failed)
    }

    /// Opens a session of the user's own for each session that made one of the
    /// changes, under its envelope, and looks at each change as it would be judged now.
    pub(crate) fn applying(&self, chosen: &[StagedChange]) -> Result<Applying, Failure> {
        let mut groups = Vec::new();
        for group in chosen.chunk_by(|a, b| a.session == b.session) {
            let sandbox = self.session(&self.envelope(group[0].session)?)?;
            let reviewed: Result<Vec<_>, _> =
                group.iter().map(|staged| sandbox.review(staged)).collect();
            let reviewed = reviewed.map_err(failed).inspect_err(|_| {
                // The error itself is told; the session has done nothing.
                let _ = sandbox.monitor().end("a change could not be reviewed");
            })?;
            groups.push((sandbox, reviewed));
        }
        Ok(Applying { groups })
    }

    /// The last envelope of a session, from its log.
    fn envelope(&self, session: SessionId) -> Result<Envelope, Failure> {
        let dir = Sandbox::log_dir(&self.state, session);
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(
                FAILED,
                format!("cannot read the log of session {session}: {error}"),
            )
            .help(
                "without its envelope nothing of it can be applied; `nucleus discard` still works",
            )
        };
        let records = nucleus_audit::read(&dir).map_err(|error| failed(&error))?;
        let mut found = None;
        for record in records {
            let record = record.map_err(|error| failed(&error))?;
            if let Some(Detail::Start { envelope, .. } | Detail::Tighten { envelope }) =
                &record.body.detail
            {
                found = Some(Envelope::from_bytes(&envelope.0).map_err(|error| failed(&error))?);
            }
        }
        found.ok_or_else(|| failed(&"it has no first record"))
    }

    /// A session of the user's own over this workspace.
    fn session(&self, envelope: &Envelope) -> Result<Sandbox, Failure> {
        let options = SandboxOptions {
            view: Some(self.view.clone()),
            ..SandboxOptions::new(self.state.clone())
        };
        Sandbox::open_with(envelope, &self.root, options)
            .map_err(|error| Failure::new(FAILED, error))
    }

    /// The entry of the workspace that the user's path means, relative to where they are.
    fn entry(&self, path: &Path) -> Result<EntryPath, Failure> {
        let here = std::env::current_dir()?.canonicalize()?;
        let base = if here.starts_with(&self.root) {
            here
        } else {
            self.root.clone()
        };
        let absolute = if path.is_absolute() {
            path.to_owned()
        } else {
            base.join(path)
        };
        let inside = without_dots(&absolute);
        let inside = inside
            .strip_prefix(&self.root)
            .map_err(|_| Failure::usage(format!("`{}` is not in the workspace", path.display())))?;
        Ok(EntryPath::from_path(inside))
    }
}

/// What became of one change: `None` landed, else why it is still held back.
pub(crate) type Applied = (String, Result<Option<StageReason>, nucleus::Error>);

/// The path with `.` and `..` taken by their names alone: it need not exist.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            std::path::Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Whether the path is the other or below it.
fn is_below(path: &EntryPath, ancestor: &EntryPath) -> bool {
    let (path, ancestor) = (path.as_bytes(), ancestor.as_bytes());
    ancestor.is_empty()
        || path
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

/// Held-back changes as they are shown, and the sessions in which they are judged again.
#[derive(Debug)]
pub(crate) struct Applying {
    groups: Vec<(Sandbox, Vec<Reviewed>)>,
}

impl Applying {
    /// Each change with every reason that must be shown, in the order in which they land.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&StagedChange, Reasons)> {
        let all = self.groups.iter().flat_map(|(_, reviewed)| reviewed);
        all.map(|reviewed| (reviewed.staged(), reviewed.reasons()))
    }

    /// Lands what the user has said yes to after all of it was shown.
    pub(crate) fn apply(self) -> Result<Vec<Applied>, Failure> {
        let approver = format!("uid:{}", rustix::process::getuid().as_raw());
        let mut applied = Vec::new();
        for (sandbox, reviewed) in &self.groups {
            for shown in reviewed {
                let path = &shown.staged().change.path;
                let path = path.to_string().escape_debug().to_string();
                let outcome = sandbox.apply(shown, &approver);
                applied.push((path, outcome.map(|landed| landed.staged)));
            }
            let why = "held-back changes were applied by the user";
            sandbox.monitor().end(why).map_err(failed)?;
        }
        Ok(applied)
    }

    /// Ends the sessions of a user who has said no.
    pub(crate) fn decline(self) -> Result<(), Failure> {
        for (sandbox, _) in &self.groups {
            let why = "the user did not approve the held-back changes";
            sandbox.monitor().end(why).map_err(failed)?;
        }
        Ok(())
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(FAILED, error)
}

/// The records of an endorsement: digests first, so that no long path pushes one out of a record.
fn notes(shown: &[Endorsable]) -> Vec<String> {
    /// What fits into one record.
    const MAX_BYTES: usize = 4000;
    let mut notes = Vec::new();
    let mut note = String::new();
    for one in shown {
        let line = format!("{} {}", one.digest, one.path);
        if !note.is_empty() && note.len() + line.len() > MAX_BYTES {
            notes.push(std::mem::take(&mut note));
        }
        note.push_str(if note.is_empty() { "endorsing " } else { "; " });
        note.push_str(&line);
    }
    notes.extend((!note.is_empty()).then_some(note));
    notes
}
