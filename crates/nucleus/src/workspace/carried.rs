//! The labels of one file.

use std::collections::HashMap;

use portcullis::path::RelPath;
use portcullis::{ContentDigest, Exposure};
use rustix::fs::{FileType, Stat};

use super::base::{Base, Labels, Seen, Shown, shown_in};
use super::change::{ChangeKind, path_bytes};
use super::labels::{Known, Repository, is_dependency, subject_of};
use super::tree::{changed_ns, file_type};
use super::{Before, EntryPath, WorkspaceError};

/// Digests of files that did not change since they were taken.
#[derive(Debug, Default)]
pub(crate) struct DigestCache {
    known: HashMap<Vec<u8>, (Stamp, ContentDigest)>,
}

/// Tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed_ns: i128,
    bytes: i64,
}

/// Most digests kept.
const MAX_DIGESTS: usize = 200_000;

impl DigestCache {
    fn find(&self, path: &[u8], stat: &Stat) -> Option<ContentDigest> {
        let (stamp, digest) = self.known.get(path)?;
        (*stamp == Stamp::of(stat)).then_some(*digest)
    }

    /// Keeps a digest, unless the file changed so recently that its time could stand still over another change.
    fn keep(&mut self, path: &[u8], stat: &Stat, digest: ContentDigest) {
        if changed_ns(stat) + super::index::RACY_NS > super::clock::coarse_ns() {
            return;
        }
        if self.known.len() >= MAX_DIGESTS {
            self.known.clear();
        }
        self.known.insert(path.to_vec(), (Stamp::of(stat), digest));
    }
}

impl Stamp {
    fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            changed_ns: changed_ns(stat),
            bytes: stat.st_size,
        }
    }
}

/// The digest that labels know content by: of a file's bytes, or of a link's target.
pub(super) fn label_digest(held: &Before) -> Option<ContentDigest> {
    match held {
        Before::File { digest, .. } => Some(*digest),
        Before::Symlink { target } => Some(ContentDigest::of(path_bytes(target))),
        _ => None,
    }
}

impl Seen<'_> {
    /// FAIL-CLOSED: a file whose labels cannot be told is untrusted.
    pub(super) fn carried(&self, path: &RelPath) -> Exposure {
        self.labels_of(&EntryPath::from(path))
            .unwrap_or(Exposure::UNTRUSTED)
    }

    fn labels_of(&self, path: &EntryPath) -> Result<Exposure, WorkspaceError> {
        let locked = self.state.lock()?;
        let shown = shown_in(self.staged(&locked)?.of(self.viewer), path);
        let mut labels = self.labels(&locked)?;
        match shown {
            Shown::Nothing => Ok(Exposure::NONE),
            Shown::Tree => self.labels_in_tree(&mut labels, path.as_bytes()),
            Shown::Staged(staged) => {
                let own = staged.change.labels;
                match &staged.change.kind {
                    // What is staged is on record with the labels of its session.
                    ChangeKind::Write { .. }
                    | ChangeKind::Symlink { .. }
                    | ChangeKind::Directory { .. } => {
                        let in_dependency =
                            Exposure::UNTRUSTED.when(is_dependency(path.as_bytes()));
                        Ok(own.join(in_dependency))
                    }
                    _ => Ok(own.join(self.labels_in_tree(&mut labels, path.as_bytes())?)),
                }
            }
        }
    }
}

impl Base {
    /// The labels of what the tree holds at a path; none for a directory and for nothing.
    pub(super) fn labels_in_tree(
        &self,
        labels: &mut Labels,
        path: &[u8],
    ) -> Result<Exposure, WorkspaceError> {
        let Some(stat) = self.tree.stat(path)? else {
            return Ok(Exposure::NONE);
        };
        let subject = subject_of(path);
        if subject != path || file_type(&stat) == FileType::Directory {
            return Ok(match labels.store.known(path, None) {
                Known::Labelled(held) => held,
                _ => Exposure::NONE,
            });
        }
        let digest = if labels.store.needs_digest(path) {
            self.digest(labels, path, &stat)?
        } else {
            None
        };
        Ok(match labels.store.known(path, digest) {
            Known::Labelled(held) => held,
            Known::Endorsed => Exposure::NONE,
            Known::Clean => Exposure::UNTRUSTED.when(is_dependency(path)),
            Known::Nothing => Exposure::UNTRUSTED.when(is_foreign(labels, path)),
        })
    }

    /// The digest of what the tree holds, from the cache where it is current.
    fn digest(
        &self,
        labels: &mut Labels,
        path: &[u8],
        stat: &Stat,
    ) -> Result<Option<ContentDigest>, WorkspaceError> {
        if let Some(digest) = labels.digests.find(path, stat) {
            return Ok(Some(digest));
        }
        let digest = label_digest(&Before::at(&self.tree, path)?);
        if let Some(digest) = digest {
            labels.digests.keep(path, stat, digest);
        }
        Ok(digest)
    }
}

/// Whether a directory of the host is somebody else's, as it would be in a workspace: in a
/// tree of dependencies, or in a repository that tracks nothing of it.
pub(crate) fn is_foreign_tree(dir: &std::path::Path, bytes: &[u8]) -> bool {
    is_dependency(bytes)
        || Repository::find(dir).is_some_and(|mut repository| {
            repository.refresh();
            !repository.tracks_any()
        })
}

/// Whether a file that is on no record comes from elsewhere: dependency trees, submodules, and what the repository does not track.
pub(super) fn is_foreign(labels: &Labels, path: &[u8]) -> bool {
    is_dependency(path)
        || labels
            .repository
            .as_ref()
            .is_some_and(|repository| !repository.tracks(path))
}
