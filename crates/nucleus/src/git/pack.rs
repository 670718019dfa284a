//! Gets commits out of the agent's repository as a pack.

use portcullis::Exposure;
use portcullis::path::RelPath;

use super::Git;
use super::bare::ids_of;
use super::jail::{GitRun, Look};
use super::names::is_object_id;
use crate::error::Error;

/// The largest pack: what the monitor holds in memory at most.
const MAX_PACK_BYTES: u64 = 512 << 20;

/// Of so many references of remotes the commits are known; more only make more files count as new.
const MAX_TRACKED: &str = "--count=100";
/// Packs the last commits that lead to the ones named.
const HISTORY: &str = r#"git rev-list --max-count=20000 "$@" >/tmp/list || exit
git pack-objects --stdout --quiet --window=0 </tmp/list"#;

impl Git {
    /// The commit that a branch of the agent's repository names, and the labels of its content.
    pub(super) fn branch_commit(
        &self,
        repository: &RelPath,
        branch: &str,
    ) -> Result<(String, Exposure), Error> {
        let revision = format!("refs/heads/{branch}^{{commit}}");
        let run = GitRun::git(repository, &["rev-parse", "--verify", &revision]);
        let done = self.look(&run, Look::Kept)?;
        let id = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        if is_object_id(&id) {
            Ok((id, done.labels))
        } else {
            Err(Error::Invalid(format!("`{branch}` names no commit")))
        }
    }

    /// The commit that the agent's repository last saw at the remote's branch, if it saw one.
    ///
    /// **It may lie**: the remote accepts the push only if it is true.
    pub(super) fn tracked_commit(
        &self,
        repository: &RelPath,
        branch: &str,
    ) -> Result<Option<String>, Error> {
        let words = [
            "for-each-ref",
            "--format=%(objectname) %(refname:lstrip=3)",
            "refs/remotes/",
        ];
        let done = self.look(&GitRun::git(repository, &words), Look::Kept)?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let mut seen = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(id, name)| *name == branch && is_object_id(id))
            .map(|(id, _)| id.to_owned());
        Ok(seen.next())
    }

    /// The commits that the agent's repository last saw at any remote, the latest ones.
    ///
    /// **They may be of another remote than the one pushed to**: then the files of its commits count as known.
    pub(super) fn tracked_commits(&self, repository: &RelPath) -> Result<Vec<String>, Error> {
        let words = [
            "for-each-ref",
            "--format=%(objectname)",
            "--sort=-committerdate",
            MAX_TRACKED,
            "refs/remotes/",
        ];
        let done = self.look(&GitRun::git(repository, &words), Look::Kept)?;
        let mut ids = ids_of(&done.stdout);
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// The commits that lead to these, without any file, as a pack.
    pub(super) fn pack_history(
        &self,
        repository: &RelPath,
        ids: &[String],
    ) -> Result<Vec<u8>, Error> {
        let mut argv: Vec<String> = ["sh", "-c", HISTORY, "history"].map(str::to_owned).to_vec();
        argv.extend_from_slice(ids);
        let run = GitRun {
            repository,
            argv,
            stdin: Vec::new(),
            bytes: MAX_PACK_BYTES,
        };
        let done = self.look(&run, Look::Kept)?;
        if done.is_cut {
            return Err(Error::Invalid(
                "the history is larger than 512 MiB".to_owned(),
            ));
        }
        Ok(done.stdout)
    }

    /// All objects of `new` that `old` does not have, as a pack.
    pub(super) fn pack(
        &self,
        repository: &RelPath,
        new: &str,
        old: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let words = [
            "pack-objects",
            "--revs",
            "--stdout",
            "--quiet",
            "--delta-base-offset",
        ];
        let stop = old.map_or(String::new(), |old| format!("^{old}\n"));
        let run = GitRun {
            stdin: format!("{new}\n{stop}").into_bytes(),
            bytes: MAX_PACK_BYTES,
            ..GitRun::git(repository, &words)
        };
        let done = self.look(&run, Look::Kept)?;
        if done.is_cut {
            return Err(Error::Invalid(
                "there is more to push than 512 MiB".to_owned(),
            ));
        }
        Ok(done.stdout)
    }
}
