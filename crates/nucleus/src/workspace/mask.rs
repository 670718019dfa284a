//! Lays whiteouts over the blocked names of the workspace, as one overlay layer.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nucleus_jail::mask::build_mask_of;

use super::attributes::{Attributes, attributes};
use super::change::path_bytes;
use super::state::RunDir;
use super::tree::{Tree, split};
use super::{EntryPath, WorkspaceError};

/// A mask, never changed once it is built.
#[derive(Debug)]
pub(crate) struct MaskLayer {
    dir: RunDir,
    hidden: BTreeSet<Vec<u8>>,
    /// Directories it shows, with what it copied of them.
    through: Vec<(PathBuf, Option<Attributes>)>,
}

impl MaskLayer {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Whether it hides exactly these paths and shows directories as they are.
    pub(crate) fn is_current(
        &self,
        hidden: &BTreeSet<Vec<u8>>,
        root: &Tree,
    ) -> Result<bool, WorkspaceError> {
        Ok(self.hidden == *hidden && self.through == through(hidden, root)?)
    }

    /// Builds a mask over these paths, none of which is below another, in an empty directory.
    pub(crate) fn build(
        root: &Tree,
        hidden: BTreeSet<Vec<u8>>,
        dir: RunDir,
    ) -> Result<Self, WorkspaceError> {
        let through = through(&hidden, root)?;
        let into = std::fs::File::open(dir.path())
            .map_err(WorkspaceError::io("open", dir.path().display()))?;
        let paths = hidden
            .iter()
            .map(|path| EntryPath::from_bytes(path).as_path().to_path_buf());
        let built = build_mask_of(root.as_fd(), into.as_fd(), paths)?;
        let whole: BTreeSet<Vec<u8>> = built
            .hidden
            .iter()
            .map(|path| path_bytes(path).to_vec())
            .collect();
        if whole != hidden {
            // FAIL-CLOSED: a directory went away meanwhile, so a name in it is not hidden should it come back.
            return Err(WorkspaceError::Unsupported(
                "the workspace changed while its mask was built; run the command again",
            ));
        }
        Ok(Self {
            dir,
            hidden,
            through,
        })
    }
}

/// The directories a mask over these paths shows, as they are.
fn through(
    hidden: &BTreeSet<Vec<u8>>,
    root: &Tree,
) -> Result<Vec<(PathBuf, Option<Attributes>)>, WorkspaceError> {
    let mut dirs: BTreeSet<&[u8]> = BTreeSet::from([&b""[..]]);
    for path in hidden {
        let mut dir = split(path).0;
        while !dir.is_empty() && dirs.insert(dir) {
            dir = split(dir).0;
        }
    }
    dirs.into_iter()
        .map(|dir| {
            let dir = EntryPath::from_bytes(dir).as_path().to_path_buf();
            let found = attributes(root, &dir)?;
            Ok((dir, found))
        })
        .collect()
}

/// Without paths below others.
pub(crate) fn without_nested(paths: BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let is_below = |path: &[u8]| {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        slashes
            .map(|(at, _)| &path[..at])
            .any(|above| paths.contains(above))
    };
    paths
        .iter()
        .filter(|path| !is_below(path))
        .cloned()
        .collect()
}
