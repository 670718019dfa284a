//! The host's mount table and file system types, for trees that must be whole and known.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The mount points of this process's namespace.
pub(crate) struct MountTable(Vec<PathBuf>);

impl MountTable {
    pub(crate) fn read() -> Result<Self, Error> {
        let text = std::fs::read("/proc/self/mountinfo")
            .map_err(Error::host("reading the mount table"))?;
        Ok(Self::parse(&text))
    }

    fn parse(text: &[u8]) -> Self {
        let lines = text.split(|&byte| byte == b'\n');
        Self(
            lines
                .filter_map(|line| line.split(|&byte| byte == b' ').nth(4))
                .map(unescape)
                .collect(),
        )
    }

    /// Refuses a tree with a mount point inside.
    pub(crate) fn check_whole(&self, tree: &Path) -> Result<(), Error> {
        let tree = std::fs::canonicalize(tree).map_err(Error::host("resolving a tree"))?;
        match self
            .0
            .iter()
            .find(|mount| **mount != tree && mount.starts_with(&tree))
        {
            Some(mount) => Err(Error::NestedMount {
                tree,
                mount: mount.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// The table writes space, tab, newline and backslash as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        if let (b'\\', Some((digits, tail))) = (byte, tail.split_first_chunk::<3>()) {
            out.push(digits.iter().fold(0u8, |n, digit| {
                n.wrapping_mul(8).wrapping_add(digit.wrapping_sub(b'0'))
            }));
            rest = tail;
        } else {
            out.push(byte);
            rest = tail;
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

/// File systems whose overlays are known to hold: ext2/3/4, xfs, btrfs, tmpfs.
const KNOWN: [i64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994];

/// Refuses a tree on a file system on which overlays are not known to hold.
pub(crate) fn check_filesystem(tree: &Path) -> Result<(), Error> {
    let stat = rustix::fs::statfs(tree)
        .map_err(io::Error::from)
        .map_err(Error::host("asking for a file system"))?;
    #[allow(
        clippy::unnecessary_cast,
        reason = "the type differs between architectures"
    )]
    let kind = stat.f_type as i64;
    if KNOWN.contains(&kind) {
        return Ok(());
    }
    Err(Error::UnsupportedFilesystem {
        tree: tree.to_owned(),
        filesystem: name_of(kind),
    })
}

fn name_of(kind: i64) -> String {
    let known = [
        (0x6969, "nfs"),
        (0x6573_5546, "fuse"),
        (0x794c_7630, "overlay"),
        (0x0102_1997, "9p"),
        (0x4244_4d53, "smb"),
        (0xff53_4d42, "cifs"),
        (0x4d44, "vfat"),
        (0x2fc1_2fc1, "zfs"),
        (0x9fa0, "proc"),
        (0x6273_2e6b, "f2fs"),
    ];
    known
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map_or_else(|| format!("{kind:#x}"), |(_, name)| (*name).to_owned())
}

/// Whether `path` is absolute and free of `.` and `..`.
pub(crate) fn is_plain(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    bytes.first() == Some(&b'/')
        && bytes
            .split(|&byte| byte == b'/')
            .all(|part| !matches!(part, b"." | b".."))
        && !bytes.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_inside_is_refused_and_one_beside_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let tree = std::fs::canonicalize(dir.path()).unwrap();
        let table = |mount: &Path| MountTable(vec![PathBuf::from("/"), mount.to_owned()]);
        assert!(matches!(
            table(&tree.join("a/b")).check_whole(&tree),
            Err(Error::NestedMount { .. })
        ));
        assert!(table(&tree).check_whole(&tree).is_ok());
        let beside = PathBuf::from(format!("{}-beside", tree.display()));
        assert!(table(&beside).check_whole(&tree).is_ok());
    }

    #[test]
    fn odd_names_are_read_back() {
        let table = MountTable::parse(b"1 2 0:1 / /a\\040b\\134c rw - ext4 x rw\n");
        assert_eq!(table.0, [PathBuf::from("/a b\\c")]);
    }

    #[test]
    fn proc_is_no_workspace_and_tmp_is() {
        assert!(matches!(
            check_filesystem(Path::new("/proc")),
            Err(Error::UnsupportedFilesystem { .. })
        ));
        let dir = tempfile::tempdir().unwrap();
        assert!(check_filesystem(dir.path()).is_ok());
    }
}
