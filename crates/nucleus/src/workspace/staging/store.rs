//! The staged changes of a workspace: each session's own, bounded, listed for the user together.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis::SessionId;

use super::blob;
use super::record::Record;
use crate::workspace::base::Viewer;
use crate::workspace::journal::{Durability, Journal};
use crate::workspace::state::{Locked, State};
use crate::workspace::{
    Before, Change, ChangeKind, EntryPath, StageReason, StagedChange, WorkspaceError, fault,
};

/// Version of the manifest.
const VERSION: u32 = 1;
/// Lines beyond twice what is staged before the manifest is rewritten at start.
const SLACK_LINES: u64 = 1024;

/// What one session holds back, by path.
pub(crate) type Entries = BTreeMap<EntryPath, StagedChange>;

static NOTHING: Entries = BTreeMap::new();

/// The most that one session holds back; beyond it a change is refused and named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageLimits {
    /// Changes, each of which is a file of the state directory and a line of the manifest.
    pub changes: usize,
    /// Bytes of content.
    pub bytes: u64,
}

impl Default for StageLimits {
    /// 100,000 changes, as many as one command can make, and 2 GiB.
    fn default() -> Self {
        Self {
            changes: 100_000,
            bytes: 2 << 30,
        }
    }
}

/// What is staged. Each method is called under the state lock.
#[derive(Debug)]
pub(crate) struct Staged {
    journal: Journal,
    blobs: PathBuf,
    owner: Option<(rustix::fs::Uid, rustix::fs::Gid)>,
    limits: StageLimits,
    sessions: BTreeMap<SessionId, Own>,
}

/// What one session holds back.
#[derive(Debug, Default)]
struct Own {
    entries: Entries,
    bytes: u64,
    generation: u64,
}

impl Own {
    fn insert(&mut self, staged: StagedChange) {
        self.generation += 1;
        self.bytes = self.bytes.saturating_add(bytes_of(&staged));
        let older = self.entries.insert(staged.change.path.clone(), staged);
        self.forget(older.as_ref());
    }

    fn remove(&mut self, path: &EntryPath) {
        self.generation += 1;
        let older = self.entries.remove(path);
        self.forget(older.as_ref());
    }

    fn forget(&mut self, older: Option<&StagedChange>) {
        self.bytes = self.bytes.saturating_sub(older.map_or(0, bytes_of));
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.generation += 1;
    }
}

fn bytes_of(staged: &StagedChange) -> u64 {
    match &staged.change.kind {
        ChangeKind::Write { content, .. } => content.len_bytes(),
        _ => 0,
    }
}

impl Staged {
    /// Reads the manifest, shortens it and removes content that nothing names.
    pub(crate) fn open(
        state: &State,
        owner: Option<(rustix::fs::Uid, rustix::fs::Gid)>,
        limits: StageLimits,
        locked: &Locked<'_>,
    ) -> Result<Self, WorkspaceError> {
        let mut staged = Self {
            journal: Journal::open(&state.dir().join("staged.jsonl"), "nucleus-staged", VERSION)?,
            blobs: state.blobs(),
            owner,
            limits,
            sessions: BTreeMap::new(),
        };
        staged.refresh(locked)?;
        let records: Vec<Record> = staged.all().map(Record::of).collect();
        if staged.journal.lines() > 2 * records.len() as u64 + SLACK_LINES {
            staged.journal.rewrite(&records)?;
        }
        staged.collect()?;
        Ok(staged)
    }

    /// Takes in what other sessions did.
    pub(crate) fn refresh(&mut self, _locked: &Locked<'_>) -> Result<(), WorkspaceError> {
        let fresh = self.journal.fresh::<Record>()?;
        if fresh.is_restart {
            self.sessions.values_mut().for_each(Own::clear);
        }
        for record in fresh.records {
            self.apply(&record)?;
        }
        Ok(())
    }

    fn apply(&mut self, record: &Record) -> Result<(), WorkspaceError> {
        let damage = |why: &str| WorkspaceError::State {
            file: self.blobs.with_file_name("staged.jsonl"),
            line: 0,
            why: why.to_owned(),
        };
        match record {
            Record::Stage(line) => {
                let staged = line.staged(&self.blobs).map_err(damage)?;
                self.sessions
                    .entry(staged.session)
                    .or_default()
                    .insert(staged);
            }
            Record::Drop { path, session } => {
                let path = EntryPath::from_bytes(path.as_bytes());
                let of = session.as_deref().map(|hex| {
                    SessionId::from_hex(hex).ok_or_else(|| damage("`session` is not 32 hex digits"))
                });
                let of = of.transpose()?;
                for (_, own) in self
                    .sessions
                    .iter_mut()
                    .filter(|(session, _)| of.is_none_or(|of| of == **session))
                {
                    own.remove(&path);
                }
            }
        }
        Ok(())
    }

    /// Raised by every change of what this session holds back.
    pub(crate) fn generation(&self, session: SessionId) -> u64 {
        self.sessions.get(&session).map_or(0, |own| own.generation)
    }

    /// What this viewer sees laid over the tree: a session its own, the user nothing.
    pub(crate) fn of(&self, viewer: Viewer) -> &Entries {
        match viewer {
            Viewer::User => &NOTHING,
            Viewer::Session(session) => self
                .sessions
                .get(&session)
                .map_or(&NOTHING, |own| &own.entries),
        }
    }

    /// What every session holds back.
    pub(crate) fn all(&self) -> impl Iterator<Item = &StagedChange> {
        self.sessions.values().flat_map(|own| own.entries.values())
    }

    /// Keeps a change durably, in place of what the session staged there; what that was based on stays the base.
    pub(crate) fn add(
        &mut self,
        mut change: Change,
        reason: StageReason,
        session: SessionId,
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        let older = self.of(Viewer::Session(session)).get(&change.path).cloned();
        if let Some(older) = &older {
            change.labels = change.labels.join(older.change.labels);
            if change.before == Before::Absent {
                change.before = older.change.before.clone();
            }
        }
        self.check_room(&change, older.as_ref(), session)?;
        if let ChangeKind::Write { content, mode } = &mut change.kind {
            *content = blob::keep(&self.blobs, content, *mode, self.owner)?;
        }
        let staged = StagedChange {
            change,
            reason,
            session,
            wall_unix_ms: now_unix_ms(),
        };
        let record = Record::of(&staged);
        self.journal
            .append(std::slice::from_ref(&record), Durability::Durable)?;
        fault::step("listed");
        self.apply(&record)?;
        self.release(older.iter());
        Ok(())
    }

    /// FAIL-CLOSED: a session that holds back too much holds back no more.
    fn check_room(
        &self,
        change: &Change,
        older: Option<&StagedChange>,
        session: SessionId,
    ) -> Result<(), WorkspaceError> {
        let (held, bytes) = self
            .sessions
            .get(&session)
            .map_or((0, 0), |own| (own.entries.len(), own.bytes));
        let added = match &change.kind {
            ChangeKind::Write { content, .. } => content.len_bytes(),
            _ => 0,
        };
        let kept = bytes.saturating_sub(older.map_or(0, bytes_of));
        let is_new = older.is_none();
        if is_new && held >= self.limits.changes {
            let bound = format!("{} changes", self.limits.changes);
            return Err(WorkspaceError::StageFull { bound });
        }
        if kept.saturating_add(added) > self.limits.bytes {
            let bound = format!("{} bytes", self.limits.bytes);
            return Err(WorkspaceError::StageFull { bound });
        }
        Ok(())
    }

    /// Forgets what these sessions staged at these paths.
    pub(crate) fn remove(
        &mut self,
        of: &[(SessionId, EntryPath)],
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        let found: Vec<StagedChange> = of
            .iter()
            .filter_map(|(session, path)| self.of(Viewer::Session(*session)).get(path).cloned())
            .collect();
        if found.is_empty() {
            return Ok(());
        }
        let records: Vec<Record> = found.iter().map(Record::dropping).collect();
        self.journal.append(&records, Durability::Durable)?;
        records.iter().try_for_each(|record| self.apply(record))?;
        self.release(found.iter());
        Ok(())
    }

    /// Removes the content of changes that are no longer listed, where no other change names it.
    fn release<'a>(&self, gone: impl Iterator<Item = &'a StagedChange>) {
        let mut unnamed: HashSet<PathBuf> =
            gone.filter_map(|staged| self.blob_of(staged)).collect();
        if unnamed.is_empty() {
            return;
        }
        for named in self.all().filter_map(|staged| self.blob_of(staged)) {
            unnamed.remove(&named);
        }
        for blob in unnamed {
            // Left for the next start if it cannot be removed now.
            let _ = std::fs::remove_file(blob);
        }
    }

    fn blob_of(&self, staged: &StagedChange) -> Option<PathBuf> {
        match &staged.change.kind {
            ChangeKind::Write { content, mode } => {
                Some(blob::path(&self.blobs, content.digest(), *mode))
            }
            _ => None,
        }
    }

    /// Removes content that no staged change names.
    fn collect(&self) -> Result<(), WorkspaceError> {
        let named: HashSet<PathBuf> = self
            .all()
            .filter_map(|staged| self.blob_of(staged))
            .collect();
        let io = WorkspaceError::io("list", self.blobs.display());
        for entry in std::fs::read_dir(&self.blobs).map_err(io)?.flatten() {
            if !named.contains(&entry.path()) {
                // Left for the next start if it cannot be removed now.
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }
}

fn now_unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
