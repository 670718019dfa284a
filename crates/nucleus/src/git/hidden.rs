//! Keeps what the policy blocks out of what git says.
//!
//! Git's objects hold every version of every file, so a mask over the tree hides
//! none of them; what git prints is taken apart by file instead.

use std::sync::Arc;

use portcullis::envelope::Envelope;
use portcullis::path::RelPath;
use portcullis::request::Subject;
use portcullis::{Amount, Operation};

use super::Git;
use super::status::StatusEntry;
use crate::error::Error;
use crate::monitor::Terms;

/// The blocked paths of one repository.
#[derive(Debug)]
pub(super) struct Hidden<'a> {
    envelope: Arc<Envelope>,
    repository: &'a RelPath,
}

impl Git {
    /// What the policy hides of a repository now.
    pub(super) fn hidden<'a>(&self, repository: &'a RelPath) -> Hidden<'a> {
        Hidden {
            envelope: self.executor.sandbox().monitor().envelope(),
            repository,
        }
    }

    /// Refuses as a read would, when a blocked path is named.
    pub(super) fn check_shown(&self, repository: &RelPath, paths: &[RelPath]) -> Result<(), Error> {
        let hidden = self.hidden(repository);
        let Some(path) = paths.iter().find(|path| hidden.holds(path.as_str())) else {
            return Ok(());
        };
        let monitor = self.executor.sandbox().monitor();
        let subject = Subject::Path(repository.join(path.as_str())?);
        let request = monitor.request(Operation::ReadFiles, subject).build();
        let admitted = monitor.admit_on(&request, &Terms::read())?;
        let why = nucleus_audit::Effect::Failed("the path was blocked meanwhile");
        admitted.ticket.finish(why, Amount::ZERO)?;
        Err(Error::Invalid(format!("`{path}` was blocked meanwhile")))
    }
}

impl Hidden<'_> {
    /// Whether the policy blocks a path of the repository.
    ///
    /// FAIL-CLOSED: one without a canonical spelling is blocked.
    pub(super) fn holds(&self, path: &str) -> bool {
        let blocked = self.envelope.paths().blocked();
        self.repository.join(path).map_or(true, |path| {
            blocked.any(|pattern| pattern.matches_folded(&path))
        })
    }

    /// A patch less the parts of blocked files.
    ///
    /// The patch must be one without renames and with the usual prefixes, so that each part names its file.
    pub(super) fn patch(&self, patch: &str) -> String {
        let mut shown = String::with_capacity(patch.len());
        let mut is_shown = true;
        for line in patch.split_inclusive('\n') {
            if let Some(file) = file_of(line) {
                is_shown = file.is_some_and(|file| !self.holds(&file));
            }
            if is_shown {
                shown.push_str(line);
            }
        }
        shown
    }

    /// A state less what is blocked; a rename from or to such a file is what is left of it.
    pub(super) fn entry(&self, entry: StatusEntry) -> Option<StatusEntry> {
        let is_from = entry.from.as_ref().is_some_and(|from| self.holds(from));
        let letter = |c: char, other: char| if matches!(c, 'R' | 'C') { other } else { c };
        match (self.holds(&entry.path), is_from, entry.from) {
            (false, false, from) => Some(StatusEntry { from, ..entry }),
            (false, true, _) => Some(StatusEntry {
                index: letter(entry.index, 'A'),
                tree: letter(entry.tree, 'A'),
                path: entry.path,
                from: None,
            }),
            (true, false, Some(from)) if entry.index == 'R' || entry.tree == 'R' => {
                Some(StatusEntry {
                    index: letter(entry.index, 'D'),
                    tree: letter(entry.tree, 'D'),
                    path: from,
                    from: None,
                })
            }
            (true, _, _) => None,
        }
    }
}

/// The file that a line begins the part of; `Some(None)` when it begins one of a name that cannot be read.
fn file_of(line: &str) -> Option<Option<String>> {
    let line = line.strip_suffix('\n').unwrap_or(line);
    if let Some(names) = line.strip_prefix("diff --git ") {
        return Some(of_both(names));
    }
    let one = ["diff --cc ", "diff --combined ", "* Unmerged path "]
        .iter()
        .find_map(|head| line.strip_prefix(head));
    one.map(|name| {
        if name.starts_with('"') {
            unquoted(name)
        } else {
            Some(name.to_owned())
        }
    })
}

/// The file of `a/NAME b/NAME`, quoted or not.
fn of_both(names: &str) -> Option<String> {
    // Both names are one, so the blank between them is in the middle.
    let middle = names.len().checked_sub(1)? / 2;
    let (first, second) = (names.get(..middle)?, names.get(middle + 1..)?);
    if names.as_bytes().get(middle) != Some(&b' ') {
        return None;
    }
    let plain = |name: &str| match name.starts_with('"') {
        true => unquoted(name),
        false => Some(name.to_owned()),
    };
    let (first, second) = (plain(first)?, plain(second)?);
    let file = first.strip_prefix("a/")?;
    (second.strip_prefix("b/") == Some(file)).then(|| file.to_owned())
}

/// A name as git quotes it, without the quotes.
fn unquoted(name: &str) -> Option<String> {
    let inner = name.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next()? {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            plain @ (b'"' | b'\\') => plain,
            first @ b'0'..=b'3' => {
                let digit = |byte: u8| byte.is_ascii_digit().then(|| byte - b'0');
                (first - b'0') * 64 + digit(rest.next()?)? * 8 + digit(rest.next()?)?
            }
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{Hidden, file_of};
    use crate::git::StatusEntry;
    use portcullis::glob::PathPattern;
    use portcullis::path::RelPath;
    use portcullis::{Conjunction, Envelope, EnvelopeParts, Section, Union};
    use std::sync::Arc;

    fn hiding(repository: &RelPath) -> Hidden<'_> {
        let mut parts = EnvelopeParts::everything();
        let blocked = [".env", "sub/secret.txt"];
        parts.paths = Section {
            listed: Conjunction::everything(),
            blocked: Union::of(blocked.map(|path| PathPattern::parse(path).unwrap())),
        };
        Hidden {
            envelope: Arc::new(Envelope::new(parts)),
            repository,
        }
    }

    #[test]
    fn each_part_of_a_patch_names_its_file() {
        for (line, file) in [
            ("diff --git a/x b/x\n", Some("x")),
            ("diff --git a/a b/c b/a b/c\n", Some("a b/c")),
            (
                "diff --git \"a/t\\tn\\303\\274\" \"b/t\\tn\\303\\274\"\n",
                Some("t\tnü"),
            ),
            ("diff --cc a b\n", Some("a b")),
            ("* Unmerged path .env\n", Some(".env")),
            ("diff --git a/x b/y\n", None),
            ("diff --git x x\n", None),
        ] {
            assert_eq!(file_of(line), Some(file.map(str::to_owned)), "{line}");
        }
        for line in [
            "+diff --git a/x b/x\n",
            " diff --cc x\n",
            "@@ -1 +1 @@\n",
            "",
        ] {
            assert_eq!(file_of(line), None, "{line}");
        }
    }

    #[test]
    fn a_patch_loses_the_parts_of_blocked_files_and_nothing_else() {
        let patch = "diff --git a/a b/a\n+one\n+diff --git a/.env b/.env\n\
                     diff --git a/.env b/.env\n-KEY=1\n\
                     diff --git a/x/.ENV b/x/.ENV\n-KEY=2\n\
                     diff --git a/z b/y\n-odd\n\
                     diff --cc b\n++two\n";
        let shown = hiding(&RelPath::root()).patch(patch);
        assert_eq!(
            shown,
            "diff --git a/a b/a\n+one\n+diff --git a/.env b/.env\ndiff --cc b\n++two\n"
        );
        let sub = RelPath::parse("sub").unwrap();
        let below = "diff --git a/secret.txt b/secret.txt\n+s\n";
        assert_eq!(hiding(&sub).patch(below), "");
        assert_eq!(hiding(&RelPath::root()).patch(below), below);
    }

    #[test]
    fn a_rename_of_a_blocked_file_shows_the_other_side_only() {
        let root = RelPath::root();
        let hidden = hiding(&root);
        let entry = |index, path: &str, from: Option<&str>| StatusEntry {
            index,
            tree: ' ',
            path: path.to_owned(),
            from: from.map(str::to_owned),
        };
        assert_eq!(hidden.entry(entry('M', ".env", None)), None);
        assert_eq!(
            hidden.entry(entry('R', "open", Some(".env"))),
            Some(entry('A', "open", None))
        );
        assert_eq!(
            hidden.entry(entry('R', ".env", Some("open"))),
            Some(entry('D', "open", None))
        );
        assert_eq!(hidden.entry(entry('C', ".env", Some("open"))), None);
        let plain = entry('R', "b", Some("a"));
        assert_eq!(hidden.entry(plain.clone()), Some(plain));
    }
}
