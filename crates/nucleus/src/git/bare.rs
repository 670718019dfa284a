//! The monitor's own repository: nothing in it but what was imported with checks, and configuration of its own.

use std::fs;

use portcullis::ContentDigest;

use super::Git;
use super::host::Said;
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

    /// Imports a pack; every object and link in it is checked.
    pub(super) fn import_pack(&self, pack: &[u8]) -> Result<(), Error> {
        let words = ["index-pack", "--stdin", "--fix-thin", "--strict"];
        self.bare_git(&words, pack)?
            .checked("checking the objects to push")
            .map(drop)
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
        let id = said.stdout.trim();
        Ok((said.is_success && is_object_id(id)).then(|| id.to_owned()))
    }

    /// Keeps what was pushed.
    pub(super) fn keep_pushed(&self, url: &str, reference: &str, new: &str) -> Result<(), Error> {
        let words = ["update-ref", &kept(url, reference), new];
        self.bare_git(&words, b"")?
            .checked("keeping what was pushed")
            .map(drop)
    }

    pub(super) fn bare_git(&self, words: &[&str], stdin: &[u8]) -> Result<Said, Error> {
        self.push.run(&self.bare, words, stdin)
    }
}

/// The reference under which a push is kept.
fn kept(url: &str, reference: &str) -> String {
    let branch = reference.strip_prefix("refs/").unwrap_or(reference);
    format!("refs/pushed/{}/{branch}", ContentDigest::of(url.as_bytes()))
}
