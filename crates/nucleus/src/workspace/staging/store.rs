//! The staged changes of a workspace, shared by its sessions.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis::SessionId;

use super::blob;
use super::record::Record;
use crate::workspace::journal::{Durability, Journal};
use crate::workspace::state::{Locked, State};
use crate::workspace::{
    Before, Change, ChangeKind, EntryPath, StageReason, StagedChange, WorkspaceError, fault,
};

/// Version of the manifest.
const VERSION: u32 = 1;
/// Lines beyond twice what is staged before the manifest is rewritten at start.
const SLACK_LINES: u64 = 1024;

/// What is staged. Each method is called under the state lock.
#[derive(Debug)]
pub(crate) struct Staged {
    journal: Journal,
    blobs: PathBuf,
    owner: Option<(rustix::fs::Uid, rustix::fs::Gid)>,
    entries: BTreeMap<EntryPath, StagedChange>,
    generation: u64,
}

impl Staged {
    /// Reads the manifest, shortens it and removes content that nothing names.
    pub(crate) fn open(
        state: &State,
        owner: Option<(rustix::fs::Uid, rustix::fs::Gid)>,
        locked: &Locked<'_>,
    ) -> Result<Self, WorkspaceError> {
        let mut staged = Self {
            journal: Journal::open(&state.dir().join("staged.jsonl"), "nucleus-staged", VERSION)?,
            blobs: state.blobs(),
            owner,
            entries: BTreeMap::new(),
            generation: 0,
        };
        staged.refresh(locked)?;
        if staged.journal.lines() > 2 * staged.entries.len() as u64 + SLACK_LINES {
            let records: Vec<Record> = staged.entries.values().map(Record::of).collect();
            staged.journal.rewrite(&records)?;
        }
        staged.collect()?;
        Ok(staged)
    }

    /// Takes in what other sessions did.
    pub(crate) fn refresh(&mut self, _locked: &Locked<'_>) -> Result<(), WorkspaceError> {
        let fresh = self.journal.fresh::<Record>()?;
        if fresh.is_restart {
            self.entries.clear();
            self.generation += 1;
        }
        for record in fresh.records {
            self.apply(&record)?;
        }
        Ok(())
    }

    fn apply(&mut self, record: &Record) -> Result<(), WorkspaceError> {
        self.generation += 1;
        match record {
            Record::Stage(line) => {
                let staged = line
                    .staged(&self.blobs)
                    .map_err(|why| WorkspaceError::State {
                        file: self.blobs.with_file_name("staged.jsonl"),
                        line: 0,
                        why: why.to_owned(),
                    })?;
                self.entries.insert(staged.change.path.clone(), staged);
            }
            Record::Drop { path } => {
                self.entries.remove(&EntryPath::from_bytes(path.as_bytes()));
            }
        }
        Ok(())
    }

    /// Raised by every change.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// By path.
    pub(crate) fn entries(&self) -> &BTreeMap<EntryPath, StagedChange> {
        &self.entries
    }

    /// Keeps a change durably, in place of what was staged there; what that was based on stays the base.
    pub(crate) fn add(
        &mut self,
        mut change: Change,
        reason: StageReason,
        session: SessionId,
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        if let Some(older) = self.entries.get(&change.path) {
            change.labels = change.labels.join(older.change.labels);
            if change.before == Before::Absent {
                change.before = older.change.before.clone();
            }
        }
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
        self.apply(&record)
    }

    /// Forgets what is staged at these paths.
    pub(crate) fn remove(
        &mut self,
        paths: &[EntryPath],
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        let records: Vec<Record> = paths
            .iter()
            .filter(|path| self.entries.contains_key(path))
            .map(|path| Record::Drop {
                path: String::from_utf8_lossy(path.as_bytes()).into_owned(),
            })
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        self.journal.append(&records, Durability::Durable)?;
        records.iter().try_for_each(|record| self.apply(record))
    }

    /// Removes content that no staged change names.
    fn collect(&self) -> Result<(), WorkspaceError> {
        let named: HashSet<PathBuf> = self
            .entries
            .values()
            .filter_map(|staged| match &staged.change.kind {
                ChangeKind::Write { content, mode } => {
                    Some(blob::path(&self.blobs, content.digest(), *mode))
                }
                _ => None,
            })
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
