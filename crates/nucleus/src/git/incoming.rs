//! Objects on their way in: kept apart until they are wanted, and gone with the value otherwise.
//!
//! Every object is known by what it holds, not by what the agent's repository
//! says it is: importing a pack computes each id anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::host::{Own, PushOptions, Said};
use crate::error::Error;

/// Imported objects, in a directory of their own.
#[derive(Debug)]
pub(super) struct Incoming {
    program: Arc<PushOptions>,
    repository: PathBuf,
    /// Where the objects are, when that is not the repository itself.
    objects: Option<PathBuf>,
    /// Removed with the value.
    dir: PathBuf,
}

impl Incoming {
    /// An import beside the objects of a repository of the monitor's own.
    pub(super) fn beside(program: &Arc<PushOptions>, bare: &Path) -> Result<Self, Error> {
        let dir = fresh_dir(bare)?;
        fs::create_dir(dir.join("pack")).map_err(unmade)?;
        Ok(Self {
            program: Arc::clone(program),
            repository: bare.to_owned(),
            objects: Some(dir.clone()),
            dir,
        })
    }

    /// An import into a repository that holds nothing else, for ids as long as this one.
    pub(super) fn alone(program: &Arc<PushOptions>, id: &str) -> Result<Self, Error> {
        let dir = fresh_dir(&std::env::temp_dir())?;
        let made = Self {
            program: Arc::clone(program),
            repository: dir.clone(),
            objects: None,
            dir,
        };
        let format = if id.len() == 64 { "sha256" } else { "sha1" };
        let format = format!("--object-format={format}");
        let words = ["init", "--bare", "--quiet", "--template=", &format];
        made.git(&words, b"")?
            .checked("making a repository of the monitor's own")?;
        Ok(made)
    }

    /// Imports a pack; every object and link in it is checked.
    ///
    /// Returns the name of the pack.
    pub(super) fn import(&self, pack: &[u8]) -> Result<String, Error> {
        let words = ["index-pack", "--stdin", "--fix-thin", "--strict"];
        let said = self.git(&words, pack)?;
        let said = said.checked("checking the objects to push")?;
        Ok(String::from_utf8_lossy(&said)
            .trim()
            .rsplit('\t')
            .next()
            .unwrap_or_default()
            .to_owned())
    }

    /// Imports a part of a history: what is there is what its ids say, and what it links to may be missing.
    pub(super) fn import_part(&self, pack: &[u8]) -> Result<(), Error> {
        self.git(&["index-pack", "--stdin"], pack)?
            .checked("reading the objects of the commits")
            .map(drop)
    }

    /// Whether the commit is there.
    pub(super) fn has(&self, id: &str) -> Result<bool, Error> {
        let words = ["cat-file", "-e", &format!("{id}^{{commit}}")];
        Ok(self.git(&words, b"")?.is_success)
    }

    /// Keeps an imported pack in the repository for good.
    pub(super) fn keep(&self, pack: &str) -> Result<(), Error> {
        let failed = |error| Error::failed("cannot keep what was imported", error);
        let into = self.repository.join("objects/pack");
        fs::create_dir_all(&into).map_err(failed)?;
        // The index makes the pack known, so it comes last.
        for suffix in ["pack", "rev", "idx"] {
            let name = format!("pack-{pack}.{suffix}");
            let from = self.dir.join("pack").join(&name);
            if suffix != "rev" || from.exists() {
                fs::rename(from, into.join(&name)).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Runs git over the repository with what was imported.
    pub(super) fn git(&self, words: &[&str], stdin: &[u8]) -> Result<Said, Error> {
        let own = Own {
            repository: &self.repository,
            objects: self.objects.as_deref(),
        };
        self.program.run(own, words, stdin)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What cannot be removed is of no meaning to anybody.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A directory of a name that nobody can guess, open to its owner alone.
fn fresh_dir(above: &Path) -> Result<PathBuf, Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|error| unmade(std::io::Error::other(error.to_string())))?;
    let dir = above.join(format!("incoming-{:032x}", u128::from_be_bytes(random)));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&dir)
        .map_err(unmade)?;
    Ok(dir)
}

fn unmade(error: std::io::Error) -> Error {
    Error::failed("cannot make a directory for objects", error)
}
