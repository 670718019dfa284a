//! Sorts the changes of a command: objects before what leads to them, and what makes them superfluous last.

use std::collections::BTreeMap;

use portcullis::path::RelPath;

use crate::git::part_of;
use crate::workspace::{Before, Change, ChangeKind, CommandOutcome, RefusedEntry};

/// The changes in the order in which they may land.
#[derive(Debug, Default)]
pub(super) struct Phases {
    /// Everything that no reference waits for.
    pub(super) plain: Vec<Change>,
    /// Of each repository with moved references, by its git directory.
    pub(super) repositories: BTreeMap<RelPath, Own>,
    /// Removals of directories above those.
    pub(super) last: Vec<Change>,
    /// What never lands.
    pub(super) refused: Vec<RefusedEntry>,
}

/// What waits in one repository.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// References, index and logs.
    pub(super) references: Vec<Change>,
    /// Removed objects: another reference may still lead to them.
    pub(super) removed: Vec<Change>,
}

impl Phases {
    /// The changes of a command, each in its place; the order within a place stays.
    pub(super) fn of(outcome: CommandOutcome) -> Self {
        let mut phases = Self {
            refused: outcome.refused,
            ..Self::default()
        };
        let (mut inner, mut others) = (Vec::new(), Vec::new());
        for change in outcome.changes {
            match inside_git(&change) {
                Some((own, inside)) => inner.push((own, inside, change)),
                None => others.push(change),
            }
        }
        for (own, inside, change) in inner {
            phases.place(own, &inside, change, &mut others);
        }
        phases.settle(others);
        phases
    }

    /// Puts a change of a git directory where it belongs.
    fn place(&mut self, own: RelPath, inside: &str, change: Change, others: &mut Vec<Change>) {
        let is_object = inside.starts_with("objects/");
        if part_of(inside).is_some() {
            self.repositories
                .entry(own)
                .or_default()
                .references
                .push(change);
        } else if is_object && change.kind == ChangeKind::Delete {
            let waiting = self.repositories.entry(own).or_default();
            waiting.removed.push(change);
        } else if is_object && replaces_object(inside, &change) {
            self.refused.push(RefusedEntry {
                path: change.path,
                why: "git never changes an object".to_owned(),
            });
        } else {
            others.push(change);
        }
    }

    /// Keeps removals of directories back in which something waits.
    fn settle(&mut self, others: Vec<Change>) {
        let waiting: Vec<&Change> = self
            .repositories
            .values()
            .flat_map(|own| own.references.iter().chain(&own.removed))
            .collect();
        let is_above = |change: &Change| {
            let path = change.path.as_bytes();
            change.kind == ChangeKind::Delete
                && waiting.iter().any(|below| {
                    let rest = below.path.as_bytes().strip_prefix(path);
                    rest.is_some_and(|rest| rest.starts_with(b"/"))
                })
        };
        let (last, plain) = others.into_iter().partition(is_above);
        self.last = last;
        self.plain = plain;
    }
}

/// The git directory that a change is in, and its path there.
fn inside_git(change: &Change) -> Option<(RelPath, String)> {
    let path = change.path.rel()?.as_str();
    let mut end = 0;
    for name in path.split('/') {
        end += name.len();
        if name.eq_ignore_ascii_case(".git") {
            let inside = path.get(end + 1..)?.to_owned();
            return Some((RelPath::parse(&path[..end]).ok()?, inside));
        }
        end += 1;
    }
    None
}

/// Whether an object or a pack of objects would become another one.
fn replaces_object(inside: &str, change: &Change) -> bool {
    let names: Vec<&str> = inside.split('/').collect();
    let is_object = match names[..] {
        ["objects", "pack", name] => name.starts_with("pack-"),
        ["objects", head, tail] => head.len() == 2 && tail.len() >= 38,
        _ => false,
    };
    let before = match &change.before {
        Before::Absent => None,
        Before::File { digest, .. } => Some(*digest),
        _ => return is_object,
    };
    match (&change.kind, before) {
        (ChangeKind::Write { content, .. }, Some(before)) => {
            is_object && content.digest() != before
        }
        (ChangeKind::Symlink { .. }, _) => is_object,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{CommandOutcome, Phases};
    use crate::workspace::{Before, Change, ChangeKind, EntryPath, HeldContent, Origin};
    use portcullis::Exposure;

    fn change(path: &str, kind: ChangeKind, before: Before) -> Change {
        Change {
            path: EntryPath::from_bytes(path.as_bytes()),
            kind,
            before,
            labels: Exposure::NONE,
            origin: Origin::Command,
        }
    }

    fn written(path: &str, before: Before) -> Change {
        let content = HeldContent::from_bytes(&b"new"[..]);
        change(
            path,
            ChangeKind::Write {
                content,
                mode: 0o644,
            },
            before,
        )
    }

    fn file(text: &str) -> Before {
        let digest = HeldContent::from_bytes(text.as_bytes()).digest();
        Before::File {
            digest,
            mode: 0o444,
        }
    }

    fn paths(changes: &[Change]) -> Vec<String> {
        changes
            .iter()
            .map(|change| change.path.to_string())
            .collect()
    }

    const OBJECT: &str = ".git/objects/ab/0123456789abcdef0123456789abcdef012345";

    #[test]
    fn objects_come_before_references_and_removals_after_them() {
        let changes = vec![
            change("sub/.git", ChangeKind::Delete, Before::Absent),
            written("src/a.rs", Before::Absent),
            written(".git/refs/heads/main", file("old")),
            change(OBJECT, ChangeKind::Delete, file("x")),
            written(".git/index", file("old")),
            written(".git/objects/pack/pack-1.pack", Before::Absent),
            change("sub/.git/HEAD", ChangeKind::Delete, file("old")),
        ];
        let outcome = CommandOutcome {
            changes,
            refused: Vec::new(),
        };
        let phases = Phases::of(outcome);
        assert_eq!(
            paths(&phases.plain),
            ["src/a.rs", ".git/objects/pack/pack-1.pack"]
        );
        let own: Vec<_> = phases.repositories.iter().collect();
        assert_eq!(own[0].0.as_str(), ".git");
        assert_eq!(
            paths(&own[0].1.references),
            [".git/refs/heads/main", ".git/index"]
        );
        assert_eq!(paths(&own[0].1.removed), [OBJECT]);
        assert_eq!(paths(&own[1].1.references), ["sub/.git/HEAD"]);
        assert_eq!(paths(&phases.last), ["sub/.git"]);
    }

    #[test]
    fn an_object_is_added_and_never_replaced() {
        let of = |before| {
            Phases::of(CommandOutcome {
                changes: vec![written(OBJECT, before)],
                refused: Vec::new(),
            })
        };
        assert_eq!(of(file("another")).refused.len(), 1);
        for before in [Before::Absent, file("new")] {
            let phases = of(before);
            assert_eq!((phases.refused.len(), phases.plain.len()), (0, 1));
        }
    }
}
