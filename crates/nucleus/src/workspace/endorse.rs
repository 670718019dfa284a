//! Endorses exactly what the user was shown: a path counts as trusted only while it holds that very content.

use portcullis::ContentDigest;
use portcullis::digest::FieldHasher;
use portcullis::path::RelPath;

use super::base::{Base, Seen, Viewer};
use super::carried::label_digest;
use super::labels::subject_of;
use super::tree::joined;
use super::{Before, EntryPath, EntryType, WorkspaceError};

/// Most references of a repository that are read: more than any real one has.
const MAX_REFERENCES: usize = 1_000_000;

/// Something that can be endorsed, with the digest of what it holds when it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endorsable {
    /// A file or link, or a git directory, which is one object.
    pub path: EntryPath,
    /// Of a file's bytes, of a link's target, or of all references of a git directory.
    pub digest: ContentDigest,
    /// Whether it is a git directory.
    pub is_repository: bool,
}

impl Base {
    /// What these paths hold now: each file below them, and each git directory as one object.
    pub(super) fn endorsable(&self, paths: &[RelPath]) -> Result<Vec<Endorsable>, WorkspaceError> {
        let seen = self.seen_by(Viewer::User);
        let mut found = Vec::new();
        for path in paths {
            let kind = seen.metadata(path)?.kind;
            seen.collect_endorsable(&EntryPath::from(path), kind, &mut found)?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Clears the labels of these, durably, if each still holds what was shown; else of none.
    pub(super) fn endorse(&self, shown: &[Endorsable]) -> Result<(), WorkspaceError> {
        let locked = self.state.lock()?;
        let mut endorsed = Vec::with_capacity(shown.len());
        for one in shown {
            // FAIL-CLOSED: content that nobody was shown is not trusted.
            if self.endorsable_now(&one.path)? != *one {
                return Err(WorkspaceError::NotAsShown(one.path.to_string()));
            }
            let digest = (!one.is_repository).then_some(one.digest);
            endorsed.push((one.path.as_bytes().to_vec(), digest));
        }
        self.labels(&locked)?.store.endorse(&endorsed, &locked)
    }

    fn endorsable_now(&self, path: &EntryPath) -> Result<Endorsable, WorkspaceError> {
        let held = Before::at(&self.tree, path.as_bytes())?;
        let is_repository = is_git(path.as_bytes());
        let digest = match (&held, is_repository) {
            (Before::Directory { .. }, true) => Some(self.references(path.as_bytes())?),
            _ => label_digest(&held),
        };
        let digest = digest.ok_or_else(|| WorkspaceError::NotAsShown(path.to_string()))?;
        Ok(Endorsable {
            path: path.clone(),
            digest,
            is_repository,
        })
    }

    /// The digest of every reference of a git directory, which name all commits and their messages.
    fn references(&self, git_dir: &[u8]) -> Result<ContentDigest, WorkspaceError> {
        let mut files = vec![joined(git_dir, b"HEAD"), joined(git_dir, b"packed-refs")];
        self.collect_files(&joined(git_dir, b"refs"), &mut files)?;
        files.sort();
        let mut hasher = FieldHasher::new("nucleus-repository");
        for file in files {
            let Some(held) = label_digest(&Before::at(&self.tree, &file)?) else {
                continue;
            };
            hasher = hasher
                .text(String::from_utf8_lossy(&file))
                .text(held.to_string());
        }
        Ok(ContentDigest::from_bytes(hasher.finish()))
    }

    fn collect_files(&self, dir: &[u8], files: &mut Vec<Vec<u8>>) -> Result<(), WorkspaceError> {
        let seen = self.seen_by(Viewer::User);
        if files.len() > MAX_REFERENCES {
            return Err(WorkspaceError::TooLarge {
                what: "the number of references".to_owned(),
                bound: format!("{MAX_REFERENCES}"),
            });
        }
        let entries = match seen.tree_entries(&EntryPath::from_bytes(dir)) {
            Err(WorkspaceError::NotFound(_)) => return Ok(()),
            other => other?,
        };
        for (path, kind) in entries {
            match kind {
                EntryType::Directory => self.collect_files(&path, files)?,
                _ => files.push(path),
            }
        }
        Ok(())
    }
}

impl Seen<'_> {
    fn collect_endorsable(
        &self,
        path: &EntryPath,
        kind: EntryType,
        found: &mut Vec<Endorsable>,
    ) -> Result<(), WorkspaceError> {
        let bytes = path.as_bytes();
        let subject = subject_of(bytes);
        if subject != bytes || is_git(bytes) {
            found.push(self.endorsable_now(&EntryPath::from_bytes(subject))?);
            return Ok(());
        }
        match kind {
            EntryType::Directory => self
                .list_all(path)?
                .iter()
                .try_for_each(|entry| self.collect_endorsable(&entry.path, entry.kind, found)),
            EntryType::File | EntryType::Symlink => {
                found.push(self.endorsable_now(path)?);
                Ok(())
            }
            EntryType::Other => Ok(()),
        }
    }
}

fn is_git(path: &[u8]) -> bool {
    path == b".git" || path.ends_with(b"/.git")
}
