//! Lays staged changes out as one overlay layer: files at their paths, whiteouts for deletions.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode};

use crate::workspace::attributes::{Attributes, attributes};
use crate::workspace::change::Source;
use crate::workspace::state::RunDir;
use crate::workspace::tree::{Tree, file_type};
use crate::workspace::{ChangeKind, EntryPath, HeldContent, StagedChange, WorkspaceError};

/// Who owns what a layer shows, when we are root.
type Owner = Option<(rustix::fs::Uid, rustix::fs::Gid)>;

/// A layer, never changed once it is built.
#[derive(Debug)]
pub(crate) struct Layer {
    dir: RunDir,
    key: LayerKey,
}

/// What a layer was built from; another key needs another layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LayerKey {
    generation: u64,
    /// Directories shown with the attributes they have in the real tree.
    through: Vec<(PathBuf, Option<Attributes>)>,
}

impl Layer {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Whether it still shows what is staged over what the tree is.
    pub(crate) fn is_current(&self, generation: u64, root: &Tree) -> Result<bool, WorkspaceError> {
        let through: Result<Vec<_>, WorkspaceError> = self
            .key
            .through
            .iter()
            .map(|(path, _)| Ok((path.clone(), attributes(root, path)?)))
            .collect();
        Ok(self.key
            == LayerKey {
                generation,
                through: through?,
            })
    }

    /// Builds the layer in an empty directory.
    pub(crate) fn build(
        root: &Tree,
        entries: &BTreeMap<EntryPath, StagedChange>,
        generation: u64,
        dir: RunDir,
        owner: Owner,
    ) -> Result<Self, WorkspaceError> {
        let mut builder = Builder {
            root,
            dir: dir.path().to_path_buf(),
            owner,
            through: vec![PathBuf::new()],
            modes: Vec::new(),
        };
        for staged in entries.values() {
            builder.add(staged)?;
        }
        let through = builder.finish()?;
        Ok(Self {
            dir,
            key: LayerKey {
                generation,
                through,
            },
        })
    }
}

struct Builder<'a> {
    root: &'a Tree,
    dir: PathBuf,
    owner: Owner,
    through: Vec<PathBuf>,
    modes: Vec<(PathBuf, u32)>,
}

impl Builder<'_> {
    fn add(&mut self, staged: &StagedChange) -> Result<(), WorkspaceError> {
        let path = staged.change.path.as_path();
        if !self.make_parents(path)? {
            // Something staged above is no directory any more.
            return Ok(());
        }
        let at = self.dir.join(path);
        let made = match &staged.change.kind {
            ChangeKind::Write { content, mode } => self.file(&at, content, *mode),
            ChangeKind::Directory { mode } => self.directory(path, *mode),
            ChangeKind::Symlink { target } => std::os::unix::fs::symlink(target, &at),
            ChangeKind::Mode { mode } => return self.other_mode(path, *mode),
            ChangeKind::Delete => {
                rustix::fs::mknodat(CWD, &at, FileType::CharacterDevice, Mode::empty(), 0)
                    .map_err(Into::into)
            }
        };
        made.and_then(|()| self.own(&at))
            .map_err(WorkspaceError::io("show staged", path.display()))
    }

    /// Whether all directories above are there now.
    fn make_parents(&mut self, path: &Path) -> Result<bool, WorkspaceError> {
        let mut above: Vec<&Path> = path
            .ancestors()
            .skip(1)
            .filter(|p| !p.as_os_str().is_empty())
            .collect();
        above.reverse();
        for dir in above {
            let at = self.dir.join(dir);
            match std::fs::symlink_metadata(&at) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Ok(false),
                Err(_) => {
                    std::fs::create_dir(&at)
                        .and_then(|()| self.own(&at))
                        .map_err(WorkspaceError::io("show staged", dir.display()))?;
                    self.through.push(dir.to_path_buf());
                }
            }
        }
        Ok(true)
    }

    fn file(&self, at: &Path, content: &HeldContent, mode: u32) -> std::io::Result<()> {
        if let (Source::File(blob), true) = (content.source(), mode & 0o400 != 0) {
            match std::fs::hard_link(blob, at) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(error),
                // Too many links: a copy does as well.
                Err(_) => {}
            }
        }
        let mut file = std::fs::File::create_new(at)?;
        content
            .copy_into(&mut file, at.as_os_str().as_encoded_bytes())
            .map_err(std::io::Error::other)?;
        std::fs::set_permissions(at, Permissions::from_mode(mode))
    }

    fn directory(&mut self, path: &Path, mode: u32) -> std::io::Result<()> {
        std::fs::create_dir(self.dir.join(path))?;
        self.modes.push((path.to_path_buf(), mode));
        Ok(())
    }

    /// Shows what the tree holds with other permission bits.
    fn other_mode(&mut self, path: &Path, mode: u32) -> Result<(), WorkspaceError> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let at = self.dir.join(path);
        let io = WorkspaceError::io("show staged", path.display());
        match self.root.stat(bytes)?.map(|stat| file_type(&stat)) {
            Some(FileType::Directory) => self
                .directory(path, mode)
                .and_then(|()| self.own(&at))
                .map_err(io),
            Some(FileType::RegularFile) => {
                let (mut file, _) = self.root.open_file(bytes)?;
                std::fs::File::create_new(&at)
                    .and_then(|mut copy| std::io::copy(&mut file, &mut copy))
                    .and_then(|_| self.own(&at))
                    .and_then(|()| std::fs::set_permissions(&at, Permissions::from_mode(mode)))
                    .map_err(io)
            }
            _ => Ok(()),
        }
    }

    fn own(&self, at: &Path) -> std::io::Result<()> {
        match self.owner {
            Some((uid, gid)) => Ok(rustix::fs::chownat(
                CWD,
                at,
                Some(uid),
                Some(gid),
                AtFlags::SYMLINK_NOFOLLOW,
            )?),
            None => Ok(()),
        }
    }

    /// Gives directories their modes and times, deepest first, when nothing is made in them any more.
    fn finish(mut self) -> Result<Vec<(PathBuf, Option<Attributes>)>, WorkspaceError> {
        for (path, mode) in self.modes.iter().rev() {
            std::fs::set_permissions(self.dir.join(path), Permissions::from_mode(*mode))
                .map_err(WorkspaceError::io("show staged", path.display()))?;
        }
        let mut shown = Vec::new();
        self.through.sort();
        for path in self.through.into_iter().rev() {
            let found = attributes(self.root, &path)?;
            if let Some(found) = found {
                found
                    .give(&self.dir.join(&path), self.owner.is_some())
                    .map_err(WorkspaceError::io("show staged", path.display()))?;
            }
            shown.push((path, found));
        }
        Ok(shown)
    }
}
