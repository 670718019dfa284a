//! Files that hold staged content, named by digest and mode; written whole and flushed before they have a name.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis::ContentDigest;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::workspace::change::Source;
use crate::workspace::{HeldContent, WorkspaceError, fault};

/// Where content of this digest and mode is kept.
pub(super) fn path(blobs: &Path, digest: ContentDigest, mode: u32) -> PathBuf {
    blobs.join(format!("{digest}-{mode:03o}"))
}

/// Keeps the content, durable, and gives it back as held there. Owner and mode are those a layer shows.
pub(super) fn keep(
    blobs: &Path,
    content: &HeldContent,
    mode: u32,
    owner: Option<(rustix::fs::Uid, rustix::fs::Gid)>,
) -> Result<HeldContent, WorkspaceError> {
    let path = path(blobs, content.digest(), mode);
    let io = |errno: Errno| WorkspaceError::io("stage", path.display())(errno);
    let kept = || {
        HeldContent::at(
            content.digest(),
            content.len_bytes(),
            Source::File(Arc::from(path.as_path())),
        )
    };
    if path.exists() {
        return Ok(kept());
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut file =
        File::from(rustix::fs::open(blobs, flags, Mode::from_raw_mode(0o600)).map_err(io)?);
    content.copy_into(&mut file, path.as_os_str().as_encoded_bytes())?;
    if let Some((uid, gid)) = owner {
        rustix::fs::fchown(&file, Some(uid), Some(gid)).map_err(io)?;
    }
    // The owner can always read it again to land it.
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode | 0o400)).map_err(io)?;
    rustix::fs::fsync(&file).map_err(io)?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(
        rustix::fs::CWD,
        unnamed,
        rustix::fs::CWD,
        &path,
        AtFlags::SYMLINK_FOLLOW,
    ) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(io(errno)),
    }
    crate::workspace::journal::sync_parent(&path)?;
    fault::step("content kept");
    Ok(kept())
}
