//! Lists the files that commits change, from objects that were imported.

use portcullis::activation::is_activation_link;
use portcullis::path::RelPath;

use super::incoming::Incoming;
use crate::error::Error;

/// How git marks a symbolic link.
pub(super) const LINK_MODE: &str = "120000";

/// Which commits are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    /// The new ones, with all that lead to them,
    pub(super) new: Vec<String>,
    /// less these and all that lead to them; what is not there is passed over.
    pub(super) known: Vec<String>,
    /// Pairs of which the files that differ count as well.
    pub(super) pairs: Vec<(String, String)>,
}

/// Files that differ, from the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// Every one, without repetition.
    pub(super) paths: Vec<String>,
    /// Those that become symbolic links.
    pub(super) links: Vec<String>,
}

impl Changed {
    /// What the commits of the range change.
    ///
    /// A merge counts with what it has from none of its parents.
    ///
    /// # Errors
    /// FAIL-CLOSED: when an object that is needed is missing, or git says what is not understood.
    pub(super) fn of(incoming: &Incoming, range: &Range) -> Result<Self, Error> {
        let mut found = Self::default();
        if !range.new.is_empty() {
            found.read(&log(incoming, range)?)?;
        }
        for (old, new) in &range.pairs {
            let words = [
                "diff-tree",
                "-r",
                "--raw",
                "-z",
                "--no-renames",
                "--no-abbrev",
                old,
                new,
            ];
            let said = incoming.git(&words, b"")?;
            found.read(&said.checked(WHAT)?)?;
        }
        found.paths.sort();
        found.paths.dedup();
        found.links.sort();
        found.links.dedup();
        Ok(found)
    }

    /// Reads git's raw form: facts and path, each ended by a zero byte.
    pub(super) fn read(&mut self, said: &[u8]) -> Result<(), Error> {
        let unclear =
            || Error::Invalid("git did not say which files the commits change".to_owned());
        let text = std::str::from_utf8(said)
            .map_err(|_| Error::Invalid("the commits hold a name that is not UTF-8".to_owned()))?;
        let mut fields = text.split_terminator('\0');
        while let Some(facts) = fields.next() {
            let path = fields.next().filter(|path| !path.is_empty());
            let path = path.ok_or_else(unclear)?.to_owned();
            if mode_after(facts).ok_or_else(unclear)? == LINK_MODE {
                self.links.push(path.clone());
            }
            self.paths.push(path);
        }
        Ok(())
    }

    /// The files as paths of the workspace, in order.
    ///
    /// # Errors
    /// FAIL-CLOSED: when one has no canonical spelling, so that no rule could speak of it.
    pub(super) fn in_workspace(&self, repository: &RelPath) -> Result<Vec<RelPath>, Error> {
        let mut paths = Vec::with_capacity(self.paths.len());
        for path in &self.paths {
            paths.push(repository.join(path)?);
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// The first link that would lead the host to what an agent wrote.
    pub(super) fn activation_link(&self, repository: &RelPath) -> Result<Option<RelPath>, Error> {
        for link in &self.links {
            let path = repository.join(link)?;
            if is_activation_link(&path).is_some() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

const WHAT: &str = "listing the files of the commits";

fn log(incoming: &Incoming, range: &Range) -> Result<Vec<u8>, Error> {
    let mut revisions = String::new();
    for id in &range.new {
        revisions.push_str(id);
        revisions.push('\n');
    }
    for id in present(incoming, &range.known)? {
        revisions.push('^');
        revisions.push_str(&id);
        revisions.push('\n');
    }
    let words = [
        "log",
        "--stdin",
        "--format=",
        "--raw",
        "-z",
        "-c",
        "--no-renames",
        "--no-abbrev",
    ];
    incoming.git(&words, revisions.as_bytes())?.checked(WHAT)
}

/// Those of the commits that are there; what comes from elsewhere leads to nothing that was imported.
fn present(incoming: &Incoming, ids: &[String]) -> Result<Vec<String>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let asked = ids.join("\n") + "\n";
    let said = incoming.git(&["cat-file", "--batch-check"], asked.as_bytes())?;
    let said = said.checked(WHAT)?;
    let lines = String::from_utf8_lossy(&said).into_owned();
    Ok(lines
        .lines()
        .filter_map(|line| line.split_once(" commit ").or(line.split_once(" tag ")))
        .map(|(id, _)| id.to_owned())
        .collect())
}

/// The mode that a file has afterwards: of `:before after …`, or with one `:` and one mode before it for each parent.
fn mode_after(facts: &str) -> Option<&str> {
    let parents = facts.bytes().take_while(|byte| *byte == b':').count();
    (parents > 0).then_some(())?;
    facts.get(parents..)?.split(' ').nth(parents)
}

#[cfg(test)]
mod tests {
    use super::Changed;

    const RAW: &[u8] = b":100644 000000 1 0 D\0gone\0:000000 120000 0 1 A\0.cargo\0::100644 100644 120000 1 1 2 MM\0merged\0";

    #[test]
    fn files_and_links_are_read_as_git_writes_them() {
        let mut found = Changed::default();
        found.read(RAW).unwrap();
        assert_eq!(found.paths, ["gone", ".cargo", "merged"]);
        assert_eq!(found.links, [".cargo", "merged"]);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for said in [
            &b"x\0y\0"[..],
            b":100644 100644 1 1 M\0",
            b":1 2\0\0",
            b":1 2\0\xff\0",
        ] {
            assert!(Changed::default().read(said).is_err(), "{said:?}");
        }
    }
}
