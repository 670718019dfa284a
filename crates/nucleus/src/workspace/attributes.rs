//! What a layer copies of a directory of the real tree that it shows: the topmost layer's attributes are what a command sees.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Timestamps};

use super::WorkspaceError;
use super::tree::{Tree, file_type, modified_ns, permissions};

/// Mode, time and owner of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attributes {
    mode: u32,
    modified_s: i64,
    modified_ns: i64,
    owner: (u32, u32),
}

impl Attributes {
    /// Gives a directory of ours these attributes; the owner only where we may.
    pub(crate) fn give(&self, at: &Path, is_root: bool) -> std::io::Result<()> {
        if is_root {
            let (uid, gid) = self.owner;
            let (uid, gid) = (
                rustix::fs::Uid::from_raw(uid),
                rustix::fs::Gid::from_raw(gid),
            );
            rustix::fs::chownat(CWD, at, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        std::fs::set_permissions(at, Permissions::from_mode(self.mode))?;
        let time = rustix::fs::Timespec {
            tv_sec: self.modified_s,
            tv_nsec: self.modified_ns,
        };
        let times = Timestamps {
            last_access: time,
            last_modification: time,
        };
        Ok(rustix::fs::utimensat(
            CWD,
            at,
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }
}

/// The attributes of a directory of the real tree, if it is one.
pub(crate) fn attributes(root: &Tree, path: &Path) -> Result<Option<Attributes>, WorkspaceError> {
    let found = root.stat(path.as_os_str().as_encoded_bytes())?;
    Ok(found
        .filter(|stat| file_type(stat) == FileType::Directory)
        .map(|stat| {
            let time = modified_ns(&stat);
            Attributes {
                mode: permissions(&stat),
                modified_s: time.div_euclid(1_000_000_000) as i64,
                modified_ns: time.rem_euclid(1_000_000_000) as i64,
                owner: (stat.st_uid, stat.st_gid),
            }
        }))
}
