//! Says which branch a repository is on and what has changed.

use portcullis::path::RelPath;

use super::Git;
use super::jail::{GitRun, Look};
use crate::error::Error;

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEntry {
    /// The state in the index, as git's letter; a blank for none.
    pub index: char,
    /// The state in the tree, as git's letter; `?` for an untracked file.
    pub tree: char,
    /// The path from the repository.
    pub path: String,
    /// The path before a rename.
    pub from: Option<String>,
}

/// The state of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The branch; `None` when the head is detached.
    pub branch: Option<String>,
    /// What has changed, in git's order.
    pub entries: Vec<StatusEntry>,
    /// Whether there is more.
    pub is_cut: bool,
}

impl Git {
    /// The branch and the changed files, less those that the policy blocks.
    ///
    /// # Errors
    /// A refusal, and [`Error::Invalid`] when git fails.
    pub fn status(&self, repository: &RelPath) -> Result<Status, Error> {
        let status = self.whole_status(repository)?;
        let hidden = self.hidden(repository);
        let shown = status.entries.into_iter();
        Ok(Status {
            entries: shown.filter_map(|entry| hidden.entry(entry)).collect(),
            ..status
        })
    }

    /// The branch and all changed files.
    pub(super) fn whole_status(&self, repository: &RelPath) -> Result<Status, Error> {
        let words = [
            "status",
            "--porcelain=v1",
            "-z",
            "--branch",
            "--untracked-files=all",
        ];
        let done = self.look(&GitRun::git(repository, &words), Look::Workspace)?;
        Ok(parse(&String::from_utf8_lossy(&done.stdout), done.is_cut))
    }
}

fn parse(text: &str, is_cut: bool) -> Status {
    let mut parts = text.split('\0').filter(|part| !part.is_empty());
    let branch = parts.next().and_then(branch_of);
    let mut entries = Vec::new();
    while let Some(part) = parts.next() {
        let mut letters = part.chars();
        let (Some(index), Some(tree)) = (letters.next(), letters.next()) else {
            continue;
        };
        let path = letters.as_str().get(1..).unwrap_or_default().to_owned();
        let is_moved = matches!(index, 'R' | 'C') || matches!(tree, 'R' | 'C');
        let from = if is_moved {
            parts.next().map(str::to_owned)
        } else {
            None
        };
        entries.push(StatusEntry {
            index,
            tree,
            path,
            from,
        });
    }
    Status {
        branch,
        entries,
        is_cut,
    }
}

/// The branch of a line such as `## main...origin/main [ahead 1]`.
fn branch_of(line: &str) -> Option<String> {
    let line = line.strip_prefix("## ")?;
    if line.starts_with("HEAD (no branch)") {
        return None;
    }
    let name = line.strip_prefix("No commits yet on ").unwrap_or(line);
    let name = name.split_once("...").map_or(name, |(name, _)| name);
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{StatusEntry, parse};

    #[test]
    fn a_status_is_read_as_git_writes_it() {
        let text = "## main...origin/main [ahead 1]\0 M a b.txt\0 M  c\0R  new\0old\0?? d/x\0";
        let status = parse(text, false);
        let entry = |index, tree, path: &str, from: Option<&str>| StatusEntry {
            index,
            tree,
            path: path.to_owned(),
            from: from.map(str::to_owned),
        };
        assert_eq!(status.branch.as_deref(), Some("main"));
        assert_eq!(
            status.entries,
            [
                entry(' ', 'M', "a b.txt", None),
                entry(' ', 'M', " c", None),
                entry('R', ' ', "new", Some("old")),
                entry('?', '?', "d/x", None)
            ]
        );
        assert_eq!(
            parse("## No commits yet on trunk\0", false)
                .branch
                .as_deref(),
            Some("trunk")
        );
        assert_eq!(parse("## HEAD (no branch)\0", false).branch, None);
    }
}
