//! Reads the references of a repository from its files, and sees which of them a set of changes moves.
//!
//! No git runs here: what a repository's files say is read as text, with bounds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::names::is_object_id;
use crate::error::Error;
use crate::workspace::{Change, ChangeKind};

/// The longest reference: a name of the file system's longest path.
const MAX_REF_BYTES: u64 = 8 << 10;
/// The largest list of packed references: half a million of them.
const MAX_PACKED_BYTES: u64 = 64 << 20;
/// Most references that are read.
const MAX_REFS: usize = 500_000;
/// How often one reference may lead to another; git's own bound.
const MAX_STEPS: usize = 5;

/// What the references of one repository say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refs {
    /// By their paths in the git directory.
    loose: BTreeMap<String, String>,
    packed: BTreeMap<String, String>,
    shallow: Option<String>,
}

/// A reference that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    /// Its path in the git directory.
    pub(super) name: String,
    /// The object it named, if there was one.
    pub(super) old: Option<String>,
    /// What it says now; `None` when it is gone.
    pub(super) new: Option<Target>,
}

/// What a reference says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An object.
    Object(String),
    /// Another reference.
    Reference(String),
}

/// The part that a file of the git directory has in its references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It says where references lead.
    Reference,
    /// It goes along: the index and the logs.
    Along,
}

/// The part of a file of a git directory, by its path in it.
pub(crate) fn part_of(inside: &str) -> Option<Part> {
    let own = match inside.strip_prefix("worktrees/") {
        Some(rest) => rest.split_once('/')?.1,
        None => inside,
    };
    match own {
        "HEAD" | "packed-refs" | "shallow" | "refs" => Some(Part::Reference),
        "index" | "logs" | "ORIG_HEAD" => Some(Part::Along),
        _ if own.starts_with("refs/") => Some(Part::Reference),
        _ if own.starts_with("logs/") => Some(Part::Along),
        _ => None,
    }
}

impl Refs {
    /// The references in a git directory; none where there is none.
    ///
    /// # Errors
    /// FAIL-CLOSED: when one cannot be read, or there are more than half a million.
    pub(super) fn read(git_dir: &Path) -> Result<Self, Error> {
        let mut refs = Self::default();
        if let Some(text) = text_of(&git_dir.join("packed-refs"), MAX_PACKED_BYTES)? {
            refs.packed = packed(&text)?;
        }
        refs.shallow = text_of(&git_dir.join("shallow"), MAX_PACKED_BYTES)?;
        refs.add_head(git_dir, "")?;
        refs.walk(git_dir, "refs")?;
        for name in names_in(&git_dir.join("worktrees"))? {
            let own = format!("worktrees/{name}/");
            refs.add_head(git_dir, &own)?;
            refs.walk(git_dir, &format!("{own}refs"))?;
        }
        Ok(refs)
    }

    fn add_head(&mut self, git_dir: &Path, own: &str) -> Result<(), Error> {
        let name = format!("{own}HEAD");
        if let Some(text) = text_of(&git_dir.join(&name), MAX_REF_BYTES)? {
            self.loose.insert(name, text.trim().to_owned());
        }
        Ok(())
    }

    fn walk(&mut self, git_dir: &Path, dir: &str) -> Result<(), Error> {
        for name in names_in(&git_dir.join(dir))? {
            let path = format!("{dir}/{name}");
            let at = git_dir.join(&path);
            if at.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                self.walk(git_dir, &path)?;
            } else if let Some(text) = text_of(&at, MAX_REF_BYTES)? {
                self.loose.insert(path, text.trim().to_owned());
            }
            if self.loose.len() > MAX_REFS {
                return Err(unclear("there are too many references"));
            }
        }
        Ok(())
    }

    /// What they say after these changes, each with its path in the git directory.
    ///
    /// # Errors
    /// FAIL-CLOSED: when a change makes of a reference what git does not read as one.
    pub(super) fn after<'a>(
        &self,
        changes: impl Iterator<Item = (&'a str, &'a Change)>,
    ) -> Result<Self, Error> {
        let mut after = self.clone();
        for (inside, change) in changes {
            if part_of(inside) != Some(Part::Reference) {
                continue;
            }
            after.apply(inside, &change.kind)?;
        }
        Ok(after)
    }

    fn apply(&mut self, inside: &str, kind: &ChangeKind) -> Result<(), Error> {
        let text = match kind {
            ChangeKind::Directory { .. } | ChangeKind::Mode { .. } => return Ok(()),
            ChangeKind::Symlink { .. } => return Err(unclear(&format!("`{inside}` is a link"))),
            ChangeKind::Delete => None,
            ChangeKind::Write { content, .. } => {
                let bytes = content.read(match inside {
                    "packed-refs" | "shallow" => MAX_PACKED_BYTES,
                    _ => MAX_REF_BYTES,
                })?;
                let text = String::from_utf8(bytes);
                Some(text.map_err(|_| unclear(&format!("`{inside}` is no text")))?)
            }
        };
        match (inside, text) {
            ("packed-refs", text) => self.packed = packed(&text.unwrap_or_default())?,
            ("shallow", text) => self.shallow = text,
            (_, Some(text)) => {
                self.loose.insert(inside.to_owned(), text.trim().to_owned());
            }
            (_, None) => {
                self.loose.remove(inside);
            }
        }
        Ok(())
    }

    /// The value of each reference; a file of its own wins over the packed list.
    fn effective(&self) -> BTreeMap<&str, &str> {
        let all = self.packed.iter().chain(&self.loose);
        all.map(|(name, value)| (&**name, &**value)).collect()
    }

    /// Every object that a reference names.
    pub(super) fn objects(&self) -> Vec<String> {
        let named: BTreeSet<&str> = self.effective().into_values().collect();
        let objects = named.into_iter().filter(|value| is_object_id(value));
        objects.map(str::to_owned).collect()
    }

    /// The references that say something else afterwards.
    ///
    /// # Errors
    /// FAIL-CLOSED: when one says what git does not read as a reference, or the history was cut off elsewhere.
    pub(super) fn moves_to(&self, after: &Self) -> Result<Vec<Move>, Error> {
        if self.shallow != after.shallow {
            return Err(unclear("the history begins elsewhere (`.git/shallow`)"));
        }
        let (was, is) = (self.effective(), after.effective());
        let names: BTreeSet<&str> = was.keys().chain(is.keys()).copied().collect();
        let moved = names
            .into_iter()
            .filter(|name| was.get(name) != is.get(name));
        let mut moves = Vec::new();
        for name in moved {
            let new = match is.get(name) {
                None => None,
                Some(value) => Some(target(name, value)?),
            };
            moves.push(Move {
                name: name.to_owned(),
                old: resolved(&was, name),
                new,
            });
        }
        Ok(moves)
    }

    /// The object that a name leads to.
    pub(super) fn resolve(&self, name: &str) -> Option<String> {
        resolved(&self.effective(), name)
    }
}

/// The object that a reference leads to, if it leads to one.
fn resolved(all: &BTreeMap<&str, &str>, name: &str) -> Option<String> {
    let mut name = name;
    for _ in 0..MAX_STEPS {
        let value = *all.get(name)?;
        match value.strip_prefix("ref:") {
            Some(next) => name = next.trim(),
            None => return is_object_id(value).then(|| value.to_owned()),
        }
    }
    None
}

fn target(name: &str, value: &str) -> Result<Target, Error> {
    if is_object_id(value) {
        return Ok(Target::Object(value.to_owned()));
    }
    match value.strip_prefix("ref:").map(str::trim) {
        Some(next) if next.starts_with("refs/") => Ok(Target::Reference(next.to_owned())),
        _ => Err(unclear(&format!("`{name}` is no reference that git reads"))),
    }
}

/// The references of a packed list.
fn packed(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut all = BTreeMap::new();
    for line in text.lines() {
        if line.starts_with('#') || line.starts_with('^') {
            continue;
        }
        match line.split_once(' ') {
            Some((id, name)) if is_object_id(id) => {
                all.insert(name.to_owned(), id.to_owned());
            }
            _ => return Err(unclear("the list of packed references is not readable")),
        }
        if all.len() > MAX_REFS {
            return Err(unclear("there are too many references"));
        }
    }
    Ok(all)
}

/// The names in a directory; none where there is none.
fn names_in(dir: &Path) -> Result<Vec<String>, Error> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(unread(dir, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| unread(dir, error))?.file_name();
        // git reads no other name.
        if let Some(name) = name.to_str() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The text of a regular file of at most so many bytes; `None` where there is none.
fn text_of(path: &Path, most_bytes: u64) -> Result<Option<String>, Error> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags).unwrap_or_default())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(path, error)),
    };
    let found = file.metadata().map_err(|error| unread(path, error))?;
    if !found.is_file() || found.len() > most_bytes {
        return Err(unclear(&format!(
            "`{}` is no list of references",
            path.display()
        )));
    }
    let mut text = Vec::new();
    file.take(most_bytes)
        .read_to_end(&mut text)
        .map_err(|error| unread(path, error))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

fn unread(path: &Path, error: std::io::Error) -> Error {
    Error::Failed {
        what: format!("cannot read the references in `{}`", path.display()),
        source: error,
    }
}

fn unclear(why: &str) -> Error {
    Error::Invalid(format!("the references are not clear: {why}"))
}

#[cfg(test)]
mod tests {
    use super::{Move, Part, Refs, Target, part_of};

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn refs(loose: &[(&str, &str)], packed: &[(&str, &str)]) -> Refs {
        let owned = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Refs {
            loose: owned(loose),
            packed: owned(packed),
            shallow: None,
        }
    }

    #[test]
    fn only_what_references_say_tells_a_move() {
        let was = refs(&[("refs/heads/main", A)], &[]);
        let gathered = refs(&[], &[("refs/heads/main", A)]);
        assert_eq!(was.moves_to(&gathered).unwrap(), []);
        let moved = refs(&[("refs/heads/main", B)], &[("refs/heads/main", A)]);
        let expected = Move {
            name: "refs/heads/main".to_owned(),
            old: Some(A.to_owned()),
            new: Some(Target::Object(B.to_owned())),
        };
        assert_eq!(gathered.moves_to(&moved).unwrap(), [expected]);
        let hidden = refs(&[], &[("refs/heads/main", B)]);
        let shown = refs(&[("refs/heads/main", A)], &[("refs/heads/main", B)]);
        assert_eq!(shown.moves_to(&hidden).unwrap().len(), 1);
    }

    #[test]
    fn what_git_does_not_read_as_a_reference_is_an_error() {
        let was = refs(&[("HEAD", "ref: refs/heads/main")], &[]);
        for value in ["", "x", "ref: ../../x", "ref: HEAD", &A[1..]] {
            let after = refs(&[("HEAD", value)], &[]);
            assert!(was.moves_to(&after).is_err(), "{value}");
        }
        let after = refs(&[("HEAD", "ref: refs/heads/other")], &[]);
        let moves = was.moves_to(&after).unwrap();
        assert_eq!(
            moves[0].new,
            Some(Target::Reference("refs/heads/other".to_owned()))
        );
        let cut = Refs {
            shallow: Some(A.to_owned()),
            ..was.clone()
        };
        assert!(was.moves_to(&cut).is_err());
    }

    #[test]
    fn a_reference_that_leads_to_others_is_followed_with_a_bound() {
        let all = refs(
            &[
                ("HEAD", "ref: refs/heads/main"),
                ("refs/heads/loop", "ref: refs/heads/loop"),
            ],
            &[("refs/heads/main", A)],
        );
        assert_eq!(all.resolve("HEAD").as_deref(), Some(A));
        assert_eq!(all.resolve("refs/heads/loop"), None);
        assert_eq!(all.objects(), [A]);
    }

    #[test]
    fn every_file_that_leads_to_commits_is_a_reference() {
        for inside in [
            "HEAD",
            "packed-refs",
            "refs/heads/a/b",
            "refs/tags/v1",
            "refs/remotes/origin/main",
            "shallow",
            "worktrees/w/HEAD",
            "worktrees/w/refs/x",
        ] {
            assert_eq!(part_of(inside), Some(Part::Reference), "{inside}");
        }
        for inside in ["index", "logs/HEAD", "worktrees/w/logs/HEAD"] {
            assert_eq!(part_of(inside), Some(Part::Along), "{inside}");
        }
        for inside in [
            "objects/ab/cd",
            "config",
            "COMMIT_EDITMSG",
            "worktrees/w",
            "refsx",
        ] {
            assert_eq!(part_of(inside), None, "{inside}");
        }
    }
}
