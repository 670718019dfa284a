//! Remembers by path and by digest what sessions wrote and what the user endorsed.

use std::collections::{HashMap, HashSet};

use portcullis::{ContentDigest, Exposure};

use super::record::{PathText, Record, digest, labels};
use crate::workspace::journal::{Durability, Journal};
use crate::workspace::state::{Locked, State};
use crate::workspace::{WorkspaceError, fault};

/// Version of the label file.
const VERSION: u32 = 1;
/// Lines beyond twice what is known before the file is rewritten at start.
const SLACK_LINES: u64 = 4096;

/// Something a session lands.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// Where.
    pub(crate) path: Vec<u8>,
    /// The digest of what it will hold.
    pub(crate) digest: Option<ContentDigest>,
    /// The digest of what it held.
    pub(crate) before: Option<ContentDigest>,
    /// The labels of the session.
    pub(crate) labels: Exposure,
}

/// What is known of a path that holds certain content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    Nothing,
    /// A session wrote exactly this while it was not untrusted.
    Clean,
    /// The user endorsed exactly this.
    Endorsed,
    /// It carries these labels.
    Labelled(Exposure),
}

#[derive(Debug, Clone)]
struct Entry {
    labels: Exposure,
    digest: Option<ContentDigest>,
    before: Option<ContentDigest>,
    is_endorsed: bool,
}

/// The labels on record. Each method that writes is called under the state lock.
#[derive(Debug)]
pub(crate) struct LabelStore {
    journal: Journal,
    entries: HashMap<Vec<u8>, Entry>,
    contents: HashSet<ContentDigest>,
}

/// What a label is attached to: the path, or for anything in a git directory that directory as one object.
pub(crate) fn subject_of(path: &[u8]) -> &[u8] {
    let mut end = 0;
    for name in path.split(|byte| *byte == b'/') {
        end += name.len();
        if name.eq_ignore_ascii_case(b".git") {
            return &path[..end];
        }
        end += 1;
    }
    path
}

fn is_repository(subject: &[u8]) -> bool {
    subject
        .rsplit(|byte| *byte == b'/')
        .next()
        .is_some_and(|name| name.eq_ignore_ascii_case(b".git"))
}

impl LabelStore {
    /// Reads the file, and shortens it where that is worth it.
    pub(crate) fn open(state: &State, locked: &Locked<'_>) -> Result<Self, WorkspaceError> {
        let mut store = Self {
            journal: Journal::open(&state.dir().join("labels.jsonl"), "nucleus-labels", VERSION)?,
            entries: HashMap::new(),
            contents: HashSet::new(),
        };
        store.refresh(locked)?;
        let known = (store.entries.len() + store.contents.len()) as u64;
        if store.journal.lines() > 2 * known + SLACK_LINES {
            let records = store.records();
            store.journal.rewrite(&records)?;
        }
        Ok(store)
    }

    /// Takes in what other sessions recorded.
    pub(crate) fn refresh(&mut self, _locked: &Locked<'_>) -> Result<(), WorkspaceError> {
        let fresh = self.journal.fresh::<Record>()?;
        if fresh.is_restart {
            self.entries.clear();
            self.contents.clear();
        }
        fresh
            .records
            .iter()
            .try_for_each(|record| self.apply(record))
    }

    /// Records what is about to land. Labels are durable when this returns.
    pub(crate) fn write(
        &mut self,
        written: &[Written],
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        let records: Vec<Record> = written
            .iter()
            .filter(|w| self.is_news(w))
            .map(write_record)
            .collect();
        if records.is_empty() {
            return Ok(());
        }
        let is_labelled = written.iter().any(|one| one.labels != Exposure::NONE);
        self.journal.append(
            &records,
            // A lost line of a clean session makes a new file untrusted, which is the safe side.
            if is_labelled {
                Durability::Durable
            } else {
                Durability::Buffered
            },
        )?;
        fault::step("labelled");
        records.iter().try_for_each(|record| self.apply(record))
    }

    /// Records that the user trusts these paths with these contents.
    pub(crate) fn endorse(
        &mut self,
        endorsed: &[(Vec<u8>, Option<ContentDigest>)],
        _locked: &Locked<'_>,
    ) -> Result<(), WorkspaceError> {
        let records: Vec<Record> = endorsed
            .iter()
            .map(|(path, digest)| Record::Endorse {
                path: PathText::of(subject_of(path)),
                digest: digest.map(|d| d.to_string()),
            })
            .collect();
        self.journal.append(&records, Durability::Durable)?;
        records.iter().try_for_each(|record| self.apply(record))
    }

    /// What is known of a path that holds content of this digest now.
    pub(crate) fn known(&self, path: &[u8], digest: Option<ContentDigest>) -> Known {
        let subject = subject_of(path);
        if is_repository(subject) {
            return match self.entries.get(subject) {
                Some(entry) if entry.labels != Exposure::NONE => Known::Labelled(entry.labels),
                Some(entry) if entry.is_endorsed => Known::Endorsed,
                _ => Known::Nothing,
            };
        }
        if let Some(entry) = self.entries.get(path) {
            if entry.labels != Exposure::NONE && !is_same(digest, entry.before) {
                return Known::Labelled(entry.labels);
            }
            if entry.labels == Exposure::NONE && is_same(digest, entry.digest) {
                return if entry.is_endorsed {
                    Known::Endorsed
                } else {
                    Known::Clean
                };
            }
        }
        match digest {
            Some(digest) if self.contents.contains(&digest) => Known::Labelled(Exposure::UNTRUSTED),
            _ => Known::Nothing,
        }
    }

    /// Whether what is known depends on what the path holds.
    pub(crate) fn needs_digest(&self, path: &[u8]) -> bool {
        !self.contents.is_empty() || self.entries.contains_key(path)
    }

    /// Paths on record with labels.
    pub(crate) fn labelled(&self) -> impl Iterator<Item = &[u8]> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.labels != Exposure::NONE)
            .map(|(path, _)| path.as_slice())
    }

    /// Whether a record would change what is known.
    fn is_news(&self, written: &Written) -> bool {
        let subject = subject_of(&written.path);
        if is_repository(subject) {
            let known = self
                .entries
                .get(subject)
                .map_or(Exposure::NONE, |entry| entry.labels);
            return !written.labels.leq(known);
        }
        true
    }

    fn apply(&mut self, record: &Record) -> Result<(), WorkspaceError> {
        self.apply_checked(record)
            .map_err(|why| WorkspaceError::State {
                file: "labels.jsonl".into(),
                line: 0,
                why: why.to_owned(),
            })
    }

    fn apply_checked(&mut self, record: &Record) -> Result<(), &'static str> {
        let wrong = "`path` is not hex";
        match record {
            Record::Write {
                path,
                digest: hex,
                before,
                labels: bits,
            } => self.apply_write(Written {
                path: path.bytes().ok_or(wrong)?,
                digest: digest(hex.as_deref())?,
                before: digest(before.as_deref())?,
                labels: labels(*bits)?,
            }),
            Record::Endorse { path, digest: hex } => {
                let digest = digest(hex.as_deref())?;
                if let Some(digest) = digest {
                    self.contents.remove(&digest);
                }
                let entry = Entry {
                    labels: Exposure::NONE,
                    digest,
                    before: None,
                    is_endorsed: true,
                };
                self.entries.insert(path.bytes().ok_or(wrong)?, entry);
            }
            Record::Content { digest: hex } => {
                self.contents.extend(digest(Some(hex))?);
            }
        }
        Ok(())
    }

    fn apply_write(&mut self, written: Written) {
        let subject = subject_of(&written.path).to_vec();
        let older = self.entries.get(&subject);
        let held = older.map_or(Exposure::NONE, |entry| entry.labels);
        if written.labels == Exposure::NONE && held != Exposure::NONE {
            // Only an endorsement clears.
            return;
        }
        let before = match older {
            Some(entry) if held != Exposure::NONE => entry.before,
            _ => written.before,
        };
        if written.labels.contains(portcullis::Label::UntrustedContent) && subject == written.path {
            // Nothing can be read out of an empty file, and every other empty file has the same digest.
            let empty = ContentDigest::of(b"");
            self.contents
                .extend(written.digest.filter(|digest| *digest != empty));
        }
        let entry = Entry {
            labels: held.join(written.labels),
            digest: written.digest,
            before,
            is_endorsed: false,
        };
        self.entries.insert(subject, entry);
    }

    /// Everything known, as lines.
    fn records(&self) -> Vec<Record> {
        let contents = self.contents.iter().map(|digest| Record::Content {
            digest: digest.to_string(),
        });
        let entries = self
            .entries
            .iter()
            .map(|(path, entry)| match entry.is_endorsed {
                true => Record::Endorse {
                    path: PathText::of(path),
                    digest: entry.digest.map(|d| d.to_string()),
                },
                false => write_record(&Written {
                    path: path.clone(),
                    digest: entry.digest,
                    before: entry.before,
                    labels: entry.labels,
                }),
            });
        // Endorsements first: they also clear contents, which the other lines then state again.
        let (endorsed, rest): (Vec<_>, Vec<_>) =
            entries.partition(|record| matches!(record, Record::Endorse { .. }));
        endorsed.into_iter().chain(rest).chain(contents).collect()
    }
}

fn is_same(now: Option<ContentDigest>, then: Option<ContentDigest>) -> bool {
    now.is_some() && now == then
}

fn write_record(written: &Written) -> Record {
    Record::Write {
        path: PathText::of(subject_of(&written.path)),
        digest: written.digest.map(|d| d.to_string()),
        before: written.before.map(|d| d.to_string()),
        labels: written.labels.bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::subject_of;

    #[test]
    fn a_repository_is_one_object() {
        assert_eq!(subject_of(b".git/refs/heads/main"), b".git");
        assert_eq!(subject_of(b"a/.git/logs/HEAD"), b"a/.git");
        assert_eq!(subject_of(b"a/.github/x"), b"a/.github/x");
    }
}
