//! Lets nothing land in a repository that would hide from the user's own git what else a session changed.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use super::Sandbox;
use super::land::Kept;
use crate::error::Error;
use crate::workspace::{
    Change, ChangeKind, HeldContent, IndexBefore, MAX_GIT_INDEX_BYTES, plain_index,
};

impl Sandbox {
    /// The change as it may land: an index without what hides differences, anything else as it is.
    ///
    /// FAIL-CLOSED: an index that cannot be made plain waits for the user, and so do summaries of the
    /// objects, which git believes without looking at those.
    pub(crate) fn made_plain(&self, change: Change, kept: Kept) -> Result<(Change, Kept), Error> {
        let ChangeKind::Write { content, mode } = &change.kind else {
            return Ok((change, kept));
        };
        match part(change.path.as_bytes()) {
            Part::Other => Ok((change, kept)),
            Part::Summary => Ok((change, Kept::Always)),
            Part::Index => {
                let Some(plain) = self.plain_index_of(&change, content) else {
                    return Ok((change, Kept::Always));
                };
                let kind = ChangeKind::Write {
                    content: HeldContent::from_bytes(plain),
                    mode: *mode,
                };
                Ok((Change { kind, ..change }, kept))
            }
        }
    }

    /// `None` for one that is too large to read, or cannot be made plain.
    fn plain_index_of(&self, change: &Change, content: &HeldContent) -> Option<Vec<u8>> {
        let index = content.read(MAX_GIT_INDEX_BYTES).ok()?;
        let known = self.index_before(change);
        let before = known.as_ref().map(|(bytes, written)| IndexBefore {
            bytes,
            written: *written,
        });
        plain_index(&index, before).ok()
    }

    /// The index that is in the tree and when it was written; none where it cannot be read, which vouches for nothing.
    fn index_before(&self, change: &Change) -> Option<(Vec<u8>, i64)> {
        let found = self.view.landed().open_read(change.path.rel()?).ok()?;
        let written = found.file.metadata().ok()?.mtime();
        let mut bytes = Vec::new();
        let mut file = found.file.take(MAX_GIT_INDEX_BYTES);
        file.read_to_end(&mut bytes).ok()?;
        Some((bytes, written))
    }
}

/// What a file of a git directory is to git's reading of the work tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// The index of a work tree.
    Index,
    /// What stands for objects: a commit graph, an index over several packs.
    Summary,
    /// Anything else.
    Other,
}

fn part(path: &[u8]) -> Part {
    let path = path.to_ascii_lowercase();
    let mut names = path.split(|byte| *byte == b'/');
    if !names.any(|name| name == b".git") {
        return Part::Other;
    }
    let inside: Vec<&[u8]> = names.collect();
    match inside[..] {
        [b"index"] | [b"worktrees", _, b"index"] => Part::Index,
        [b"objects", b"info", name, ..] if name.starts_with(b"commit-graph") => Part::Summary,
        [b"objects", b"pack", name, ..] if name.starts_with(b"multi-pack-index") => Part::Summary,
        _ => Part::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, part};

    #[test]
    fn parts_are_told_by_their_place() {
        for (path, expected) in [
            (".git/index", Part::Index),
            ("sub/.GIT/Index", Part::Index),
            (".git/worktrees/w/index", Part::Index),
            (".git/objects/info/commit-graph", Part::Summary),
            (
                ".git/objects/info/commit-graphs/graph-1.graph",
                Part::Summary,
            ),
            (".git/objects/pack/multi-pack-index", Part::Summary),
            (".git/objects/pack/pack-1.idx", Part::Other),
            (".git/refs/heads/index", Part::Other),
            ("index", Part::Other),
            ("src/objects/info/commit-graph", Part::Other),
        ] {
            assert_eq!(part(path.as_bytes()), expected, "{path}");
        }
    }
}
