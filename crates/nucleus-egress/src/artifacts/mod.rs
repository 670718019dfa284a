//! Holds what registries send to the hashes of the workspace's lockfiles: an artifact without one never arrives whole.
//!
//! The lockfiles are those of the session's start, so a session cannot widen
//! them. What is text (indexes and package descriptions) passes; everything
//! else must have the hash of a locked artifact, and its end is withheld until
//! that is known.

mod lock;
mod passing;
mod pnpm;
mod text;

use std::collections::HashSet;
use std::sync::Arc;

use portcullis::host::{Host, HostPattern};

pub use lock::{LOCKFILES, LockError};
pub(crate) use passing::{Expected, Held, is_refusal};

/// A hash that a lockfile states.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Digest {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

/// The artifacts of lockfiles.
#[derive(Clone, Debug, Default)]
pub struct Artifacts {
    digests: HashSet<Digest>,
    /// Whether an entry was left out because its hash is of a kind that anybody can forge.
    has_weak: bool,
}

impl Artifacts {
    /// Adds the artifacts of a lockfile, which is known by its file name, and says how many they are.
    ///
    /// # Errors
    /// [`LockError`] for a text that is no such lockfile.
    pub fn add(&mut self, file_name: &str, text: &str) -> Result<usize, LockError> {
        let read = lock::read(file_name, text)?;
        let before = self.digests.len();
        self.has_weak |= read.has_weak;
        self.digests.extend(read.digests);
        Ok(self.digests.len() - before)
    }

    /// How many different artifacts are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether no artifact is known, so that none may arrive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Whether an entry has only a hash that is not accepted, such as SHA-1.
    #[must_use]
    pub fn has_weak(&self) -> bool {
        self.has_weak
    }

    fn holds(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }
}

/// The registries that are held to lockfiles.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    hosts: Arc<[HostPattern]>,
    artifacts: Arc<Artifacts>,
}

impl Pinned {
    /// Holds these hosts to these artifacts.
    #[must_use]
    pub fn new(hosts: impl IntoIterator<Item = HostPattern>, artifacts: Artifacts) -> Self {
        Self {
            hosts: hosts.into_iter().collect(),
            artifacts: Arc::new(artifacts),
        }
    }

    /// Whether the host is one of them.
    pub(crate) fn covers(&self, host: &Host, port: u16) -> bool {
        self.hosts.iter().any(|own| own.matches(host, port))
    }

    pub(crate) fn artifacts(&self) -> Arc<Artifacts> {
        Arc::clone(&self.artifacts)
    }
}
