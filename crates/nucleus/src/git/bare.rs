//! The monitor's own repository: nothing in it but what was imported with checks, and configuration of its own.

use std::fs;

use portcullis::ContentDigest;

use super::Git;
use super::host::{Own, Said};
use super::names::is_object_id;
use crate::error::Error;

impl Git {
    /// Makes the monitor's repository where there is none.
    pub(super) fn open_bare(&self) -> Result<(), Error> {
        let failed = |error| Error::failed("cannot make the monitor's own repository", error);
        if self.bare.join("HEAD").is_file() {
            return Ok(());
        }
        fs::create_dir_all(&*self.bare).map_err(failed)?;
        let said = self.bare_git(&["init", "--bare", "--quiet", "--template="], b"")?;
        said.checked("making the monitor's own repository")
            .map(drop)
    }

    /// Whether the commit is there.
    pub(super) fn bare_has(&self, id: &str) -> Result<bool, Error> {
        Ok(self
            .bare_git(&["cat-file", "-e", &format!("{id}^{{commit}}")], b"")?
            .is_success)
    }

    /// Whether the commit is in the monitor's repository and is the other one or comes before it.
    pub(super) fn is_ancestor(&self, commit: &str, of: &str) -> Result<bool, Error> {
        Ok(self
            .bare_git(&["merge-base", "--is-ancestor", commit, of], b"")?
            .is_success)
    }

    /// Checks that the new commit comes after the old one.
    pub(super) fn check_follows(&self, old: &str, new: &str) -> Result<(), Error> {
        if self
            .bare_git(&["merge-base", "--is-ancestor", old, new], b"")?
            .is_success
        {
            return Ok(());
        }
        Err(Error::Invalid(
            "the push would drop commits of the remote\nhelp: merge or rebase onto the remote's branch first"
                .to_owned(),
        ))
    }

    /// What the monitor last pushed to this reference of this remote.
    pub(super) fn last_pushed(&self, url: &str, reference: &str) -> Result<Option<String>, Error> {
        let said = self.bare_git(
            &["rev-parse", "--verify", "--quiet", &kept(url, reference)],
            b"",
        )?;
        let id = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        Ok((said.is_success && is_object_id(&id)).then_some(id))
    }

    /// All that the monitor last pushed to this remote.
    pub(super) fn all_pushed(&self, url: &str) -> Result<Vec<String>, Error> {
        let below = kept(url, "");
        let words = ["for-each-ref", "--format=%(objectname)", &below];
        let said = self
            .bare_git(&words, b"")?
            .checked("reading what was pushed")?;
        Ok(ids_of(&said))
    }

    /// Keeps what was pushed.
    pub(super) fn keep_pushed(&self, url: &str, reference: &str, new: &str) -> Result<(), Error> {
        let words = ["update-ref", &kept(url, reference), new];
        self.bare_git(&words, b"")?
            .checked("keeping what was pushed")
            .map(drop)
    }

    pub(super) fn bare_git(&self, words: &[&str], stdin: &[u8]) -> Result<Said, Error> {
        let own = Own {
            repository: &self.bare,
            objects: None,
        };
        self.push.run(own, words, stdin)
    }
}

/// The object ids that git answered, one a line.
pub(super) fn ids_of(said: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(said);
    let ids = text.lines().filter(|line| is_object_id(line));
    ids.map(str::to_owned).collect()
}

/// The reference under which a push is kept; of no reference, what all of the remote are below.
fn kept(url: &str, reference: &str) -> String {
    let branch = reference.strip_prefix("refs/").unwrap_or(reference);
    format!("refs/pushed/{}/{branch}", ContentDigest::of(url.as_bytes()))
}
