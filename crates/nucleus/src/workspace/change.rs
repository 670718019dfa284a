//! One change of one path, with the content it lands from and what it was based on.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::digest::FieldHasher;
use portcullis::{Content, ContentDigest, Exposure, Operation, OperationSet, SessionId};

use super::EntryPath;
use super::state::RunDir;

/// One change, in landing order of its command.
///
/// A change becomes a request with [`Change::operations`], the subject `Subject::Path` of [`EntryPath::rel`] and the content
/// [`Change::content`], whose digest covers kind, mode, bytes, link target and what the change was based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: EntryPath,
    /// What.
    pub kind: ChangeKind,
    /// What the real tree held when the change was made; anything else is a conflict.
    pub before: Before,
    /// Source labels of whoever made it; they stay with the file.
    pub labels: Exposure,
    /// Where the change comes from.
    pub origin: Origin,
}

/// What happens to the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// A regular file with this content, new or replaced.
    Write {
        /// The bytes.
        content: HeldContent,
        /// Permission bits, none of 07000.
        mode: u32,
    },
    /// A directory, made where there is none.
    Directory {
        /// Permission bits, none of 07000.
        mode: u32,
    },
    /// A symbolic link, new or replaced; never followed.
    Symlink {
        /// What it says.
        target: PathBuf,
    },
    /// Other permission bits, same content.
    Mode {
        /// Permission bits, none of 07000.
        mode: u32,
    },
    /// Gone; a directory must be empty by then.
    Delete,
}

/// What the real tree held at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// The digest of its bytes.
        digest: ContentDigest,
        /// Permission bits.
        mode: u32,
    },
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// A symbolic link.
    Symlink {
        /// What it says.
        target: PathBuf,
    },
    /// A FIFO, socket or device, or a file that cannot be read: nothing replaces it.
    Other,
}

/// Where a change comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A command's layer of changes.
    Command,
    /// A tool of the host.
    Tool,
    /// What this session staged, taken up again by the user on the host.
    Staged(SessionId),
}

/// Bytes that nobody but us can change, with their digest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HeldContent {
    digest: ContentDigest,
    bytes: u64,
    source: Source,
}

/// The layer of changes of a dead jail, and the directory it is kept in if that is one of ours.
#[derive(Debug)]
pub(crate) struct DeadLayer {
    pub(crate) dir: OwnedFd,
    pub(crate) _kept: Option<RunDir>,
}

/// Where the bytes lie.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// In memory.
    Memory(Arc<[u8]>),
    /// In a file of a dead jail's upper layer.
    Layer(Arc<DeadLayer>, PathBuf),
    /// In a file of the state directory.
    File(Arc<Path>),
}

impl PartialEq for HeldContent {
    /// The same digest.
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for HeldContent {}

impl HeldContent {
    /// Holds bytes in memory.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self {
            digest: ContentDigest::of(&bytes),
            bytes: bytes.len() as u64,
            source: Source::Memory(bytes),
        }
    }

    /// Holds a file of ours, whose digest was taken from the bytes at `source`.
    pub(crate) fn at(digest: ContentDigest, bytes: u64, source: Source) -> Self {
        Self {
            digest,
            bytes,
            source,
        }
    }

    /// The digest of the bytes.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        self.digest
    }

    /// How many there are.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.bytes
    }

    /// Where they are.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }
}

impl Change {
    /// `edit_files` for a file that is changed in place, `write_files` for everything else.
    #[must_use]
    pub fn operations(&self) -> OperationSet {
        let edits = matches!(
            (&self.kind, &self.before),
            (
                ChangeKind::Write { .. } | ChangeKind::Mode { .. },
                Before::File { .. }
            )
        );
        OperationSet::of(if edits {
            Operation::EditFiles
        } else {
            Operation::WriteFiles
        })
    }

    /// What the request of this change brings along; [`super::WorkspaceView::land`] accepts no other.
    #[must_use]
    pub fn content(&self) -> Content {
        Content::Staged(self.digest())
    }

    /// The digest of everything that decides what the change does.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        let hasher = FieldHasher::new("nucleus workspace change v1").field(self.path.as_bytes());
        let hasher = match &self.kind {
            ChangeKind::Write { content, mode } => hasher
                .text("write")
                .field(content.digest().as_bytes())
                .number(u64::from(*mode)),
            ChangeKind::Directory { mode } => hasher.text("directory").number(u64::from(*mode)),
            ChangeKind::Symlink { target } => hasher.text("symlink").field(path_bytes(target)),
            ChangeKind::Mode { mode } => hasher.text("mode").number(u64::from(*mode)),
            ChangeKind::Delete => hasher.text("delete"),
        };
        ContentDigest::from_bytes(self.before.digest_into(hasher).finish())
    }

    /// What it does, in one word.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match (&self.kind, &self.before) {
            (ChangeKind::Write { .. } | ChangeKind::Symlink { .. }, Before::Absent) => "create",
            (ChangeKind::Write { .. } | ChangeKind::Symlink { .. }, _) => "modify",
            (ChangeKind::Directory { .. }, _) => "mkdir",
            (ChangeKind::Mode { .. }, _) => "chmod",
            (ChangeKind::Delete, _) => "delete",
        }
    }

    /// The same change with more source labels.
    #[must_use]
    pub fn carrying(mut self, labels: Exposure) -> Self {
        self.labels = self.labels.join(labels.sources());
        self
    }
}

impl Before {
    fn digest_into(&self, hasher: FieldHasher) -> FieldHasher {
        match self {
            Self::Absent => hasher.text("absent"),
            Self::File { digest, mode } => hasher
                .text("file")
                .field(digest.as_bytes())
                .number(u64::from(*mode)),
            Self::Directory { mode } => hasher.text("directory").number(u64::from(*mode)),
            Self::Symlink { target } => hasher.text("symlink").field(path_bytes(target)),
            Self::Other => hasher.text("other"),
        }
    }
}

pub(crate) fn path_bytes(path: &Path) -> &[u8] {
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes()
}
