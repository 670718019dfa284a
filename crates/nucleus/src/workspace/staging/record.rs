//! The lines of the manifest of staged changes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::{ContentDigest, Exposure, Reasons, SessionId};
use serde::{Deserialize, Serialize};

use crate::workspace::change::{Source, path_bytes};
use crate::workspace::{
    Before, Change, ChangeKind, EntryPath, HeldContent, Origin, StageReason, StagedChange,
};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Record {
    /// A change is staged, in place of what its session staged at that path.
    Stage(StageLine),
    /// The session stages nothing at that path any more.
    Drop {
        /// The path.
        path: String,
        /// The session; every session's where it is absent, as the first manifests wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
    },
}

/// A staged change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageLine {
    path: String,
    change: Kind,
    before: Held,
    labels: u8,
    reason: String,
    reasons: u16,
    session: String,
    wall_unix_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Kind {
    Write {
        digest: String,
        bytes: u64,
        mode: u32,
    },
    Directory {
        mode: u32,
    },
    Symlink {
        target_hex: String,
    },
    Mode {
        mode: u32,
    },
    Delete {},
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "held", rename_all = "snake_case", deny_unknown_fields)]
enum Held {
    Absent {},
    File { digest: String, mode: u32 },
    Directory { mode: u32 },
    Symlink { target_hex: String },
    Other {},
}

impl Record {
    /// The line for a staged change.
    pub(super) fn of(staged: &StagedChange) -> Self {
        let change = &staged.change;
        let reasons = match staged.reason {
            StageReason::Approval(reasons) => reasons,
            _ => Reasons::NONE,
        };
        Self::Stage(StageLine {
            path: String::from_utf8_lossy(change.path.as_bytes()).into_owned(),
            change: Kind::of(&change.kind),
            before: Held::of(&change.before),
            labels: change.labels.bits(),
            reason: staged.reason.name().to_owned(),
            reasons: reasons.bits(),
            session: staged.session.to_string(),
            wall_unix_ms: staged.wall_unix_ms,
        })
    }
}

impl Record {
    /// The line that takes a staged change off the list.
    pub(super) fn dropping(staged: &StagedChange) -> Self {
        Self::Drop {
            path: String::from_utf8_lossy(staged.change.path.as_bytes()).into_owned(),
            session: Some(staged.session.to_string()),
        }
    }
}

impl StageLine {
    /// The staged change of a line, or which field is out of range.
    pub(super) fn staged(&self, blobs: &Path) -> Result<StagedChange, &'static str> {
        let path = EntryPath::from_bytes(self.path.as_bytes());
        if path.rel().is_none() {
            return Err("`path` is not canonical");
        }
        let session = SessionId::from_hex(&self.session).ok_or("`session` is not 32 hex digits")?;
        let reasons = Reasons::from_bits(self.reasons).ok_or("`reasons` has an unknown bit")?;
        Ok(StagedChange {
            change: Change {
                path,
                kind: self.change.parse(blobs)?,
                before: self.before.parse()?,
                labels: Exposure::from_bits(self.labels).ok_or("`labels` has an unknown bit")?,
                origin: Origin::Staged(session),
            },
            reason: reason(&self.reason, reasons).ok_or("`reason` is unknown")?,
            session,
            wall_unix_ms: self.wall_unix_ms,
        })
    }
}

fn reason(name: &str, reasons: Reasons) -> Option<StageReason> {
    [
        StageReason::Approval(reasons),
        StageReason::Conflict,
        StageReason::LeavingLink,
        StageReason::Failed,
    ]
    .into_iter()
    .find(|reason| reason.name() == name)
}

impl Kind {
    fn of(kind: &ChangeKind) -> Self {
        match kind {
            ChangeKind::Write { content, mode } => Self::Write {
                digest: content.digest().to_string(),
                bytes: content.len_bytes(),
                mode: *mode,
            },
            ChangeKind::Directory { mode } => Self::Directory { mode: *mode },
            ChangeKind::Symlink { target } => Self::Symlink {
                target_hex: to_hex(path_bytes(target)),
            },
            ChangeKind::Mode { mode } => Self::Mode { mode: *mode },
            ChangeKind::Delete => Self::Delete {},
        }
    }

    fn parse(&self, blobs: &Path) -> Result<ChangeKind, &'static str> {
        Ok(match self {
            Self::Write {
                digest,
                bytes,
                mode,
            } => {
                let digest = parse_digest(digest)?;
                let mode = parse_mode(*mode)?;
                let blob: Arc<Path> = super::blob::path(blobs, digest, mode).into();
                ChangeKind::Write {
                    content: HeldContent::at(digest, *bytes, Source::File(blob)),
                    mode,
                }
            }
            Self::Directory { mode } => ChangeKind::Directory {
                mode: parse_mode(*mode)?,
            },
            Self::Symlink { target_hex } => ChangeKind::Symlink {
                target: parse_target(target_hex)?,
            },
            Self::Mode { mode } => ChangeKind::Mode {
                mode: parse_mode(*mode)?,
            },
            Self::Delete {} => ChangeKind::Delete,
        })
    }
}

impl Held {
    fn of(before: &Before) -> Self {
        match before {
            Before::Absent => Self::Absent {},
            Before::File { digest, mode } => Self::File {
                digest: digest.to_string(),
                mode: *mode,
            },
            Before::Directory { mode } => Self::Directory { mode: *mode },
            Before::Symlink { target } => Self::Symlink {
                target_hex: to_hex(path_bytes(target)),
            },
            Before::Other => Self::Other {},
        }
    }

    fn parse(&self) -> Result<Before, &'static str> {
        Ok(match self {
            Self::Absent {} => Before::Absent,
            Self::File { digest, mode } => Before::File {
                digest: parse_digest(digest)?,
                mode: parse_mode(*mode)?,
            },
            Self::Directory { mode } => Before::Directory {
                mode: parse_mode(*mode)?,
            },
            Self::Symlink { target_hex } => Before::Symlink {
                target: parse_target(target_hex)?,
            },
            Self::Other {} => Before::Other,
        })
    }
}

fn parse_digest(text: &str) -> Result<ContentDigest, &'static str> {
    ContentDigest::from_hex(text).ok_or("`digest` is not 64 hex digits")
}

fn parse_mode(mode: u32) -> Result<u32, &'static str> {
    (mode & !0o777 == 0)
        .then_some(mode)
        .ok_or("`mode` has bits beyond 0777")
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_target(hex: &str) -> Result<PathBuf, &'static str> {
    let wrong = "`target_hex` is not hex";
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return Err(wrong);
    }
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect();
    bytes
        .map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)))
        .ok_or(wrong)
}
